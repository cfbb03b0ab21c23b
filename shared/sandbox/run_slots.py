"""Run slots limit how many runs may exist in a process at a time, and how many of them one sharer may have.

A slot represents memory: a run keeps its interpreter from its first line to its last, even while it waits for a model,
a server or a timer. CPU time is limited elsewhere: the system divides it among the runs' processes, which have a lower
priority than the service's process, and each run may compute for a limited time. A waiting run therefore does not block
other runs while there are free slots. If runs are small, there are more slots than concurrent requests to a function.

A sharer may use a quarter of the slots, but at most eight, so no sharer can take all of them. A sharer with many
callers (an agent, or the owner who pays for it) may use twice as many for all callers together. Each caller is then
also a sharer, so no single caller can prevent the others from using an agent.

An agent waits for the agents that it calls. Each level therefore has its own slots: a run waits only for runs on deeper
levels, and a run on the deepest level waits for no other run.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.models.errors import NoRunSlot
from shared.per_loop import per_loop

_WAITING_SECONDS = 10.0
_SHARE = 4
"""A sharer may use one slot in four."""
_MAX_SHARE = 8
_SHARE_WITH_CALLERS, _MAX_SHARE_WITH_CALLERS = 2, 16
"""The corresponding limits for sharers with many callers."""
_MAX_WAITING = 32
"""The maximum number of a sharer's runs that wait. Each occupies a request, and a process takes a limited number."""
_MAX_WAITING_WITH_CALLERS = 48
"""The corresponding limit for sharers with many callers. A single caller leaves the difference to the others."""


@dataclass(frozen=True)
class _Share:
    """One sharer's share of the slots: how many of its runs may exist, and how many may wait."""

    sharer: str
    max_alive: int
    max_waiting: int


_Parts = tuple[_Share, ...]


class Slots:
    """The slots of one level.

    Waiting runs get slots in the order of their arrival. A run whose sharer has used up its share is skipped, so it
    does not delay the runs behind it.
    """

    def __init__(self, max_runs: int, level: int = 0) -> None:
        self.max_runs = max_runs
        self.share = min(math.ceil(max_runs / _SHARE), _MAX_SHARE)
        self.share_with_callers = min(math.ceil(max_runs / _SHARE_WITH_CALLERS), _MAX_SHARE_WITH_CALLERS)
        self._level = level
        self._taken = 0
        self._alive: Counter[str] = Counter()
        self._waiting_runs: Counter[str] = Counter()
        self._queue: list[tuple[_Parts, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def slot(self, sharers: Sequence[str], caller: str | None = None) -> AsyncGenerator[None]:
        """Occupies a slot for a run of `sharers`. Each of them must have room in its share.

        `caller`: if the sharers have many callers, the one that requested the run. It is then also a sharer.

        Raises `NoRunSlot` if no slot becomes free within ten seconds, or immediately if too many runs are waiting.
        """
        parts = self._list_parts(sharers, caller)
        await self._enter(parts)
        try:
            yield
        finally:
            self._leave(parts)

    def _list_parts(self, sharers: Sequence[str], caller: str | None) -> _Parts:
        names = dict.fromkeys(sharers)
        if caller is None:
            return tuple(_Share(name, self.share, _MAX_WAITING) for name in names)
        shared_parts = [_Share(name, self.share_with_callers, _MAX_WAITING_WITH_CALLERS) for name in names]
        return (_Share(caller, self.share, _MAX_WAITING), *shared_parts)

    async def _enter(self, parts: _Parts) -> None:
        if self._fits(parts):
            self._take(parts)
            return
        # Runs that an agent starts are not refused: their number is limited, and the agent itself is already running.
        if not self._level and any(self._waiting_runs[part.sharer] >= part.max_waiting for part in parts):
            raise self._make_error(parts)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (parts, turn)
        self._queue.append(entry)
        self._waiting_runs.update(part.sharer for part in parts)
        try:
            async with asyncio.timeout(_WAITING_SECONDS):
                await turn
        except BaseException as error:
            if entry in self._queue:
                self._queue.remove(entry)
            else:  # the run got a slot at the same moment, but will not use it
                self._leave(parts)
            if isinstance(error, TimeoutError):
                raise self._make_error(parts) from error
            raise
        finally:
            self._waiting_runs.subtract(part.sharer for part in parts)
            self._waiting_runs += Counter()  # drops the sharers whose count is zero

    def _fits(self, parts: _Parts) -> bool:
        return self._taken < self.max_runs and self._find_full_share(parts) is None

    def _find_full_share(self, parts: _Parts) -> _Share | None:
        """Returns the first share without room."""
        return next((part for part in parts if self._alive[part.sharer] >= part.max_alive), None)

    def _take(self, parts: _Parts) -> None:
        self._taken += 1
        self._alive.update(part.sharer for part in parts)

    def _leave(self, parts: _Parts) -> None:
        self._taken -= 1
        self._alive.subtract(part.sharer for part in parts)
        self._alive += Counter()
        still_waiting: list[tuple[_Parts, asyncio.Future[None]]] = []
        for waiting, turn in self._queue:
            if self._fits(waiting) and not turn.done():
                self._take(waiting)
                turn.set_result(None)
            else:
                still_waiting.append((waiting, turn))
        self._queue = still_waiting

    def _make_error(self, parts: _Parts) -> NoRunSlot:
        if self._taken >= self.max_runs:
            return NoRunSlot(
                f"Too many agents are running: at most {self.max_runs} run here at a time. Try again.", retry_after=5
            )
        full = self._find_full_share(parts)
        max_runs = full.max_alive if full else self.share
        return NoRunSlot(
            f"Too many runs of one agent or user at the same time: they may use at most {max_runs} of {self.max_runs} "
            "slots. Try again when some of them have ended.",
            retry_after=5,
        )


@per_loop
def slots(max_runs: int, level: int) -> Slots:
    """Returns the slots for the runs of a level, which all engines on an event loop share."""
    return Slots(max_runs, level)
