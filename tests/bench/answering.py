"""A small HTTP server for the tests of clients. It sends exactly the bytes that a test specifies."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

Answer = Callable[[bytes], bytes | None]
"""Returns the response to a request with this body; None closes the connection."""


@dataclass
class Answering:
    """The server. `requests`: the number of requests on each connection so far."""

    answer: Answer
    delay: float
    port: int = 0
    requests: list[int] = field(default_factory=list[int])
    transports: list[asyncio.Transport] = field(default_factory=list[asyncio.Transport])


@asynccontextmanager
async def answering(answer: Answer, delay: float = 0.0) -> AsyncGenerator[Answering]:
    """Answers requests, each `delay` seconds after its arrival and in two pieces."""
    state = Answering(answer, delay)
    server = await asyncio.get_running_loop().create_server(lambda: _Conversation(state), "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    yield state
    server.close()
    for transport in state.transports:
        transport.close()
    await asyncio.sleep(0)


class _Conversation(asyncio.Protocol):
    def __init__(self, state: Answering) -> None:
        self._state = state
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._number = len(self._state.requests)
        self._state.requests.append(0)
        self._state.transports.append(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            self._received = b""
            self._state.requests[self._number] += 1
            asyncio.get_running_loop().call_later(self._state.delay, self._answer, body)

    def _answer(self, body: bytes) -> None:
        answer = self._state.answer(body)
        if answer is None:
            self._transport.close()
        else:
            self._transport.write(answer[:10])
            asyncio.get_running_loop().call_soon(self._transport.write, answer[10:])
