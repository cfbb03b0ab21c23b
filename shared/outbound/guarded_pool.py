"""Applies the guard to httpx2, by way of httpcore2: every connection of a pool goes through it.

httpx2's own transport takes no network backend, and replacing its private pool would depend on its internals. So the
transports of `http_transport` and `mcp_transport` stand on this pool, which is built from public parts only.
"""

from collections.abc import AsyncIterable, Iterable
from typing import cast

import httpcore2
import httpx2

from shared.outbound.errors import Refused
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
        """Connects to the addresses that the guard has resolved and allowed, and to no other."""

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
        """Refuses every Unix socket: those of this machine must not be reached."""
        raise Refused("Sockets of this machine cannot be reached.")

    async def sleep(self, seconds: float) -> None:
        """Sleeps as the inner backend does."""
        await self._inner.sleep(seconds)


class GuardedPool:
    """A pool of guarded HTTP/1.1 connections, without proxies.

    `max_connections`: how many at a time, None for no limit. `kept`: how many stay open while they are idle.
    """

    def __init__(self, guard: Guard, max_connections: int | None, kept: int) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls_context(),
            max_connections=max_connections,
            max_keepalive_connections=kept,
            keepalive_expiry=5,
            network_backend=GuardedBackend(guard),
        )

    async def send(
        self, request: httpx2.Request, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> httpcore2.Response:
        """Sends a request, with `headers` in place of its own; returns the response before its body is read.

        Raises httpcore2's errors unchanged, and `OutboundError`.
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
