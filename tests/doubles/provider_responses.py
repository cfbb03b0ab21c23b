"""Model responses in the format of each provider's API, as small as its documentation allows."""

import json
from typing import Any


def chat(content: Any = "yes", finish_reason: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """Returns a response of OpenAI's chat API.

    `message` and `choice` add fields to those objects. Other keyword arguments add fields to the response itself.
    """
    message = {"role": "assistant", "content": content, **fields.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, **fields.pop("choice", {})}
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    response = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "usage": usage}
    return {**response, "choices": [choice], **fields}


def responses(*output: dict[str, Any], status: str = "completed", **fields: Any) -> dict[str, Any]:
    """Returns a response of OpenAI's Responses API."""
    usage = {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500}
    response = {"id": "r1", "object": "response", "created_at": 1, "status": status, "model": "m", "error": None}
    other_fields = {
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tools": [],
        "tool_choice": "auto",
        "metadata": {},
    }
    return {**response, **other_fields, "output": list(output), "usage": usage, **fields}


def output_text(text: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    """Returns an output item of the Responses API."""
    part = {"type": "output_text", "text": text, "annotations": list(annotations)}
    return {"type": "message", "id": "m1", "status": "completed", "role": "assistant", "content": [part]}


def anthropic(*content: dict[str, Any], stop_reason: str | None = "end_turn", **fields: Any) -> dict[str, Any]:
    """Returns a response of Anthropic's Messages API."""
    response = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    usage = {"input_tokens": 1000, "output_tokens": 500, **fields.pop("usage", {})}
    return {**response, "content": list(content), "stop_reason": stop_reason, "usage": usage, **fields}


def gemini(*parts: dict[str, Any], finish_reason: str | None = "STOP", **candidate: Any) -> dict[str, Any]:
    """Returns a response of Gemini's `generateContent`."""
    first = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish_reason, "index": 0, **candidate}
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 500, "totalTokenCount": 1500}
    return {"candidates": [first], "usageMetadata": usage, "modelVersion": "m", "responseId": "g1"}


def converse(*content: dict[str, Any], stop_reason: str = "end_turn") -> dict[str, Any]:
    """Returns a response of Bedrock's Converse API."""
    usage = {"inputTokens": 1000, "outputTokens": 500, "totalTokens": 1500}
    message = {"role": "assistant", "content": list(content)}
    return {"output": {"message": message}, "stopReason": stop_reason, "usage": usage, "metrics": {"latencyMs": 1}}


def event(data: Any) -> bytes:
    """Returns an event of a stream."""
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def delta(finish_reason: str | None = None, **delta: Any) -> bytes:
    """Returns an event of a streamed response of OpenAI's chat API."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


DONE = event(b"[DONE]")
