"""How many runs there are at once.

An agent waits for the agents that it calls. So each level has places of its own: whoever waits, waits for a deeper
level, and the deepest waits for nobody.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from shared.models.errors import Unavailable
from shared.per_loop import per_loop

_WAITING_SECONDS = 10.0


@per_loop
def places(engine: str, at_once: int, level: int) -> asyncio.Semaphore:
    """An engine's, for the runs of a level."""
    del engine, level  # parts of the key
    return asyncio.Semaphore(at_once)


@asynccontextmanager
async def place(engine: str, at_once: int, level: int) -> AsyncGenerator[None]:
    """A place for a run. Raises `Unavailable` when none comes free for a while."""
    free = places(engine, at_once, level)
    try:
        async with asyncio.timeout(_WAITING_SECONDS):
            await free.acquire()
    except TimeoutError as error:
        raise Unavailable("Too many agents are running right now. Try again.", retry_after=5) from error
    try:
        yield
    finally:
        free.release()
