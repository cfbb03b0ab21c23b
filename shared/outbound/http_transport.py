"""Applies the guard to httpx, by way of httpcore.

httpx's own transport takes no network backend, and replacing its private pool would depend on its internals. So this
is a small transport over httpcore, built from public parts only.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import cast

import httpcore
import httpx

from shared.outbound.diagnosis import Kinds
from shared.outbound.errors import Refused
from shared.outbound.network import CONNECT_SECONDS, Guard, connect_guarded, tls_context
from shared.per_loop import per_loop

ERRORS = Kinds(
    slow=(httpcore.TimeoutException,),
    connect=(httpcore.ConnectError,),
    network=(httpcore.NetworkError,),
    broken=(httpcore.RemoteProtocolError,),
    own=(httpcore.LocalProtocolError,),
)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's anyio backend, behind the guard. TLS verifies the requested name, not the address."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to the addresses that the guard has resolved and allowed, and to no other."""

        async def connect(address: str) -> httpcore.AsyncNetworkStream:
            return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

        failures = (httpcore.ConnectError, httpcore.ConnectTimeout)
        return await connect_guarded(self._guard, host, port, connect, failures)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refused: there are no sockets to connect to."""
        raise Refused("Sockets of this machine cannot be reached.")

    async def sleep(self, seconds: float) -> None:
        """As the backend that it stands before."""
        await self._inner.sleep(seconds)


class GuardedTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 only, without proxies. Raises httpcore's errors unchanged, and `OutboundError`.

    All users of a process share it, so it has no limit of its own, at which they would wait for each other. Callers
    limit how many requests each user may have in flight.
    """

    def __init__(self, guard: Guard) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context(),
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=5,
            network_backend=GuardedBackend(guard),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request through the pool."""
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions={**request.extensions, "timeout": {"connect": CONNECT_SECONDS}},
            )
        )
        stream = _Stream(cast("AsyncIterable[bytes]", answer.stream), answer)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)

    async def aclose(self) -> None:
        """Closes the pool and its connections."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, pieces: AsyncIterable[bytes], answer: httpcore.Response) -> None:
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
