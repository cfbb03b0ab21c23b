"""Requests are spread over connection pools with few connections each, which are reused."""

import asyncio
import ssl
from contextlib import AsyncExitStack

import httpx
import pytest

from shared.llm.connection_pools import REQUESTS_PER_POOL, ConnectionPools


async def test_sequential_requests_share_a_pool() -> None:
    """Requests one after the other use the same pool, so that they find its open connection."""
    pools = ConnectionPools()
    used: set[int] = set()
    for _ in range(3):
        async with pools.pool() as pool:
            used.add(id(pool))
    assert len(used) == 1
    await pools.aclose()


async def test_concurrent_requests_are_spread() -> None:
    """A pool has a limited number of requests under way. Pools are reused when their requests are over."""
    pools = ConnectionPools()
    counts: list[dict[int, int]] = []
    for _ in range(2):
        async with AsyncExitStack() as stack:
            used = [id(await stack.enter_async_context(pools.pool())) for _ in range(3 * REQUESTS_PER_POOL)]
        counts.append({pool: used.count(pool) for pool in used})
    assert list(counts[0].values()) == [REQUESTS_PER_POOL] * 3
    assert counts[0] == counts[1]
    await pools.aclose()


async def test_a_failed_request_is_over() -> None:
    """A request that fails or is cancelled no longer counts as under way."""
    pools = ConnectionPools()
    used: list[httpx.AsyncHTTPTransport] = []

    async def fail(error: BaseException) -> None:
        async with pools.pool() as pool:
            used.append(pool)
            raise error

    for error in (httpx.ReadError("lost"), asyncio.CancelledError()):
        for _ in range(REQUESTS_PER_POOL + 1):
            with pytest.raises(type(error)):
                await fail(error)
    assert len({id(pool) for pool in used}) == 1
    await pools.aclose()


async def test_all_pools_share_the_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificates are loaded once, since that takes long, however many pools there are."""
    loaded: list[ssl.SSLContext] = []
    create = httpx.create_ssl_context

    def record(*args: object, **options: object) -> ssl.SSLContext:
        loaded.append(create(*args, **options))  # pyright: ignore[reportArgumentType]
        return loaded[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", record)
    pools = ConnectionPools()
    async with AsyncExitStack() as stack:
        for _ in range(3 * REQUESTS_PER_POOL):
            await stack.enter_async_context(pools.pool())
    assert len(loaded) == 1
    await pools.aclose()


async def test_pools_are_closed_when_they_are_no_longer_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a peak, the pools that have had no request for a while are closed, except the first."""
    pools = ConnectionPools()
    async with AsyncExitStack() as stack:
        used = [await stack.enter_async_context(pools.pool()) for _ in range(3 * REQUESTS_PER_POOL)]
    closed: list[httpx.AsyncHTTPTransport] = []

    async def close(self: httpx.AsyncHTTPTransport) -> None:
        closed.append(self)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "aclose", close)
    async with pools.pool() as pool:
        assert (pool, closed) == (used[0], [])
    monkeypatch.setattr("shared.llm.connection_pools.IDLE_SECONDS", -1.0)
    async with pools.pool() as pool:
        assert (pool, closed) == (used[0], [used[REQUESTS_PER_POOL], used[2 * REQUESTS_PER_POOL]])
