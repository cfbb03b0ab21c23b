"""A model provider with OpenAI's chat API over HTTP: the same priced answer to everything, after a delay."""

import asyncio
import json
import re
from typing import Any, cast

PROMPT_TOKENS = 1000
COMPLETION_TOKENS = 500
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STREAMS = re.compile(rb'"stream": *true')
_USAGE = {
    "prompt_tokens": PROMPT_TOKENS,
    "completion_tokens": COMPLETION_TOKENS,
    "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
}
_BASE = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4.1-mini"}


def _respond(kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _write_answer() -> bytes:
    message = {"role": "assistant", "content": "Hello from the model."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {**_BASE, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    return _respond("application/json", json.dumps(answer).encode())


def _write_stream() -> bytes:
    base = {**_BASE, "object": "chat.completion.chunk"}
    deltas: list[dict[str, str]] = [
        {"role": "assistant", "content": ""},
        *[{"content": f"{word} "} for word in ["Hello", "from", "the"]],
    ]
    chunks: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "finish_reason": None} for delta in [*deltas, {"content": "model."}]
    ]
    chunks.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [{**base, "choices": [chunk]} for chunk in chunks] + [{**base, "choices": [], "usage": _USAGE}]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return _respond("text/event-stream", body.encode())


_ANSWER, _STREAM = _write_answer(), _write_stream()


class ModelServer:
    """The server. A stream is sent as a whole after the delay."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.calls = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Starts the server and returns its base URL."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Exchange(self), "127.0.0.1", 0, backlog=1024)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        """Stops the server."""
        if self._server is not None:
            self._server.close()

    async def set_delay(self, seconds: float) -> None:
        """Sets how long each answer takes."""
        self.delay = seconds

    async def take_calls(self) -> int:
        """Returns the number of calls since this was last called."""
        calls, self.calls = self.calls, 0
        return calls


class _Exchange(asyncio.Protocol):
    """A connection."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) < size:
            return
        answer = _STREAM if _STREAMS.search(self._received, end) else _ANSWER
        del self._received[:size]
        self._server.calls += 1
        asyncio.get_running_loop().call_later(self._server.delay, self._transport.write, answer)
