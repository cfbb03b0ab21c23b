"""The streams of each provider's interface, made from the document that the interface sends without streaming."""

import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

from tests.doubles.provider_responses import DONE, event

Cut = Callable[[str], list[str]]
"""Divides a text into the tokens that a model says one after the other."""


def chat_stream(document: dict[str, Any], cut: Cut) -> list[bytes]:
    """Returns the chunks of a response of OpenAI's chat interface."""
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    (choice,) = document["choices"]
    message = {name: value for name, value in choice["message"].items() if name not in ("content", "tool_calls")}
    texts = [(name, message.pop(name)) for name in ("reasoning_content", "reasoning") if name in message]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{name: token} for name, text in texts for token in cut(text)]
    deltas += [{"content": token} for token in cut(choice["message"].get("content") or "")]
    for index, call in enumerate(choice["message"].get("tool_calls", [])):
        function = call["function"]
        begun = {**call, "index": index, "function": {"name": function["name"], "arguments": ""}}
        parts = [{"index": index, "function": {"arguments": token}} for token in cut(function["arguments"])]
        deltas += [{"tool_calls": [part]} for part in (begun, *parts)]
    if message:
        deltas.append({name: value for name, value in message.items() if name != "role"})
    rest = {name: value for name, value in document.items() if name not in ("choices", "object", *base)}
    chunks = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    end = {**choice, "delta": {}, "index": 0}
    del end["message"]
    return [
        *(event({**base, "choices": [chunk]}) for chunk in chunks),
        event({**base, "choices": [end]}),
        event({**base, "choices": [], **rest}),
        DONE,
    ]


def messages_stream(document: dict[str, Any], cut: Cut) -> list[bytes]:
    """Returns the events of a response of Anthropic's Messages interface."""
    usage = document["usage"]
    start = {**document, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(document["content"]):
        begun, deltas = _begin_block(block, cut)
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": document["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]
    return [f"event: {item['type']}\n".encode() + event(item) for item in events]


def _begin_block(block: dict[str, Any], cut: Cut) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": token} for token in cut(block["text"])]
            deltas += [{"type": "citations_delta", "citation": cited} for cited in block.get("citations", [])]
            return {"type": "text", "text": ""}, deltas
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": token} for token in cut(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case "tool_use" | "server_tool_use":
            tokens = cut(json.dumps(block["input"]))
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": token} for token in tokens]
        case _:
            return block, []


def gemini_stream(document: dict[str, Any], cut: Cut) -> list[bytes]:
    """Returns the events of a response of Gemini's `streamGenerateContent`."""
    (candidate,) = document["candidates"]
    parts: list[dict[str, Any]] = []
    for part in candidate["content"]["parts"]:
        texts = [{**part, "text": token} for token in cut(part["text"])] if "text" in part else [part]
        parts += texts
    usage = document["usageMetadata"]
    early = {**usage, "candidatesTokenCount": 1, "totalTokenCount": usage["promptTokenCount"] + 1}
    events: list[dict[str, Any]] = [
        {"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}], "usageMetadata": early}
        for part in parts
    ]
    last = {name: value for name, value in candidate.items() if name != "content"}
    return [event(item) for item in [*events, {**document, "candidates": [last]}]]


def responses_stream(document: dict[str, Any], cut: Cut) -> list[bytes]:
    """Returns the events of a response of OpenAI's Responses interface."""
    begun = {**document, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(document["output"]):
        events.append({"type": "response.output_item.added", "output_index": index, "item": _empty(item)})
        events += [{**delta, "output_index": index} for delta in _item_deltas(item, cut)]
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": f"response.{document['status']}", "response": document})
    numbered = [{**item, "sequence_number": number} for number, item in enumerate(events)]
    return [f"event: {item['type']}\n".encode() + event(item) for item in numbered]


def _empty(item: dict[str, Any]) -> dict[str, Any]:
    empty = {"content": [], "summary": [], "arguments": "", "code": ""}
    return {name: empty.get(name, value) for name, value in item.items()}


def _item_deltas(item: dict[str, Any], cut: Cut) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = []
    for part, content in enumerate(item.get("content", [])):
        name = "refusal" if content["type"] == "refusal" else "text"
        kind = f"response.{content['type']}.delta"
        deltas += [{"type": kind, "content_index": part, "delta": token} for token in cut(content[name])]
        deltas.append({"type": kind.replace("delta", "done"), "content_index": part, name: content[name]})
    for part, content in enumerate(item.get("summary", [])):
        kind = "response.reasoning_summary_text.delta"
        deltas += [{"type": kind, "summary_index": part, "delta": token} for token in cut(content["text"])]
    kind = "response.function_call_arguments.delta"
    return deltas + [{"type": kind, "delta": token} for token in cut(item.get("arguments", ""))]


def ollama_stream(document: dict[str, Any], cut: Cut) -> list[bytes]:
    """Returns the lines of a response of Ollama's own interface."""
    message = document["message"]
    parts: list[dict[str, Any]] = [{"content": "", "thinking": token} for token in cut(message.get("thinking", ""))]
    parts += [{"content": token} for token in cut(message["content"])]
    parts += [{"content": "", "tool_calls": [call]} for call in message.get("tool_calls", [])]
    lines = [{"model": "m", "message": {"role": "assistant", **part}, "done": False} for part in parts]
    last = {**document, "message": {"role": "assistant", "content": ""}}
    return [json.dumps(line).encode() + b"\n" for line in [*lines, last]]


def converse_stream(document: dict[str, Any], cut: Cut) -> list[bytes]:
    """Returns the frames of a response of Bedrock's `converse-stream`."""
    frames = [frame("messageStart", {"role": "assistant"})]
    for index, block in enumerate(document["output"]["message"]["content"]):
        if call := block.get("toolUse"):
            begun = {name: value for name, value in call.items() if name != "input"}
            frames.append(frame("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": begun}}))
        deltas = _converse_deltas(block, cut)
        frames += [frame("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
        frames.append(frame("contentBlockStop", {"contentBlockIndex": index}))
    frames.append(frame("messageStop", {"stopReason": document["stopReason"]}))
    return [*frames, frame("metadata", {"usage": document["usage"], "metrics": {"latencyMs": 1}})]


def _converse_deltas(block: dict[str, Any], cut: Cut) -> list[dict[str, Any]]:
    match block:
        case {"text": str() as text}:
            return [{"text": token} for token in cut(text)]
        case {"citationsContent": {"content": [{"text": str() as text}], "citations": [*sources]}}:
            return [*({"text": token} for token in cut(text)), *({"citation": source} for source in sources)]
        case {"reasoningContent": {"reasoningText": {"text": str() as text, "signature": signature}}}:
            thoughts = [{"reasoningContent": {"text": token}} for token in cut(text)]
            return [*thoughts, {"reasoningContent": {"signature": signature}}]
        case {"toolUse": {"input": input_}}:
            return [{"toolUse": {"input": token}} for token in cut(json.dumps(input_))]
        case _:
            return [block]


def frame(name: str, payload: Any, *, is_exception: bool = False) -> bytes:
    """Returns a frame of an AWS event stream."""
    kind = "exception" if is_exception else "event"
    fields = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
    headers = b"".join(
        struct.pack("!B", len(field)) + field.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for field, value in fields.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack("!I", zlib.crc32(message))


STREAM_TYPES = {
    "bedrock": "application/vnd.amazon.eventstream",
    "ollama": "application/x-ndjson",
}
"""The content types of streams, by provider, other than `text/event-stream`."""
