"""The transport of HTTP requests: one pool for all users of a process."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import cast

import httpcore2
import httpx2

from shared.outbound.guarded_pool import GuardedPool
from shared.outbound.network import Guard
from shared.per_loop import per_loop


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Raises httpcore2's errors unchanged, and `OutboundError`.

    All users of a process share it, so it has no limit of its own, at which they would wait for each other. Callers
    limit how many requests each user may have in flight.
    """

    def __init__(self, guard: Guard) -> None:
        self._pool = GuardedPool(guard, max_connections=None, kept=20)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends one request through the pool."""
        answer = await self._pool.send(request)
        stream = _Stream(cast("AsyncIterable[bytes]", answer.stream), answer)
        return httpx2.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)

    async def aclose(self) -> None:
        """Closes the pool and its connections."""
        await self._pool.aclose()


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, pieces: AsyncIterable[bytes], answer: httpcore2.Response) -> None:
        self._pieces = pieces
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


@per_loop
def shared_transport(guard: Guard) -> GuardedTransport:
    """The loop's transport for this guard. It keeps connections between calls; they carry no credentials."""
    return GuardedTransport(guard)
