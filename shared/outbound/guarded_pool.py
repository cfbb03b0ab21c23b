"""A connection pool for httpx2 that opens every connection through the guard of `network`.

httpx2's own transport does not accept a network backend, and replacing its private pool would depend on its internals.
The transports in `http_transport` and `mcp_transport` therefore use this pool, which is built from the public parts of
httpcore2.
"""

from collections.abc import AsyncIterable, Iterable
from typing import cast

import httpcore2
import httpx2

from shared.outbound.errors import AddressRefused
from shared.outbound.network import CONNECT_SECONDS, Guard, connect_guarded, tls_context


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """httpcore2's anyio backend, behind the guard. TLS verifies the requested name, not the address."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connects to the addresses that the guard has resolved and allowed, and to no others."""

        async def connect(address: str) -> httpcore2.AsyncNetworkStream:
            return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

        failures = (httpcore2.ConnectError, httpcore2.ConnectTimeout)
        return await connect_guarded(self._guard, host, port, connect, failures)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuses every Unix socket: requests must not reach this machine's sockets."""
        raise AddressRefused("Requests to Unix sockets are not allowed.")

    async def sleep(self, seconds: float) -> None:
        """Sleeps as the inner backend does."""
        await self._inner.sleep(seconds)


class GuardedPool:
    """A pool of guarded HTTP/1.1 connections, without proxies.

    `max_connections`: the maximum number of open connections; None for no limit. `max_idle`: how many of them stay open
    while they are idle.
    """

    def __init__(self, guard: Guard, max_connections: int | None, max_idle: int) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls_context(),
            max_connections=max_connections,
            max_keepalive_connections=max_idle,
            keepalive_expiry=5,
            network_backend=GuardedBackend(guard),
        )

    async def send(
        self, request: httpx2.Request, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> httpcore2.Response:
        """Sends a request, and returns the response before its body is read. `headers` replace those of the request.

        Raises the errors of httpcore2 unchanged, and `OutboundError`.
        """
        url = request.url
        return await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw if headers is None else list(headers),
                content=cast("AsyncIterable[bytes]", request.stream),
                extensions={**request.extensions, "timeout": {"connect": CONNECT_SECONDS}},
            )
        )

    async def aclose(self) -> None:
        """Closes the pool and its connections."""
        await self._pool.aclose()
