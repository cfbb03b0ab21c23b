"""Spreads an HTTP client's requests over several connection pools.

For every request, httpcore compares each idle connection of a pool with all others, and asks the system whether it is
still open. With a hundred connections, that takes longer than everything else that a model call does here. Pools of a
few connections avoid it.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

REQUESTS_PER_POOL = 8
"""How many requests a pool has under way before another pool is opened."""


@dataclass
class _Pool:
    """A pool, and the number of its requests that are under way."""

    transport: httpx.AsyncHTTPTransport
    requests: int = 0


class ConnectionPools:
    """Opens as many pools as concurrent requests need, and uses the first ones most, so that connections are reused.

    Connections stay open for a few seconds after a request, as in a pool of httpx.
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
        pool = min(self._pools, key=lambda pool: pool.requests, default=None)
        if pool is None or pool.requests >= REQUESTS_PER_POOL:
            pool = _Pool(httpx.AsyncHTTPTransport(**self._options))
            self._pools.append(pool)
        pool.requests += 1
        try:
            yield pool.transport
        finally:
            pool.requests -= 1

    async def aclose(self) -> None:
        """Closes all connections."""
        for pool in self._pools:
            await pool.transport.aclose()
