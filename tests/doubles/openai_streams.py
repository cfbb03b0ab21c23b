"""What a provider with OpenAI's chat API streams, and a function that it calls."""

import json
from typing import Any

from tests.doubles.model_server import Wire

WEATHER = {
    "name": "get_weather",
    "description": "Returns the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
DETAILS: dict[str, Any] = {
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
"""The details of a usage: what is counted within 10 tokens of a prompt and 5 of an answer."""
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Bonn"}'}}


def stream_of(
    *deltas: dict[str, Any],
    finish_reason: str = "stop",
    pause: float = 0.0,
    silent: bool = False,
    details: dict[str, Any] | None = None,
) -> Wire:
    """Returns a provider's stream of these deltas. `silent`: it never ends. `details`: more fields of its usage."""
    base: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks: list[dict[str, Any]] = [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    if not silent:
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **(details or {})}
        chunks.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]})
        chunks.append({**base, "choices": [], "usage": usage})
    pieces = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
    end = [] if silent else [b"data: [DONE]\n\n"]
    return Wire([*pieces, *end], content_type="text/event-stream", pause=pause, silent=silent)
