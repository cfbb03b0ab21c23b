"""The transport for one MCP session. It enforces the limits of the whole session.

The SDK swallows some errors and keeps waiting after others, so the transport also reports failures to an observer.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Protocol, cast

import httpcore2
import httpx2

from shared.outbound.bodies import ACCEPT_ENCODING, Budget, read_bounded
from shared.outbound.diagnosis import FAILURES, explain_failure
from shared.outbound.errors import OutboundError
from shared.outbound.guarded_pool import GuardedPool
from shared.outbound.network import Guard
from shared.outbound.urls import check_url, display_host

MAX_REDIRECTS = 5
"""The maximum number of redirects for one message. The SDK counts them."""
_REDIRECT_STATUSES = {301, 302, 303, 307, 308}
_METHOD_KEEPING_STATUSES = {307, 308}
"""Redirects that keep method and body. All others turn a POST into a GET."""
_SESSION_END_SECONDS = 2.0
_MAX_REJECTION_BYTES = 64 * 1024
"""How much of an error response's body is read to find the server's message, in bytes."""


class SessionObserver(Protocol):
    """Is notified of events that the SDK does not report."""

    def on_failure(self, failure: OutboundError) -> None:
        """Called for every error, before the SDK handles it."""
        ...

    def on_rejection(self, status: int, body: bytes) -> None:
        """Called for every status from 400 on, with the beginning of the body."""
        ...

    def on_response(self, content_type: str) -> None:
        """Called for every other response."""
        ...

    def on_redirect(self, target: str | None) -> OutboundError:
        """Called for a redirect that is not followed. `target`: the URL without its query; None if it is invalid.

        Returns the error to raise.
        """
        ...


class SessionTransport(httpx2.AsyncBaseTransport):
    """The connections of one session. They are closed with the session, because a session carries a user's token.

    `listens`: whether the server may send messages that were not requested, as with SSE.

    The token is sent with every request, so the SDK may follow redirects only to the same scheme, host and port, such
    as from `/mcp` to `/mcp/`.
    """

    def __init__(self, guard: Guard, budget: Budget, observer: SessionObserver, *, listens: bool) -> None:
        self._budget = budget
        self._observer = observer
        self._listens = listens
        self._pool = GuardedPool(guard, max_connections=10, max_idle=10)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends one request, and reports the response to the observer."""
        if request.method == "GET" and not self._listens and "last-event-id" not in request.headers:
            return httpx2.Response(405)  # a single call does not need messages that it did not request
        if request.method == "DELETE":
            return await self._end_session(request)
        received = await self._send(request)
        if received.status in _REDIRECT_STATUSES:
            await self._check_redirect(request, received)
        if received.status < 400:
            self._observer.on_response(httpx2.Headers(received.headers).get("content-type", ""))
            return self._build_response(received, display_host(request.url))
        # The body is read here, because the SDK drops the message of an error.
        response = self._build_response(received, display_host(request.url))
        body = bytearray()
        try:
            async for chunk in cast("AsyncIterable[bytes]", response.stream):
                body += chunk
                if len(body) >= _MAX_REJECTION_BYTES:
                    break
        finally:
            await response.aclose()
        self._observer.on_rejection(received.status, bytes(body))
        headers = {name: value for name, value in response.headers.items() if name == "content-type"}
        return httpx2.Response(received.status, headers=headers, content=bytes(body))

    async def _check_redirect(self, request: httpx2.Request, received: httpcore2.Response) -> None:
        """Raises `OutboundError` for a redirect that must not be followed."""
        location = httpx2.Headers(received.headers).get("location", "")
        try:
            target = request.url.join(location)
            check_url(target)
        except (OutboundError, httpx2.InvalidURL, ValueError):
            target = None
        keeps_method = request.method == "GET" or received.status in _METHOD_KEEPING_STATUSES
        if target is None or not keeps_method or not _same_origin(request.url, target):
            await received.aclose()
            shown = None if target is None else str(target.copy_with(query=None, fragment=None))
            raise self._observer.on_redirect(shown)

    async def _end_session(self, request: httpx2.Request) -> httpx2.Response:
        """Ends the session. Errors are ignored and the time is limited, so that the session's result is not lost."""
        try:
            async with asyncio.timeout(_SESSION_END_SECONDS):
                received = await self._pool.send(request, _accept_decompressible(request))
                await received.aclose()
        except (TimeoutError, OutboundError, *FAILURES):
            pass
        return httpx2.Response(204)

    async def _send(self, request: httpx2.Request) -> httpcore2.Response:
        try:
            return await self._pool.send(request, _accept_decompressible(request))
        except OutboundError as error:
            self._observer.on_failure(error)
            raise
        except FAILURES as error:
            failure = explain_failure(error, display_host(request.url))
            self._observer.on_failure(failure)
            raise failure from error

    def _build_response(self, received: httpcore2.Response, host: str) -> httpx2.Response:
        headers = httpx2.Headers(received.headers)
        stream = _Stream(received, headers.pop("content-encoding", None), self._budget, self._observer.on_failure, host)
        return httpx2.Response(received.status, headers=headers, stream=stream, extensions=received.extensions)

    async def aclose(self) -> None:
        """Closes the pool and its connections."""
        await self._pool.aclose()


class _Stream(httpx2.AsyncByteStream):
    """A decompressed body. Its size is deducted from the session's budget."""

    def __init__(
        self,
        received: httpcore2.Response,
        encoding: str | None,
        budget: Budget,
        on_failure: Callable[[OutboundError], None],
        host: str,
    ) -> None:
        self._received = received
        self._chunks = read_bounded(cast("AsyncIterable[bytes]", received.stream), encoding, budget)
        self._on_failure = on_failure
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except OutboundError as error:
            self._on_failure(error)
            raise
        except FAILURES as error:
            failure = explain_failure(error, self._host)
            self._on_failure(failure)
            raise failure from error

    async def aclose(self) -> None:
        await self._received.aclose()


def _same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Whether scheme, host and port are the same. https is not the same as http: another server may own that port."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _accept_decompressible(request: httpx2.Request) -> list[tuple[bytes, bytes]]:
    """Returns the request's headers, with `Accept-Encoding` set to the encodings that are decompressed here."""
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"]
    return [*headers, (b"Accept-Encoding", ACCEPT_ENCODING.encode())]
