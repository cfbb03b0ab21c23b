"""Run slots: how many runs are alive at a time in a process, and how many of them one sharer may have.

A slot stands for memory: a run keeps its interpreter from its first line to its last, also while it waits for a model,
a server or a clock. CPU time is limited elsewhere: the system divides it among the runs' processes, which yield to the
service's, and each run may compute for a limited time. So a run that waits blocks no other run while there are slots;
when runs are small, there are more slots than a function takes requests.

A sharer has at most a quarter of the slots, and never more than eight, so that no one can take them all. A sharer that
many call (an agent, the owner who pays for it) has twice as many over all callers, and each caller is a sharer as
well; so no single caller keeps the others from an agent.

An agent waits for the agents that it calls. So each level has slots of its own: a run waits for a deeper level only,
and the deepest level waits for none. How an engine runs a program does not matter here.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.models.errors import NoRoom
from shared.per_loop import per_loop

_WAITING_SECONDS = 10.0
_SHARE = 4
"""A sharer may have one slot of so many."""
_MAX_SHARE = 8
_SHARE_OF_MANY, _MAX_SHARE_OF_MANY = 2, 16
"""The same, for sharers that many call."""
_MAX_WAITING = 32
"""How many runs of a sharer may wait. Each of them occupies a request, and a process takes a limited number."""
_MAX_WAITING_OF_MANY = 48
"""The same, for sharers that many call: one caller alone leaves the difference to the others."""


@dataclass(frozen=True)
class _Part:
    """One sharer's share, which a run needs room in: how many of its runs may be alive, and how many may wait."""

    sharer: str
    alive: int
    waiting: int


_Parts = tuple[_Part, ...]


class Slots:
    """The slots of one level. Runs that wait get slots in the order of their arrival. Those whose sharers have their
    full share are passed over, so that they do not hold up the ones behind them.
    """

    def __init__(self, at_once: int, level: int = 0) -> None:
        self.at_once = at_once
        self.share = min(math.ceil(at_once / _SHARE), _MAX_SHARE)
        self.share_of_many = min(math.ceil(at_once / _SHARE_OF_MANY), _MAX_SHARE_OF_MANY)
        self._level = level
        self._taken = 0
        self._alive: Counter[str] = Counter()
        self._wanted: Counter[str] = Counter()
        self._waiting: list[tuple[_Parts, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def slot(self, sharers: Sequence[str], caller: str | None = None) -> AsyncGenerator[None]:
        """A slot for a run of `sharers`, each of whom must have room in its share.

        With a `caller`, who asked for the run, the sharers are such that many call, and the caller is a sharer, too.

        Raises `NoRoom` when no slot comes free for ten seconds, and at once when too many wait already.
        """
        of = self._parts(sharers, caller)
        await self._enter(of)
        try:
            yield
        finally:
            self._leave(of)

    def _parts(self, sharers: Sequence[str], caller: str | None) -> _Parts:
        names = dict.fromkeys(sharers)
        if caller is None:
            return tuple(_Part(name, self.share, _MAX_WAITING) for name in names)
        parts = [_Part(name, self.share_of_many, _MAX_WAITING_OF_MANY) for name in names]
        return (_Part(caller, self.share, _MAX_WAITING), *parts)

    async def _enter(self, of: _Parts) -> None:
        if self._fits(of):
            self._take(of)
            return
        # Runs that an agent calls are not refused: their number is limited, and their caller has begun.
        if not self._level and any(self._wanted[part.sharer] >= part.waiting for part in of):
            raise self._no_room(of)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (of, turn)
        self._waiting.append(waiting)
        self._wanted.update(part.sharer for part in of)
        try:
            async with asyncio.timeout(_WAITING_SECONDS):
                await turn
        except BaseException as error:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:  # the slot came at the same moment, and will not be used
                self._leave(of)
            if isinstance(error, TimeoutError):
                raise self._no_room(of) from error
            raise
        finally:
            self._wanted.subtract(part.sharer for part in of)
            self._wanted += Counter()  # only what is above zero

    def _fits(self, of: _Parts) -> bool:
        return self._taken < self.at_once and self._first_full(of) is None

    def _first_full(self, of: _Parts) -> _Part | None:
        """The first share that has no room left."""
        return next((part for part in of if self._alive[part.sharer] >= part.alive), None)

    def _take(self, of: _Parts) -> None:
        self._taken += 1
        self._alive.update(part.sharer for part in of)

    def _leave(self, of: _Parts) -> None:
        self._taken -= 1
        self._alive.subtract(part.sharer for part in of)
        self._alive += Counter()
        still: list[tuple[_Parts, asyncio.Future[None]]] = []
        for waiting, turn in self._waiting:
            if self._fits(waiting) and not turn.done():
                self._take(waiting)
                turn.set_result(None)
            else:
                still.append((waiting, turn))
        self._waiting = still

    def _no_room(self, of: _Parts) -> NoRoom:
        if self._taken >= self.at_once:
            return NoRoom(
                f"Too many agents are running right now: {self.at_once} at a time run here. Try again.", retry_after=5
            )
        full = self._first_full(of)
        most = full.alive if full else self.share
        return NoRoom(
            f"Too many runs of one agent, or of one user, at the same time: {most} of {self.at_once} run here. "
            "Try again when some have ended.",
            retry_after=5,
        )


@per_loop
def slots(at_once: int, level: int) -> Slots:
    """The slots for the runs of a level, which all on the same event loop share."""
    return Slots(at_once, level)
