"""Reads answers and thoughts from the responses of providers."""

import json
from typing import Any

from shared.llm import stop_reasons
from shared.llm.answer import Answer
from shared.llm.exchange import Exchange
from shared.llm.forms import read_document


def parse_json(body: bytes | None) -> Any:
    """Parses a body as JSON, in any of the encodings that JSON allows.

    Returns None if it is invalid, has too many digits in an integer, or is nested too deeply.
    """
    body = body or b""
    try:
        return json.loads(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError):
        return None


def is_remnant(body: bytes | None) -> bool:
    """Whether a body is the rest of a lost answer: empty, or the beginning of JSON."""
    text = (body or b"").lstrip(b"\xef\xbb\xbf \t\r\n\0")
    return not text or (text[:1] in (b"{", b"[") and parse_json(body) is None)


def read_exchange(exchange: Exchange) -> Answer | None:
    """Returns the answer or the part of a stream that has arrived, or None if it cannot be read."""
    lost = exchange.body is None and exchange.stream is not None
    try:
        answer = read_document(exchange.stream.document() if lost and exchange.stream else parse_json(exchange.body))
    except RecursionError:  # nested too deeply to be serialized again
        return None
    if answer is not None and exchange.stream is not None:
        answer.more_text_bytes += exchange.stream.extra_bytes
    return answer


def read_thoughts(answer: Answer, stop: str | None) -> dict[str, Any] | None:
    """Returns the details of an answer in addition to its text, or None if there are none.

    They are `reasoning`, `thinking_blocks`, `tool_calls` for the caller, `built_in_tools` that the provider ran,
    `citations` (see `shared.llm.citations`), a `refusal` in addition to an answer, and an unusual `finish_reason`.
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
    """See `stop_reasons.reason`. For a refusal without another reason, returns "refusal"."""
    stop = stop_reasons.reason(answer.stop, answer.native_stop)
    return "refusal" if answer.refusal and stop is None else stop
