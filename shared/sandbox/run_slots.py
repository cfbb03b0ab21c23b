"""Run slots limit how many runs are alive at a time in a process, and how many of these one sharer may have.

A slot stands for memory: a run keeps its interpreter from its first line to its last, even while it waits for a model,
a server or a clock. CPU time is limited elsewhere: the system divides it among the runs' processes, which have a lower
priority than the service's, and each run may compute for a limited time. A waiting run therefore does not block other
runs while there are free slots. If runs are small, there are more slots than concurrent requests to a function.

A sharer has at most a quarter of the slots, and never more than eight, so that no one can take all of them. A sharer
with many callers (an agent, or the owner who pays for it) has twice as many for all callers together. Each caller is
then a sharer as well, so no single caller can keep the others from using an agent.

An agent waits for the agents that it calls. Each level therefore has its own slots: a run waits only for a deeper
level, and the deepest level waits for none.
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
"""A sharer may have one slot in four."""
_MAX_SHARE = 8
_SHARE_OF_MANY, _MAX_SHARE_OF_MANY = 2, 16
"""The corresponding limits for sharers with many callers."""
_MAX_WAITING = 32
"""How many runs of a sharer may wait. Each occupies a request, and a process takes a limited number of these."""
_MAX_WAITING_OF_MANY = 48
"""The corresponding limit for sharers with many callers: a single caller leaves the difference to the others."""


@dataclass(frozen=True)
class _Part:
    """One sharer's share of the slots: how many of its runs may be alive, and how many may wait."""

    sharer: str
    max_alive: int
    max_waiting: int


_Parts = tuple[_Part, ...]


class Slots:
    """The slots of one level. Waiting runs get slots in the order of their arrival. Runs whose sharers have used up
    their share are skipped, so that they do not hold up the runs behind them.
    """

    def __init__(self, at_once: int, level: int = 0) -> None:
        self.at_once = at_once
        self.share = min(math.ceil(at_once / _SHARE), _MAX_SHARE)
        self.share_of_many = min(math.ceil(at_once / _SHARE_OF_MANY), _MAX_SHARE_OF_MANY)
        self._level = level
        self._taken = 0
        self._alive: Counter[str] = Counter()
        self._waiting_runs: Counter[str] = Counter()
        self._queue: list[tuple[_Parts, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def slot(self, sharers: Sequence[str], caller: str | None = None) -> AsyncGenerator[None]:
        """Holds a slot for a run of `sharers`. Each of them must have room in its share.

        `caller`: given if the sharers have many callers; the one that requested the run, which is then a sharer as
        well.

        Raises `NoRunSlot` when no slot becomes free within ten seconds, and at once when too many runs wait already.
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
            return tuple(_Part(name, self.share, _MAX_WAITING) for name in names)
        shared_parts = [_Part(name, self.share_of_many, _MAX_WAITING_OF_MANY) for name in names]
        return (_Part(caller, self.share, _MAX_WAITING), *shared_parts)

    async def _enter(self, parts: _Parts) -> None:
        if self._fits(parts):
            self._take(parts)
            return
        # Runs that an agent calls are not refused: their number is limited, and their caller has already started.
        if not self._level and any(self._waiting_runs[part.sharer] >= part.max_waiting for part in parts):
            raise self._no_room(parts)
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
            else:  # the slot became free at the same moment and will not be used
                self._leave(parts)
            if isinstance(error, TimeoutError):
                raise self._no_room(parts) from error
            raise
        finally:
            self._waiting_runs.subtract(part.sharer for part in parts)
            self._waiting_runs += Counter()  # drops the sharers whose count is zero

    def _fits(self, parts: _Parts) -> bool:
        return self._taken < self.at_once and self._first_full(parts) is None

    def _first_full(self, parts: _Parts) -> _Part | None:
        """The first share without room."""
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

    def _no_room(self, parts: _Parts) -> NoRunSlot:
        if self._taken >= self.at_once:
            return NoRunSlot(
                f"Too many agents are running: at most {self.at_once} run here at a time. Try again.", retry_after=5
            )
        full = self._first_full(parts)
        max_runs = full.max_alive if full else self.share
        return NoRunSlot(
            f"Too many runs of one agent or one user at the same time: at most {max_runs} of {self.at_once} slots. "
            "Try again when some have ended.",
            retry_after=5,
        )


@per_loop
def slots(at_once: int, level: int) -> Slots:
    """The slots for the runs of a level, shared by all engines on the same event loop."""
    return Slots(at_once, level)
