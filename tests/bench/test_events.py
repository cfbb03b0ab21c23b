"""The clients that follow chats by their events."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from bench.events import Followers
from bench.watching import MeasurementFailed

_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_EVENTS = (
    b'event: status\ndata: {"status": "processing", "attempt": 1}\n\n: keep-alive\n\n'
    b'id: 1\nevent: delta\ndata: {"content": "Hel"}\n\nid: 2\nevent: delta\ndata: {"content": "lo"}\n\n'
    b'id: 2\nevent: done\ndata: {"result": {"content": "Hello"}}\n\n'
)


@asynccontextmanager
async def _serve(*pieces: bytes) -> AsyncGenerator[int]:
    """Responds to each request with these pieces, and yields the port."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_followers_receive_all_events(size: int) -> None:
    """However the response is cut into chunks. Comments and statuses are passed over."""
    chunks = [_chunk(_EVENTS[start : start + size]) for start in range(0, len(_EVENTS), size)]
    async with _serve(_HEAD, *chunks) as port:
        followers = Followers()
        await followers.follow(port, [b"GET / HTTP/1.1\r\n\r\n"] * 2)
        received = await followers.finish()
    assert [(each.ids, each.texts, each.content) for each in received] == [([1, 2], ["Hel", "lo"], "Hello")] * 2
    assert all(0 < each.first <= each.done for each in received)


async def test_a_response_without_an_end_is_a_failure() -> None:
    """A watcher that is left alone must not count as served."""
    async with _serve(_HEAD, _chunk(b'id: 1\nevent: delta\ndata: {"content": "x"}\n\n'), _chunk(b"")) as port:
        followers = Followers()
        await followers.follow(port, [b"GET / HTTP/1.1\r\n\r\n"])
        with pytest.raises(MeasurementFailed, match="without the event `done`"):
            await followers.finish()


async def test_a_refused_request_is_a_failure() -> None:
    """The status is shown."""
    async with _serve(b"HTTP/1.1 429 Too Many Requests\r\n\r\n") as port:
        with pytest.raises(MeasurementFailed, match="429"):
            await Followers().follow(port, [b"GET / HTTP/1.1\r\n\r\n"])
