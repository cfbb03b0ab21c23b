"""Time limits that do not count the time for which this process was frozen.

An instance that answers no request has no CPU, and its pending work continues at the next request, perhaps hours later:
docs/decisions/0022-instances-freeze.md.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_TICK = 0.5
_MAX_PER_TICK = 4 * _TICK
"""Seconds. A tick that takes longer than this was not late: the process was frozen."""


@asynccontextmanager
async def awake_timeout(seconds: float) -> AsyncGenerator[None]:
    """Like `asyncio.timeout`, in seconds for which the event loop ran. Raises `TimeoutError`, up to half a second late.

    By this measure, a loop that is blocked for more than two seconds at a time has not run either.
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
        ran += min(now - seen, _MAX_PER_TICK)
        seen = now
    limit.reschedule(seen)
