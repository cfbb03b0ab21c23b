"""Time limits that do not count the time during which this process was frozen.

An instance without requests gets no CPU time. Its pending work continues with the next request, perhaps hours later:
docs/decisions/0022-instances-freeze.md.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_TICK = 0.5
_MAX_PER_TICK = 4 * _TICK
"""Seconds. If a tick takes longer than this, the process was frozen."""


@asynccontextmanager
async def awake_timeout(seconds: float) -> AsyncGenerator[None]:
    """Like `asyncio.timeout`, but counts only the seconds during which the event loop ran.

    Raises `TimeoutError`, up to half a second late. When the loop is blocked for more than two seconds at a time, only
    two of them count.
    """
    async with asyncio.timeout(None) as limit:
        counting = asyncio.create_task(_count(seconds, limit))
        try:
            yield
        finally:
            counting.cancel()


async def _count(seconds: float, limit: asyncio.Timeout) -> None:
    loop = asyncio.get_running_loop()
    ran, last_seen = 0.0, loop.time()
    while ran < seconds:
        await asyncio.sleep(min(_TICK, seconds - ran))
        now = loop.time()
        ran += min(now - last_seen, _MAX_PER_TICK)
        last_seen = now
    limit.reschedule(last_seen)
