"""Delivers tasks over HTTP as Cloud Tasks does: the oldest first, and a limited number at a time."""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import httpx

from tests.doubles.cloud_tasks import CloudTasksServer

_RETRY_SECONDS = 1.0


class Dispatcher:
    """Delivers the tasks in `tasks` to `urls` in turn. If the response to a task is not 2xx, or if there is none, the
    task is delivered again after a second.

    `delivered`: the ticket ids of the deliveries that have begun, in order. `refused`: the statuses that were not 2xx;
    0 for a lost connection.
    """

    def __init__(self, tasks: CloudTasksServer, urls: Sequence[str], max_concurrent: int) -> None:
        self.delivered: list[str] = []
        self.refused: list[int] = []
        self.running: set[str] = set()
        self._tasks, self._urls, self._max_concurrent = tasks, itertools.cycle(urls), max_concurrent
        self._not_before: dict[str, float] = {}

    @asynccontextmanager
    async def dispatching(self) -> AsyncGenerator[None]:
        """Delivers tasks while the context is open."""
        loop = asyncio.create_task(self._dispatch())
        try:
            yield
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def _dispatch(self) -> None:
        timeout = httpx.Timeout(120)
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client, asyncio.TaskGroup() as deliveries:
            while True:
                for name, task in list(self._tasks.tasks.items()):
                    if len(self.running) >= self._max_concurrent:
                        break
                    if name not in self.running and time.monotonic() >= self._not_before.get(name, 0.0):
                        self.running.add(name)
                        deliveries.create_task(self._deliver(client, name, task.http_request.body))
                await asyncio.sleep(0.01)

    async def _deliver(self, client: httpx.AsyncClient, name: str, body: bytes) -> None:
        self.delivered.append(name.split("/")[-1].rpartition("-")[0])
        try:
            status = await self._post(client, body)
            if 200 <= status < 300:
                self._tasks.done(name)
                self._not_before[name] = float("inf")
            else:
                self.refused.append(status)
                self._not_before[name] = time.monotonic() + _RETRY_SECONDS
        finally:
            self.running.discard(name)

    async def _post(self, client: httpx.AsyncClient, body: bytes) -> int:
        """Returns the status, or 0 if the connection was lost."""
        try:
            headers = {"Content-Type": "application/json"}
            return (await client.post(next(self._urls), content=body, headers=headers)).status_code
        except httpx.TransportError:
            return 0
