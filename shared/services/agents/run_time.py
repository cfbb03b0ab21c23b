"""How long the runs of one user may last together, in a minute: a bound on runs that do nothing but last, however many
processes they are spread over. What counts is the time from when a run has a slot until it ends.

Counted in each process, and added up in the database only when some seconds have come together, so that short runs cost
no reads and no writes. So a process learns of the others' runs a little late, and a user may pass the limit by the few
seconds that each of them has not told yet.
"""

import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.models.errors import TooManyRequests, Unavailable
from shared.per_loop import per_loop
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database

_MINUTE = 60.0
_TOLD_AT = 5.0
"""Seconds of runs that a process keeps to itself."""
_MOST_REMEMBERED = 10_000


@dataclass
class _Known:
    """Of a user. `untold`: seconds not in the database yet. `theoretical_arrival_time`: the newest from there."""

    untold: float = 0.0
    theoretical_arrival_time: float = 0.0


class _Lasting:
    """How long a run has lasted since it was started."""

    def __init__(self) -> None:
        self._began: float | None = None

    def start(self) -> None:
        if self._began is None:
            self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return 0.0 if self._began is None else time.monotonic() - self._began


@per_loop
def _known(project: str) -> dict[str, _Known]:
    del project  # the key
    return {}


@dataclass(frozen=True)
class RunTimeService:
    """Lives as long as a request."""

    database: Database
    settings: Settings

    @asynccontextmanager
    async def counted(self, uid: str) -> AsyncGenerator[Callable[[], None]]:
        """Counts a run of `uid`'s, from the first call of what this gives until the end of the block; a run that is
        never started counts nothing. Raises `TooManyRequests` before it, if they lasted too long.

        No read and no write, but one of each for some seconds of runs. Those are stored before the next run, not after
        the last: so an answer never waits for it, and a caller who hangs up does not get around it.
        """
        per_minute = self.settings.run_seconds_per_minute
        run = _Lasting()
        if not per_minute:
            yield run.start
            return
        known = self._of(uid)
        if known.untold >= min(_TOLD_AT, per_minute / 10):
            await self._tell(uid, known)
        wait = known.theoretical_arrival_time - _MINUTE - time.time()
        if wait > 0:
            raise TooManyRequests(
                f"The agents of one user may run for {per_minute:g} seconds in a minute, all together. "
                f"Try again in {math.ceil(wait)} s, or have them run for a shorter time.",
                retry_after=math.ceil(wait),
            )
        try:
            yield run.start
        finally:
            known.untold += run.seconds

    def _of(self, uid: str) -> _Known:
        users = _known(self.settings.google_cloud_project)
        if uid not in users and len(users) >= _MOST_REMEMBERED:
            users.pop(next(iter(users)))
        return users.setdefault(uid, _Known())

    async def _tell(self, uid: str, known: _Known) -> None:
        seconds, known.untold = known.untold, 0.0
        limits = RateLimitService(self.database)
        try:
            known.theoretical_arrival_time = await limits.add(
                f"runs:{uid}", seconds, self.settings.run_seconds_per_minute
            )
        except Unavailable:  # the run is over, and its caller has nothing to do with this
            known.untold += seconds
