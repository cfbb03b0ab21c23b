"""A model provider with OpenAI's chat API over HTTP: the same priced answer to everything, after a delay.

With a pace, it streams its answers slowly, one token after the other, and records what becomes of each call.
"""

import asyncio
import json
import re
import time
from dataclasses import dataclass
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


@dataclass
class SlowCall:
    """A call that is answered slowly. Times are on the machine's monotonic clock; `first` is that of the first token.

    `sent`: the number of tokens sent. `ended`: when the answer was complete, or when the client closed the connection
    before; None while the call is open.
    """

    prompt: str
    began: float
    first: float | None = None
    ended: float | None = None
    sent: int = 0
    is_complete: bool = False


@dataclass(frozen=True)
class Pace:
    """How a slow answer is sent: how many tokens, the seconds between them, and the seconds before the first."""

    tokens: int
    pause: float
    before_first: float = 0.0


def write_token(number: int) -> str:
    """Returns a token of a slow answer, counted from 0. No two are the same, so a missing one is noticed."""
    return f"{number} "


def write_tokens(count: int) -> str:
    """Returns the first tokens of a slow answer."""
    return "".join(map(write_token, range(count)))


def _respond(kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _write_answer() -> bytes:
    message = {"role": "assistant", "content": "Hello from the model."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {**_BASE, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    return _respond("application/json", json.dumps(answer).encode())


def _write_stream() -> bytes:
    deltas: list[dict[str, str]] = [
        {"role": "assistant", "content": ""},
        *[{"content": f"{word} "} for word in ["Hello", "from", "the"]],
    ]
    chunks: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "finish_reason": None} for delta in [*deltas, {"content": "model."}]
    ]
    return _respond("text/event-stream", b"".join(map(_write_chunk, chunks)) + _write_end())


def _write_chunk(choice: dict[str, Any]) -> bytes:
    return _write_event({"choices": [choice]})


def _write_end() -> bytes:
    """Returns the end of a stream, with its usage."""
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return _write_chunk(choice) + _write_event({"choices": [], "usage": _USAGE}) + b"data: [DONE]\n\n"


def _write_event(fields: dict[str, Any]) -> bytes:
    return f"data: {json.dumps({**_BASE, 'object': 'chat.completion.chunk', **fields})}\n\n".encode()


def _write_transfer_chunk(data: bytes) -> bytes:
    """Returns the data as a chunk of HTTP's chunked encoding. An empty one ends the response."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


_ANSWER, _STREAM = _write_answer(), _write_stream()
_SLOW_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class ModelServer:
    """The server. A stream is sent as a whole after the delay, unless there is a pace."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.pace: Pace | None = None
        self.calls = 0
        self.slow_calls: list[SlowCall] = []
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

    async def set_pace(self, pace: Pace | None) -> None:
        """Streams are sent slowly from now on; with None, as a whole."""
        self.pace = pace

    async def get_slow_calls(self) -> list[SlowCall]:
        """Returns all slow calls so far."""
        return self.slow_calls

    async def take_calls(self) -> int:
        """Returns the number of calls since this was last called."""
        calls, self.calls = self.calls, 0
        return calls


class _Exchange(asyncio.Protocol):
    """A connection."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._received = bytearray()
        self._slow: tuple[SlowCall, asyncio.Task[None]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._slow is not None:
            call, sending = self._slow
            sending.cancel()
            call.ended = call.ended or time.perf_counter()

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) < size:
            return
        streams = _STREAMS.search(self._received, end)
        body = bytes(self._received[end + 4 : size])
        del self._received[:size]
        self._server.calls += 1
        if streams and (pace := self._server.pace):
            self._begin_slowly(body, pace)
        else:
            answer = _STREAM if streams else _ANSWER
            asyncio.get_running_loop().call_later(self._server.delay, self._transport.write, answer)

    def _begin_slowly(self, body: bytes, pace: Pace) -> None:
        call = SlowCall(json.loads(body)["messages"][-1]["content"], time.perf_counter())
        self._server.slow_calls.append(call)
        self._slow = (call, asyncio.create_task(self._send_slowly(call, pace)))

    async def _send_slowly(self, call: SlowCall, pace: Pace) -> None:
        """Sends each token when it is due, so that late ones do not delay the others."""
        self._transport.write(_SLOW_HEAD)
        for number in range(pace.tokens):
            due = call.began + pace.before_first + number * pace.pause
            await asyncio.sleep(due - time.perf_counter())
            choice = {"index": 0, "delta": {"content": write_token(number)}, "finish_reason": None}
            call.first = call.first or time.perf_counter()
            self._transport.write(_write_transfer_chunk(_write_chunk(choice)))
            call.sent += 1
        self._transport.write(_write_transfer_chunk(_write_end()) + _write_transfer_chunk(b""))
        call.is_complete, call.ended = True, time.perf_counter()
