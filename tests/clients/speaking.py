"""Makes the scripted model speak in small pieces."""

from tests.doubles.model_server import ModelServer, Wire
from tests.doubles.provider_streams import chat_stream

TEXT = "Grüße 👩‍🚀 aus Köln\u2028 und 東京: " + "Wort für Wort, " * 25


def speak(model_server: ModelServer, prompt: str, pause: float, text: str = TEXT, *, cut: bool = False) -> None:
    """Makes the answer to the next chat with this prompt a stream, whose pieces are `pause` seconds apart.

    `cut`: the connection breaks after half of them.
    """
    document = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20},
    }
    pieces = chat_stream(document, lambda whole: [whole[start : start + 9] for start in range(0, len(whole), 9)])
    pieces = pieces[: len(pieces) // 2] if cut else pieces
    model_server.script(prompt, Wire(pieces, content_type="text/event-stream", pause=pause, cut=cut))
