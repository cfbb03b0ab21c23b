"""Spreads an HTTP client's requests over several connection pools.

For every request, httpcore compares each idle connection of a pool with all others, and asks the system whether it is
still open. With a hundred connections, that takes longer than everything else that a model call does here. Pools of a
few connections avoid it.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

REQUESTS_PER_POOL = 8
"""How many requests a pool has under way before another pool is opened."""


IDLE_SECONDS = 10.0
"""How long a pool is kept without requests. httpx closes a connection after five seconds, but only when its pool is
used again.
"""


@dataclass(eq=False)
class _Pool:
    """A pool, the number of its requests that are under way, and when the last one ended, on the monotonic clock."""

    transport: httpx.AsyncHTTPTransport
    requests: int = 0
    idle_since: float = 0.0

    @property
    def is_expired(self) -> bool:
        return not self.requests and time.monotonic() - self.idle_since > IDLE_SECONDS


class ConnectionPools:
    """Opens as many pools as concurrent requests need, and uses the first ones most, so that connections are reused.

    Connections stay open for some seconds after a request.
    """

    def __init__(self, **options: Any) -> None:
        """`options` are those of `httpx.AsyncHTTPTransport`."""
        verify: Any = options.pop("verify", True)
        if isinstance(verify, bool):  # loading the certificates takes long, so all pools share them
            verify = httpx.create_ssl_context(verify=verify)
        self._options = {**options, "verify": verify}
        self._pools: list[_Pool] = []

    @asynccontextmanager
    async def pool(self) -> AsyncGenerator[httpx.AsyncHTTPTransport]:
        """Yields the pool for one request, which counts as under way during the block."""
        await self._close_expired()
        pool = min(self._pools, key=lambda pool: pool.requests, default=None)
        if pool is None or pool.requests >= REQUESTS_PER_POOL:
            pool = _Pool(httpx.AsyncHTTPTransport(**self._options))
            self._pools.append(pool)
        pool.requests += 1
        try:
            yield pool.transport
        finally:
            pool.requests -= 1
            pool.idle_since = time.monotonic()

    async def _close_expired(self) -> None:
        """Closes the pools that are no longer needed, except the first."""
        expired = [pool for pool in self._pools[1:] if pool.is_expired]
        self._pools = [pool for pool in self._pools if pool not in expired]
        for pool in expired:
            await pool.transport.aclose()

    async def aclose(self) -> None:
        """Closes all connections."""
        for pool in self._pools:
            await pool.transport.aclose()
