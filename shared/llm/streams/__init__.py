"""Reads the streams of providers: a framing divides the bytes into events, and a joiner of each form joins the events.

The joined document is the one that the provider sends without streaming, so `shared.llm.forms` reads both.
"""

from collections.abc import Callable

from shared.llm.streams.chat import ChatJoiner
from shared.llm.streams.converse import ConverseJoiner
from shared.llm.streams.event_frames import EventFrames
from shared.llm.streams.framing import Framing, Lines, ServerSentEvents
from shared.llm.streams.gemini import GeminiJoiner
from shared.llm.streams.joiner import Joiner
from shared.llm.streams.messages import MessagesJoiner
from shared.llm.streams.ollama import OllamaJoiner
from shared.llm.streams.responses import ResponsesJoiner
from shared.llm.streams.speaker import Follow, Speaker

__all__ = ["Follow", "Framing", "Joiner", "ServerSentEvents", "choose_framing", "choose_joiner"]

_JOINERS: tuple[tuple[str, type[Joiner]], ...] = (
    ("/messages", MessagesJoiner),
    ("/responses", ResponsesJoiner),
    ("/converse-stream", ConverseJoiner),
    (":streamGenerateContent", GeminiJoiner),
    ("/api/chat", OllamaJoiner),
)
"""The joiners by the ends of their interfaces' paths. All other paths belong to OpenAI's chat interface."""
_FRAMINGS: tuple[tuple[str, Callable[[], Framing]], ...] = (
    ("text/event-stream", ServerSentEvents),
    ("application/vnd.amazon.eventstream", EventFrames),
    ("application/x-ndjson", Lines),
)


def choose_framing(content_type: str) -> Framing | None:
    """Returns the framing of a stream of this type, or None if the type does not announce a stream."""
    return next((create() for name, create in _FRAMINGS if content_type.lower().startswith(name)), None)


def choose_joiner(path: str, follow: Follow | None) -> Joiner:
    """Returns the joiner for the interface at this path of a URL. It passes on to `follow` what the model says."""
    joiner = next((joiner for end, joiner in _JOINERS if path.endswith(end)), ChatJoiner)
    return joiner(Speaker(follow))
