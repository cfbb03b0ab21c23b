"""Workers: taken for a run, and kept for the next one of the same tenant.

One stands ready that has read no code yet. A worker gives each run an instance of its own. Only runs of one tenant ever
meet in a worker, one after the other; it is ended after `_MOST_RUNS` of them, after any that does not end well, and
when others need its place.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from shared.per_loop import per_loop
from shared.sandbox.forking import ForkServer
from shared.sandbox.worker import Gone, Worker

_READY = 1
_MOST_IDLE = 16
"""Workers that wait for another run of their tenant."""
_MOST_RUNS = 200
_PYTHON_BYTES = 36 * 2**20
"""What CPython and the modules it has loaded have taken before any code is read."""


@asynccontextmanager
async def worker_for(tenant: str | None, memory_bytes: int) -> AsyncGenerator[Worker]:
    """A worker for one run, which may have run others of the same tenant; of nobody's, if there is none.

    Raises `NotBuilt`, and `Gone` if it cannot be started.
    """
    workers = _workers(memory_bytes)
    worker = await workers.take(tenant)
    well = False
    try:
        yield worker
        well = True
    finally:
        workers.give_back(worker, tenant if well else None)


async def end_all() -> None:
    """Ends those that wait, and the fork server: for whoever ends the event loop before the process."""
    for workers in _kinds():
        workers.end()
    await _fork_server().end()


@per_loop
def _kinds() -> "list[_Workers]":
    return []


@per_loop
def _workers(memory_bytes: int) -> "_Workers":
    _kinds().append(made := _Workers(memory_bytes))
    return made


@per_loop
def _fork_server() -> ForkServer:
    return ForkServer()


class _Workers:
    """Those that wait: one that is new, and those of tenants, the longest unused first."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes + _PYTHON_BYTES
        self._new: deque[asyncio.Task[Worker]] = deque()
        self._idle: OrderedDict[int, tuple[str, Worker]] = OrderedDict()
        self._leaving: dict[asyncio.Task[None], str] = {}

    async def take(self, tenant: str | None) -> Worker:
        if leaving := next((task for task, owner in self._leaving.items() if owner == tenant), None):
            await asyncio.wait({leaving})
        if worker := self._idle_of(tenant):
            return worker
        task = self._new.popleft() if self._new else asyncio.create_task(self._started())
        try:
            worker = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_end_unused)
            raise
        except Gone:  # perhaps long ago
            return await self._started()
        if worker.alive:
            return worker
        worker.close()
        return await self._started()

    def _idle_of(self, tenant: str | None) -> Worker | None:
        for number, (owner, worker) in self._idle.items():
            if owner == tenant:
                del self._idle[number]
                if worker.alive:
                    return worker
                worker.close()
                return None
        return None

    def give_back(self, worker: Worker, tenant: str | None) -> None:
        """Keeps it for the next run of `tenant`, once its run has left; ends it where there is none."""
        self._fill()
        if tenant is None or worker.runs >= _MOST_RUNS or not worker.alive:
            _fork_server().kill(worker)
            return
        leaving = asyncio.create_task(self._keep(worker, tenant))
        self._leaving[leaving] = tenant
        leaving.add_done_callback(self._leaving.pop)

    async def _keep(self, worker: Worker, tenant: str) -> None:
        """Beside the answer, which does not wait for it."""
        left = False
        try:
            left = await worker.leave()
        finally:
            if not left:
                _fork_server().kill(worker)
        if left:
            self._idle[worker.number] = (tenant, worker)
        while len(self._idle) > _MOST_IDLE:
            _, (_, oldest) = self._idle.popitem(last=False)
            _fork_server().kill(oldest)

    def end(self) -> None:
        """Ends those that wait."""
        for leaving in self._leaving:
            leaving.cancel()
        while self._new:
            task = self._new.popleft()
            task.cancel()  # or it starts another fork server, when this one has ended
            task.add_done_callback(_end_unused)
        while self._idle:
            _fork_server().kill(self._idle.popitem()[1][1])

    def _fill(self) -> None:
        while len(self._new) < _READY:
            self._new.append(asyncio.create_task(self._started()))

    async def _started(self) -> Worker:
        return await _fork_server().fork(self._memory_bytes)


def _end_unused(task: "asyncio.Task[Worker]") -> None:
    if not task.cancelled() and task.exception() is None:
        _fork_server().kill(task.result())
