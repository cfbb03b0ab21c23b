"""A lock within one process that gives urgent waiters their turn first."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class PriorityLock:
    """Gives the next turn to the first urgent waiter or, if there is none, to the first of the other waiters."""

    def __init__(self) -> None:
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, *, urgent: bool = False) -> AsyncGenerator[None]:
        """Waits for a turn, and holds it during the block. Cancelled waiters leave the queue."""
        await self._wait(self._urgent if urgent else self._others)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, waiters: "deque[asyncio.Future[None]]") -> None:
        if not self._taken:
            self._taken = True
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if not future.cancelled():  # the turn arrived at the same moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        for waiters in (self._urgent, self._others):
            while waiters:
                future = waiters.popleft()
                if not future.done():  # skips waiters that were cancelled
                    future.set_result(None)
                    return
        self._taken = False
