"""Clients that follow chats by their events. They run in their own process (`bench.remote`)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.watching import MeasurementFailed

_WAIT_SECONDS = 120.0


@dataclass
class Followed:
    """What a client has received. Times are on the machine's monotonic clock.

    `ids` and `texts`: of the deltas, in order. `first` and `done`: when the first delta and the end arrived. `content`:
    that of the result.
    """

    ids: list[int] = field(default_factory=list[int])
    texts: list[str] = field(default_factory=list[str])
    first: float = 0.0
    done: float = 0.0
    content: str = ""


class Followers:
    """Sends requests for events, and reads the responses to their ends."""

    def __init__(self) -> None:
        self._following: asyncio.Future[list[Followed]] | None = None

    async def stop(self) -> None:
        """Stops following."""
        if self._following is not None:
            self._following.cancel()

    async def follow(self, port: int, requests: Sequence[bytes]) -> None:
        """Sends the requests, each on its own connection, and returns when all responses have begun."""
        streams = await asyncio.gather(*(_open(port, request) for request in requests))
        self._following = asyncio.ensure_future(asyncio.gather(*map(_follow, streams)))

    async def finish(self) -> list[Followed]:
        """Waits until all responses have ended, and returns what they contained."""
        if self._following is None:
            raise MeasurementFailed("Nothing is being followed.")
        async with asyncio.timeout(_WAIT_SECONDS):
            return await self._following


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""A connection. It is closed when its writer is not referenced any more."""


async def _open(port: int, request: bytes) -> _Stream:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        writer.close()
        raise MeasurementFailed(f"GET /chat/{{id}}/events: {head!r}")
    return reader, writer


async def _follow(stream: _Stream) -> Followed:
    reader, writer = stream
    try:
        return await _receive(reader)
    finally:
        writer.close()


async def _receive(stream: asyncio.StreamReader) -> Followed:
    followed = Followed()
    async for name, number, data in _read_events(stream):
        now = time.perf_counter()
        if name == "delta":
            followed.first = followed.first or now
            followed.ids.append(number)
            followed.texts.append(data["content"])
        elif name == "done":
            followed.done = now
            followed.content = data["result"]["content"]
            return followed
    raise MeasurementFailed("A response with events ended without the event `done`.")


async def _read_events(stream: asyncio.StreamReader) -> AsyncIterator[tuple[str, int, Any]]:
    """Yields the name, the id (0 without one) and the data of each event."""
    received = b""
    while size := int(await stream.readline() or b"0", 16):  # HTTP's chunked encoding
        received += (await stream.readexactly(size + 2))[:-2]
        *events, received = received.split(b"\n\n")
        for event in events:
            lines = [line.partition(": ") for line in event.decode().split("\n")]
            fields = {name: value for name, _, value in lines if name}
            if "event" in fields:
                yield fields["event"], int(fields.get("id", 0)), json.loads(fields["data"])
