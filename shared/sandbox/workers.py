"""Provides a worker for each run, and reuses it for the tenant's next run.

One new worker, which has not read any code, is always ready. A worker gives each run its own instance, and serves only
one tenant, one run after the other. It is killed after `_MAX_RUNS` runs, and after any run that does not end properly.
If there are too many idle workers, the one that has been idle for the longest time is killed.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from shared.per_loop import per_loop
from shared.sandbox.forking import ForkServer
from shared.sandbox.worker import Worker, WorkerFailed

_MIN_READY = 1
_MAX_IDLE = 16
"""The maximum number of workers that wait for another run of their tenant."""
_MAX_RUNS = 200
_PYTHON_BYTES = 36 * 2**20
"""The memory of CPython and its loaded modules before any code is read."""


@asynccontextmanager
async def worker_for(tenant: str | None, memory_bytes: int) -> AsyncGenerator[Worker]:
    """Provides a worker for one run. It may have run other programs of the tenant. Without a tenant, it is new.

    Raises `InterpreterNotBuilt`, and `WorkerFailed` if the worker cannot be started.
    """
    workers = _workers(memory_bytes)
    worker = await workers.take(tenant)
    is_reusable = False
    try:
        yield worker
        is_reusable = True
    finally:
        workers.give_back(worker, tenant if is_reusable else None)


async def end_all() -> None:
    """Ends idle workers and the fork server. Call it if the event loop ends before the process does."""
    for workers in _all_workers():
        workers.end()
    await _fork_server().end()


@per_loop
def _all_workers() -> "list[_Workers]":
    return []


@per_loop
def _workers(memory_bytes: int) -> "_Workers":
    _all_workers().append(workers := _Workers(memory_bytes))
    return workers


@per_loop
def _fork_server() -> ForkServer:
    return ForkServer()


class _Workers:
    """The workers with one memory limit that run nothing: a new one, and the idle ones, longest idle first."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes + _PYTHON_BYTES
        self._new: deque[asyncio.Task[Worker]] = deque()
        self._idle: OrderedDict[int, tuple[str, Worker]] = OrderedDict()
        self._finishing: dict[asyncio.Task[None], str] = {}

    async def take(self, tenant: str | None) -> Worker:
        """Takes an idle worker of the tenant, or a new one. Raises `InterpreterNotBuilt` and `WorkerFailed`."""
        if finishing := next((task for task, owner in self._finishing.items() if owner == tenant), None):
            await asyncio.wait({finishing})
        if worker := self._take_idle(tenant):
            return worker
        task = self._new.popleft() if self._new else asyncio.create_task(self._start())
        try:
            worker = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_end_unused)
            raise
        except WorkerFailed:  # the worker may have ended long ago
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
        """Keeps the worker for the next run of `tenant`. Without a tenant, kills it."""
        self._fill()
        if tenant is None or worker.runs >= _MAX_RUNS or not worker.alive:
            _fork_server().kill(worker)
            return
        if (is_reusable := worker.has_finished_run()) is not None:
            self._keep(worker, tenant, is_reusable)
            return
        finishing = asyncio.create_task(self._finish(worker, tenant))
        self._finishing[finishing] = tenant
        finishing.add_done_callback(self._finishing.pop)

    async def _finish(self, worker: Worker, tenant: str) -> None:
        """Waits until the worker's run has ended. Runs in the background, so the result is not delayed."""
        is_reusable = False
        try:
            is_reusable = await worker.finish_run()
        finally:
            self._keep(worker, tenant, is_reusable)

    def _keep(self, worker: Worker, tenant: str, is_reusable: bool) -> None:
        """Makes the worker idle, or kills it."""
        if not is_reusable:
            _fork_server().kill(worker)
            return
        self._idle[worker.number] = (tenant, worker)
        while len(self._idle) > _MAX_IDLE:
            _, (_, oldest) = self._idle.popitem(last=False)
            _fork_server().kill(oldest)

    def end(self) -> None:
        """Ends the idle workers."""
        for finishing in self._finishing:
            finishing.cancel()
        while self._new:
            task = self._new.popleft()
            task.cancel()  # otherwise, the task would start another fork server after this one has ended
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
