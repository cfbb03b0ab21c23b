"""The transport of one MCP session, which enforces the limits of the whole session.

The SDK swallows some errors and keeps waiting after others, so the transport reports failures to the session itself.
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
"""Per message. The SDK counts them."""
_REDIRECTS = {301, 302, 303, 307, 308}
_KEEP_THE_MESSAGE = {307, 308}
"""The others turn a POST into a GET."""
_SESSION_END_SECONDS = 2.0
_MAX_REJECTION_BYTES = 64 * 1024
"""Of an error's body, read for the server's words."""


class Watcher(Protocol):
    """Is notified of what the SDK keeps to itself."""

    def on_failure(self, failure: OutboundError) -> None:
        """Called for every error, before the SDK sees it."""
        ...

    def on_rejection(self, status: int, body: bytes) -> None:
        """Called for every status from 400 on, with the beginning of the body."""
        ...

    def on_answer(self, content_type: str) -> None:
        """Called for every other answer."""
        ...

    def on_redirect(self, target: str | None) -> OutboundError:
        """Called for a redirect that is not followed. `target`: without its query; None if it is not an address.

        Returns the error to raise.
        """
        ...


class SessionTransport(httpx2.AsyncBaseTransport):
    """The connections of one session. None are kept, because a session carries a user's token.

    `listens`: whether the server may send messages that were not requested, as SSE does.

    The token is sent with every request, so the SDK may follow redirects only to the same scheme, host and port, such
    as from `/mcp` to `/mcp/`.
    """

    def __init__(self, guard: Guard, budget: Budget, watcher: Watcher, *, listens: bool) -> None:
        self._budget = budget
        self._watcher = watcher
        self._listens = listens
        self._pool = GuardedPool(guard, max_connections=10, kept=10)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends one request, and reports to the attempt what is answered."""
        if request.method == "GET" and not self._listens and "last-event-id" not in request.headers:
            return httpx2.Response(405)  # a single call has no use for messages that it did not request
        if request.method == "DELETE":
            return await self._end_session(request)
        answer = await self._send(request)
        if answer.status in _REDIRECTS:
            await self._check_redirect(request, answer)
        if answer.status < 400:
            self._watcher.on_answer(httpx2.Headers(answer.headers).get("content-type", ""))
            return self._build_response(answer, display_host(request.url))
        # Read here, because the SDK drops the words of an error.
        response = self._build_response(answer, display_host(request.url))
        body = bytearray()
        try:
            async for piece in cast("AsyncIterable[bytes]", response.stream):
                body += piece
                if len(body) >= _MAX_REJECTION_BYTES:
                    break
        finally:
            await response.aclose()
        self._watcher.on_rejection(answer.status, bytes(body))
        kept = {name: value for name, value in response.headers.items() if name == "content-type"}
        return httpx2.Response(answer.status, headers=kept, content=bytes(body))

    async def _check_redirect(self, request: httpx2.Request, answer: httpcore2.Response) -> None:
        """Raises `OutboundError` for a redirect that must not be followed."""
        location = httpx2.Headers(answer.headers).get("location", "")
        try:
            target = request.url.join(location)
            check_url(target)
        except (OutboundError, httpx2.InvalidURL, ValueError):
            target = None
        keeps = request.method == "GET" or answer.status in _KEEP_THE_MESSAGE
        if target is None or not keeps or not _same_origin(request.url, target):
            await answer.aclose()
            shown = None if target is None else str(target.copy_with(query=None, fragment=None))
            raise self._watcher.on_redirect(shown)

    async def _end_session(self, request: httpx2.Request) -> httpx2.Response:
        """End the session. Neither an error nor a delay here may cost the session's result."""
        try:
            async with asyncio.timeout(_SESSION_END_SECONDS):
                answer = await self._pool.send(request, _accept_decompressible(request))
                await answer.aclose()
        except (TimeoutError, OutboundError, *FAILURES):
            pass
        return httpx2.Response(204)

    async def _send(self, request: httpx2.Request) -> httpcore2.Response:
        try:
            return await self._pool.send(request, _accept_decompressible(request))
        except OutboundError as error:
            self._watcher.on_failure(error)
            raise
        except FAILURES as error:
            failure = explain_failure(error, display_host(request.url))
            self._watcher.on_failure(failure)
            raise failure from error

    def _build_response(self, answer: httpcore2.Response, host: str) -> httpx2.Response:
        headers = httpx2.Headers(answer.headers)
        stream = _Stream(answer, headers.pop("content-encoding", None), self._budget, self._watcher.on_failure, host)
        return httpx2.Response(answer.status, headers=headers, stream=stream, extensions=answer.extensions)

    async def aclose(self) -> None:
        """Closes the pool and its connections."""
        await self._pool.aclose()


class _Stream(httpx2.AsyncByteStream):
    """A decompressed body, within the session's budget."""

    def __init__(
        self,
        answer: httpcore2.Response,
        encoding: str | None,
        budget: Budget,
        on_failure: Callable[[OutboundError], None],
        host: str,
    ) -> None:
        self._answer = answer
        self._pieces = read_bounded(cast("AsyncIterable[bytes]", answer.stream), encoding, budget)
        self._on_failure = on_failure
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._pieces:
                yield piece
        except OutboundError as error:
            self._on_failure(error)
            raise
        except FAILURES as error:
            failure = explain_failure(error, self._host)
            self._on_failure(failure)
            raise failure from error

    async def aclose(self) -> None:
        await self._answer.aclose()


def _same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Same scheme, host and port. A step from http to https does not count: another server may own that port."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _accept_decompressible(request: httpx2.Request) -> list[tuple[bytes, bytes]]:
    """The request's headers, with the encodings that are decompressed here."""
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"]
    return [*headers, (b"Accept-Encoding", ACCEPT_ENCODING.encode())]
