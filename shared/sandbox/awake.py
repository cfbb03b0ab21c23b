"""Time limits that do not count the time for which this process was frozen.

An instance that answers nobody has no CPU, and what it was preparing goes on at the next request, perhaps hours later:
docs/decisions/0022-instances-freeze.md.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_TICK = 0.5
_MOST_PER_TICK = 4 * _TICK
"""A tick that comes later than this did not come late: nothing ran."""


@asynccontextmanager
async def awake_timeout(seconds: float) -> AsyncGenerator[None]:
    """Like `asyncio.timeout`, in seconds for which the event loop ran. Raises `TimeoutError`, up to half a second late.

    A loop that is kept busy for more than two seconds on end has not run either, by this measure.
    """
    async with asyncio.timeout(None) as limit:
        counting = asyncio.create_task(_count(seconds, limit))
        try:
            yield
        finally:
            counting.cancel()


async def _count(seconds: float, limit: asyncio.Timeout) -> None:
    loop = asyncio.get_running_loop()
    ran, seen = 0.0, loop.time()
    while ran < seconds:
        await asyncio.sleep(min(_TICK, seconds - ran))
        now = loop.time()
        ran += min(now - seen, _MOST_PER_TICK)
        seen = now
    limit.reschedule(seen)
