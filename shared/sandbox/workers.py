"""Workers: taken for a run, and kept for the next one of the same tenant.

One new worker is always ready, which has read no code yet. A worker gives each run an instance of its own, and serves
one tenant only, one run after the other. It is ended after `_MAX_RUNS` of them, after any that does not end well, and
when it is the longest unused one of too many idle workers.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from shared.per_loop import per_loop
from shared.sandbox.forking import ForkServer
from shared.sandbox.worker import Gone, Worker

_MIN_READY = 1
_MAX_IDLE = 16
"""Workers that wait for another run of their tenant."""
_MAX_RUNS = 200
_PYTHON_BYTES = 36 * 2**20
"""Memory of CPython and its loaded modules, before any code is read."""


@asynccontextmanager
async def worker_for(tenant: str | None, memory_bytes: int) -> AsyncGenerator[Worker]:
    """A worker for one run. It may have run others of the same tenant; without a tenant, it is a new one.

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
    """Ends idle workers and the fork server. To be called when the event loop ends before the process does."""
    for workers in _kinds():
        workers.end()
    await _fork_server().end()


@per_loop
def _kinds() -> "list[_Workers]":
    return []


@per_loop
def _workers(memory_bytes: int) -> "_Workers":
    _kinds().append(workers := _Workers(memory_bytes))
    return workers


@per_loop
def _fork_server() -> ForkServer:
    return ForkServer()


class _Workers:
    """The idle workers of one size: one that is new, and those of tenants, the longest unused first."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes + _PYTHON_BYTES
        self._new: deque[asyncio.Task[Worker]] = deque()
        self._idle: OrderedDict[int, tuple[str, Worker]] = OrderedDict()
        self._leaving: dict[asyncio.Task[None], str] = {}

    async def take(self, tenant: str | None) -> Worker:
        """An idle worker of the tenant, or a new one. Raises `NotBuilt` and `Gone`."""
        if leaving := next((task for task, owner in self._leaving.items() if owner == tenant), None):
            await asyncio.wait({leaving})
        if worker := self._take_idle(tenant):
            return worker
        task = self._new.popleft() if self._new else asyncio.create_task(self._start())
        try:
            worker = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_end_unused)
            raise
        except Gone:  # perhaps long ago
            return await self._start()
        if worker.alive:
            return worker
        worker.close()
        return await self._start()

    def _take_idle(self, tenant: str | None) -> Worker | None:
        for number, (owner, worker) in self._idle.items():
            if owner == tenant:
                del self._idle[number]
                if worker.alive:
                    return worker
                worker.close()
                return None
        return None

    def give_back(self, worker: Worker, tenant: str | None) -> None:
        """Keeps the worker for the next run of `tenant`, once its run has ended; without a tenant, ends it."""
        self._fill()
        if tenant is None or worker.runs >= _MAX_RUNS or not worker.alive:
            _fork_server().kill(worker)
            return
        leaving = asyncio.create_task(self._keep(worker, tenant))
        self._leaving[leaving] = tenant
        leaving.add_done_callback(self._leaving.pop)

    async def _keep(self, worker: Worker, tenant: str) -> None:
        """Runs beside the answer, which does not wait for it."""
        left = False
        try:
            left = await worker.leave()
        finally:
            if not left:
                _fork_server().kill(worker)
        if left:
            self._idle[worker.number] = (tenant, worker)
        while len(self._idle) > _MAX_IDLE:
            _, (_, oldest) = self._idle.popitem(last=False)
            _fork_server().kill(oldest)

    def end(self) -> None:
        """Ends the idle workers."""
        for leaving in self._leaving:
            leaving.cancel()
        while self._new:
            task = self._new.popleft()
            task.cancel()  # or it would start another fork server after this one has ended
            task.add_done_callback(_end_unused)
        while self._idle:
            _fork_server().kill(self._idle.popitem()[1][1])

    def _fill(self) -> None:
        while len(self._new) < _MIN_READY:
            self._new.append(asyncio.create_task(self._start()))

    async def _start(self) -> Worker:
        return await _fork_server().fork(self._memory_bytes)


def _end_unused(task: "asyncio.Task[Worker]") -> None:
    if not task.cancelled() and task.exception() is None:
        _fork_server().kill(task.result())
