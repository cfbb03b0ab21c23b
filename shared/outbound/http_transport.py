"""The transport for HTTP requests: one pool for all users of a process."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import cast

import httpcore2
import httpx2

from shared.outbound.guarded_pool import GuardedPool
from shared.outbound.network import Guard
from shared.per_loop import per_loop


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests through a guarded pool. Raises the errors of httpcore2 unchanged, and `OutboundError`.

    All users of a process share it, so it does not limit connections: users would wait for each other. Callers limit
    how many requests each user may have in flight.
    """

    def __init__(self, guard: Guard) -> None:
        self._pool = GuardedPool(guard, max_connections=None, max_idle=20)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends one request through the pool."""
        response = await self._pool.send(request)
        stream = _Stream(cast("AsyncIterable[bytes]", response.stream), response)
        return httpx2.Response(response.status, headers=response.headers, stream=stream, extensions=response.extensions)

    async def aclose(self) -> None:
        """Closes the pool and its connections."""
        await self._pool.aclose()


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, chunks: AsyncIterable[bytes], response: httpcore2.Response) -> None:
        self._chunks = chunks
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


@per_loop
def shared_transport(guard: Guard) -> GuardedTransport:
    """Returns the event loop's transport for this guard. Calls share its connections, which carry no credentials."""
    return GuardedTransport(guard)
