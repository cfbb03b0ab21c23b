"""Makes a result, or a failure, of what a provider answered, and says what it cost."""

import json
from typing import Any

from shared.llm import stop_reasons
from shared.llm.answer import Answer
from shared.llm.exchange import Exchange
from shared.llm.forms import read_document


def parse_json(body: bytes | None) -> Any:
    """The JSON in a body, None when it is none. Whole numbers beyond all bounds, and depths, are none either.

    In UTF-8, or in one of the other encodings that JSON may have and that show themselves.
    """
    body = body or b""
    try:
        return json.loads(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError):
        return None


def is_remnant(body: bytes | None) -> bool:
    """Whether a body is what is left of an answer: nothing, or the beginning of JSON."""
    text = (body or b"").lstrip(b"\xef\xbb\xbf \t\r\n\0")
    return not text or (text[:1] in (b"{", b"[") and parse_json(body) is None)


def read_exchange(exchange: Exchange) -> Answer | None:
    """The answer, or as much of a stream as has come; None where nothing can be read."""
    lost = exchange.body is None and exchange.stream is not None
    try:
        answer = read_document(exchange.stream.document() if lost and exchange.stream else parse_json(exchange.body))
    except RecursionError:  # it is nested more deeply than it can be written again
        return None
    if answer is not None and exchange.stream is not None:
        answer.more_spoken += exchange.stream.beside
    return answer


def read_thoughts(answer: Answer, stop: str | None) -> dict[str, Any] | None:
    """What the model did beside answering; None if nothing.

    `reasoning`, `thinking_blocks`, `tool_calls` for the caller, `built_in_tools` that the provider ran, `citations`
    (see `citations`), `refusal` beside an answer, and `finish_reason` where that is not the usual one.
    """
    thoughts: dict[str, Any] = {
        "reasoning": answer.reasoning,
        "thinking_blocks": answer.thinking_blocks,
        "tool_calls": answer.tool_calls,
        "built_in_tools": answer.built_in_tools,
        "citations": answer.citations,
        "refusal": answer.refusal if answer.content else "",
        "finish_reason": stop,
    }
    return {name: thought for name, thought in thoughts.items() if thought} or None


def stop_of(answer: Answer) -> str | None:
    """See `stop_reasons.reason`; a refusal is one whatever else is said of its end."""
    stop = stop_reasons.reason(answer.stop, answer.native_stop)
    return "refusal" if answer.refusal and stop is None else stop
