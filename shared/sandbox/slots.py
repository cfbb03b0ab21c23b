"""Run slots: how many runs are alive at a time in a process, and how many of them may be one sharer's.

A slot stands for memory: a run keeps its interpreter from its first line to its last, also while it waits for a model,
a server or a clock. What runs compute is the system's to share out among their processes, which yield to ours, and each
may compute for only so long. So a run that waits holds up nobody while there are slots; where a run is small there are
more of them than a function takes requests. A sharer has a quarter of them at most, and never more than eight, so that
no one can take them all. Those whom many call (an agent, the owner who pays for it) have twice as many over all
callers, of whom each is a sharer; so no caller alone keeps the others from an agent.

An agent waits for the agents that it calls. So each level has slots of its own: whoever waits, waits for a deeper
level, and the deepest waits for nobody. How an engine runs what it runs is none of this module's business.
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
"""One of so many."""
_MOST_SHARED = 8
_SHARE_OF_MANY, _MOST_OF_MANY = 2, 16
"""The same, for those whom many call."""
_MOST_WAITING = 32
"""How many runs of a sharer may wait. Those that wait take up requests, of which a process takes only so many."""
_MOST_WAITING_OF_MANY = 48
"""What one caller may leave of them for others is the difference."""


@dataclass(frozen=True)
class _Part:
    """What a run needs room in: how many of a sharer's may be alive, and how many of them wait."""

    sharer: str
    alive: int
    waiting: int


_Parts = tuple[_Part, ...]


class Slots:
    """Those of one level. Whoever waits is served in the order of coming, but for those whose sharers have
    their share already: they keep nobody behind them waiting.
    """

    def __init__(self, at_once: int, level: int = 0) -> None:
        self.at_once = at_once
        self.share = min(math.ceil(at_once / _SHARE), _MOST_SHARED)
        self.share_of_many = min(math.ceil(at_once / _SHARE_OF_MANY), _MOST_OF_MANY)
        self._level = level
        self._taken = 0
        self._held: Counter[str] = Counter()
        self._wanted: Counter[str] = Counter()
        self._waiting: list[tuple[_Parts, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def slot(self, sharers: Sequence[str], caller: str | None = None) -> AsyncGenerator[None]:
        """A slot for a run of `sharers`, whose share each of them must have room in.

        With a `caller`, who asked for the run, the sharers are those whom many call, and the caller is a sharer, too.

        Raises `NoRoom` when none comes free for a while, and at once when too many wait already.
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
            return tuple(_Part(name, self.share, _MOST_WAITING) for name in names)
        parts = [_Part(name, self.share_of_many, _MOST_WAITING_OF_MANY) for name in names]
        return (_Part(caller, self.share, _MOST_WAITING), *parts)

    async def _enter(self, of: _Parts) -> None:
        if self._fits(of):
            self._take(of)
            return
        # Runs that an agent calls are not turned away: there are only so many, and their caller has begun.
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
            else:  # the slot came, and nobody is there any more to use it
                self._leave(of)
            if isinstance(error, TimeoutError):
                raise self._no_room(of) from error
            raise
        finally:
            self._wanted.subtract(part.sharer for part in of)
            self._wanted += Counter()  # only what is above zero

    def _fits(self, of: _Parts) -> bool:
        return self._taken < self.at_once and self._full(of) is None

    def _full(self, of: _Parts) -> _Part | None:
        """The first of the shares that has no room left."""
        return next((part for part in of if self._held[part.sharer] >= part.alive), None)

    def _take(self, of: _Parts) -> None:
        self._taken += 1
        self._held.update(part.sharer for part in of)

    def _leave(self, of: _Parts) -> None:
        self._taken -= 1
        self._held.subtract(part.sharer for part in of)
        self._held += Counter()
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
        full = self._full(of)
        most = full.alive if full else self.share
        return NoRoom(
            f"Too many runs of one agent, or of one user, at the same time: {most} of {self.at_once} run here. "
            "Try again when some have ended.",
            retry_after=5,
        )


@per_loop
def slots(at_once: int, level: int) -> Slots:
    """Those for the runs of a level."""
    return Slots(at_once, level)
