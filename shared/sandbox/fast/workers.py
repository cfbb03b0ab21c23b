"""The engine's worker processes: one for each run, some of them ready before they are needed.

A process takes about two milliseconds to start. One that waits has run nothing but our own imports.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pydantic_monty as monty

from shared.log import get_logger
from shared.per_loop import per_loop

_log = get_logger("sandbox")
_READY = 2
_ALWAYS_THERE = "import json, re, asyncio, math, datetime"
"""What older code uses without an import."""
_CHECKOUT_SECONDS = 10.0
_MOST_SUSPENSIONS = 20_000
"""Each call out, also of a method of a response. Calls that reach anything are counted by the abilities."""
_RECURSION = 400
_NICE = 10
"""Code that computes without end must not keep this process from answering others."""
_NO_LIMIT = 1e9
"""Seconds of sleep: a run's own time ends it."""


@dataclass(frozen=True)
class Kind:
    """What a process is limited to: seconds of computing, bytes."""

    cpu_seconds: float
    memory_bytes: int


@dataclass
class Worker:
    """A process that nobody has used; it was fed one piece of code, of ours. `modules` is for what can be imported."""

    session: monty.AsyncMontySession
    modules: dict[str, monty.ExternalModule]


@asynccontextmanager
async def fresh_session(
    kind: Kind, modules: Mapping[str, monty.ExternalModule], imports: str
) -> AsyncGenerator[monty.AsyncMontySession]:
    """A process for one run, which ends with it. `imports` is the second piece of code that it was fed.

    One that died while it waited is replaced.
    """
    worker = await _workers(kind).take()
    try:
        worker.modules.update(modules)
        try:
            await worker.session.feed_run(imports)
        except monty.MontyCrashedError:
            _log.warning("A sandbox process had died before it was used")
            await worker.session.__aexit__(None, None, None)
            worker = await _workers(kind).started()
            worker.modules.update(modules)
            await worker.session.feed_run(imports)
        yield worker.session
    finally:
        await worker.session.__aexit__(None, None, None)


@per_loop
def _workers(kind: Kind) -> "_Workers":
    return _Workers(kind)


class _Workers:
    """Keeps some processes of a kind ready."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._ready: deque[asyncio.Task[Worker]] = deque()

    async def take(self) -> Worker:
        task = self._ready.popleft() if self._ready else asyncio.create_task(self.started())
        while len(self._ready) < _READY:
            self._ready.append(asyncio.create_task(self.started()))
        try:
            return await task
        except monty.MontyError as error:
            _log.warning("A sandbox process did not start: %r", error)
            return await self.started()

    async def started(self) -> Worker:
        limits: monty.ResourceLimits = {
            "max_feed_duration_secs": self._kind.cpu_seconds,
            "max_memory": self._kind.memory_bytes,
            "max_recursion_depth": _RECURSION,
            "max_suspensions": _MOST_SUSPENSIONS,
        }
        modules: dict[str, monty.ExternalModule] = {}
        session = (await _pool().get()).checkout(
            limits=limits,
            external_modules=modules,
            os_policy={"sleep_system_max": _NO_LIMIT},
            assert_message_annotations=False,
        )
        await session.__aenter__()
        try:
            await self._set_up(session)
        except BaseException:
            await session.__aexit__(None, None, None)
            raise
        return Worker(session, modules)

    @staticmethod
    async def _set_up(session: monty.AsyncMontySession) -> None:
        if (pid := session.worker_pid) is not None:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, pid, _NICE)
        await session.feed_run(_ALWAYS_THERE)


@per_loop
def _pool() -> "_Pool":
    return _Pool()


class _Pool:
    """Starts the library's pool at first use. Its processes end with this one."""

    def __init__(self) -> None:
        self._starting: asyncio.Task[monty.AsyncMonty] | None = None

    async def get(self) -> monty.AsyncMonty:
        if self._starting is None or (self._starting.done() and self._starting.exception()):
            self._starting = asyncio.create_task(_started_pool())
        return await asyncio.shield(self._starting)


async def _started_pool() -> monty.AsyncMonty:
    pool = monty.AsyncMonty(
        min_processes=1,
        max_processes=4096,  # how many run at once is bounded by the engine's slots
        max_checkouts_per_worker=1,
        checkout_timeout=_CHECKOUT_SECONDS,
    )
    return await pool.__aenter__()
