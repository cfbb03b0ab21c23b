"""Server-sent events: a response that sends events as they come, until they end, or until it is time to reconnect.

The client continues after a cursor, the id of the last event that it got, in the header `Last-Event-ID` or in
`starting_after`. So a response may end at any time: before the platform's time limit, and after `HOSTING_SECONDS` if it
goes through Hosting, which holds the whole response back until its end.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response
from starlette.types import Receive, Scope, Send

from shared.models.errors import CallerDisconnected
from shared.models.events import MAX_CURSOR, Event
from shared.web.disconnects import while_connected
from shared.web.paths import PREFIX

MAX_SECONDS = 280.0
"""How long a response lasts: less than `timeoutSeconds` in `functions.yaml`."""
HOSTING_SECONDS = 25.0
KEEP_ALIVE_SECONDS = 15.0
"""A comment is sent after so much silence, since proxies close silent connections."""
RECHECK_SECONDS = 4.0
"""How often a caller whose right to read can end at once, such as that of an API key, is verified again."""
STUCK_SECONDS = 60.0
"""A client that takes nothing for so long is dropped."""
GRACE_SECONDS = 10.0
"""How long a slow client may take for the last events beyond the response's time limit. Then it is dropped."""
PIECE_BYTES = 64 * 1024
"""The size of the pieces in which events are sent. After each, the response waits until the client has taken it."""
_RETRY_MILLISECONDS = 1000
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]

Open = Callable[[], AbstractAsyncContextManager[AsyncIterator[Sequence[Event]]]]


async def _find_cursor(
    last_event_id: Annotated[
        int | None, Header(ge=0, le=MAX_CURSOR, description="The same as `starting_after`, and takes precedence.")
    ] = None,
    starting_after: Annotated[
        int | None, Query(ge=0, le=MAX_CURSOR, description="The `id` of the last event that the client has.")
    ] = None,
) -> int:
    return next((cursor for cursor in (last_event_id, starting_after) if cursor is not None), 0)


EventCursor = Annotated[int, Depends(_find_cursor)]
"""The cursor after which the client continues, 0 from the beginning."""

MaxWait = Annotated[
    int | None,
    Query(
        ge=1,
        le=int(MAX_SECONDS),
        description="The response ends after so many seconds, or right after the first events that are new.",
    ),
]


class EventStream(Response):
    """A response whose events come from the context manager that `open_` returns, in batches.

    It is opened before the response starts, so its errors become error responses, and is closed when the response ends
    or the client disconnects, and also when its API key is revoked. A response to HEAD does not open it. With `wait`,
    see `MaxWait`.
    """

    media_type = "text/event-stream"
    _prelude = b"retry: %d\n\n" % _RETRY_MILLISECONDS
    _farewell = b": The API key is no longer valid.\n\n"
    """What a client gets whose API key has been revoked, or has expired. Its next request is refused."""

    def __init__(self, open_: Open, request: Request, wait: int | None = None) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.status_code = 200
        self.background = None
        self.raw_headers = _HEADERS.copy()
        self._open = open_
        self._wait = wait
        self._is_still_valid: Callable[[], Awaitable[bool]] | None = getattr(request.state, "is_still_valid", None)
        longest = HOSTING_SECONDS if is_through_hosting(request) else MAX_SECONDS
        self._seconds = longest if wait is None else min(wait, longest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events."""
        if scope.get("state", {}).get("is_head"):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b""})
            return
        outgoing = _Outgoing(send, time.monotonic() + self._seconds + GRACE_SECONDS)
        try:
            await while_connected(Request(scope, receive), self._respond(outgoing))
        except CallerDisconnected:
            if not outgoing.has_started:
                raise

    async def _respond(self, outgoing: "_Outgoing") -> None:
        ends_at = time.monotonic() + self._seconds
        with contextlib.suppress(_Stuck):
            async with self._open() as batches:
                await outgoing.start(self.raw_headers, self._prelude)
                await self._send_batches(batches, outgoing, ends_at)
            await outgoing.end()  # not before all is closed: after it, the server reports that the client is gone

    def _encode(self, batch: Sequence[Any]) -> Iterable[bytes]:
        return encode(batch)

    async def _send_batches(
        self, batches: AsyncIterator[Sequence[Event]], outgoing: "_Outgoing", ends_at: float
    ) -> None:
        next_batch: asyncio.Task[Sequence[Event] | None] | None = None
        checked_at = sent_at = time.monotonic()
        try:
            while (now := time.monotonic()) < ends_at:
                if self._is_still_valid is not None and now - checked_at >= RECHECK_SECONDS:
                    if not await self._is_still_valid():
                        await outgoing.send(self._farewell)
                        return
                    checked_at = now = time.monotonic()
                next_batch = next_batch or asyncio.create_task(_next(batches))
                pauses = [ends_at - now, sent_at + KEEP_ALIVE_SECONDS - now]
                if self._is_still_valid is not None:
                    pauses.append(checked_at + RECHECK_SECONDS - now)
                await asyncio.wait({next_batch}, timeout=max(0.0, min(pauses)))
                if not next_batch.done():
                    now = time.monotonic()
                    if sent_at + KEEP_ALIVE_SECONDS <= now < ends_at:
                        await outgoing.send(b": keep-alive\n\n")
                        sent_at = time.monotonic()
                    continue
                batch = next_batch.result()
                next_batch = None
                if batch is None:
                    return
                for piece in self._encode(batch):
                    await outgoing.send(piece)
                sent_at = time.monotonic()
                if self._wait is not None and any(event.is_news for event in batch):
                    return
        finally:
            if next_batch is not None:
                next_batch.cancel()
                await asyncio.gather(next_batch, return_exceptions=True)


class _Stuck(Exception):
    """The client takes nothing."""


class _Outgoing:
    """Sends the body's pieces. Raises `_Stuck` if the client takes none for a long time, or not all until `ends_at`."""

    def __init__(self, send: Send, ends_at: float) -> None:
        self._send = send
        self._ends_at = ends_at
        self.has_started = False

    async def start(self, headers: list[tuple[bytes, bytes]], prelude: bytes) -> None:
        self.has_started = True
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        if prelude:
            await self.send(prelude)

    async def send(self, body: bytes) -> None:
        await self._in_time(self._send({"type": "http.response.body", "body": body, "more_body": True}))

    async def end(self) -> None:
        await self._in_time(self._send({"type": "http.response.body", "body": b"", "more_body": False}))

    async def _in_time(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(min(STUCK_SECONDS, self._ends_at - time.monotonic())):
                await sending
        except TimeoutError as error:
            raise _Stuck from error


def encode(events: Iterable[Event]) -> Iterator[bytes]:
    """Yields the events in the format of event streams, in pieces of about `PIECE_BYTES`.

    While a slow client takes them, only one piece is copied.
    """
    piece = bytearray()
    for event in events:
        piece += b"" if event.id is None else b"id: %d\n" % event.id
        piece += b"event: %b\ndata: " % event.name.encode()
        for start in range(0, len(event.data), PIECE_BYTES):
            piece += event.data[start : start + PIECE_BYTES]
            if len(piece) >= PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
        piece += b"\n\n"
    yield bytes(piece)


async def _next(batches: AsyncIterator[Sequence[Event]]) -> Sequence[Event] | None:
    """Returns the next batch, None at the end."""
    return await anext(batches, None)


def is_through_hosting(request: Request) -> bool:
    """Whether Hosting has passed on the request. It names its own host; pages call it below `/api`."""
    path: str = request.state.original_path
    return path.startswith(f"{PREFIX}/") or "x-forwarded-host" in request.headers
