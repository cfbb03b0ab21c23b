"""Time limits that do not count the time during which this process was frozen.

An instance without requests gets no CPU time. Its pending work continues with the next request, perhaps hours later:
docs/decisions/0022-instances-freeze.md.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_TICK = 0.5
_MAX_PER_TICK = 4 * _TICK
"""The maximum time that one tick counts for, in seconds. If a tick takes longer, the process was frozen."""


@asynccontextmanager
async def awake_timeout(seconds: float) -> AsyncGenerator[None]:
    """Limits the time of a block like `asyncio.timeout`, but counts only the time during which the event loop ran.

    Raises `TimeoutError`, up to half a second late. If the loop is blocked for more than two seconds at a time, only
    two seconds count.
    """
    async with asyncio.timeout(None) as timeout:
        counting = asyncio.create_task(_count(seconds, timeout))
        try:
            yield
        finally:
            counting.cancel()


async def _count(seconds: float, timeout: asyncio.Timeout) -> None:
    loop = asyncio.get_running_loop()
    ran, last_seen = 0.0, loop.time()
    while ran < seconds:
        await asyncio.sleep(min(_TICK, seconds - ran))
        now = loop.time()
        ran += min(now - last_seen, _MAX_PER_TICK)
        last_seen = now
    timeout.reschedule(last_seen)
