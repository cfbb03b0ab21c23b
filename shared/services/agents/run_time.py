"""Limits the total time of one payer's runs per minute, over all processes.

This bounds runs that cost nothing but time. A run's time counts from when it gets its slot until it ends.

Each process counts separately, and stores its count only after several seconds of runs, so that short runs cost no
reads or writes. Therefore a process learns of other processes' runs a little late, and a user may exceed the limit by
the few seconds that each process has not stored yet.
"""

import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared import clock
from shared.bounded_dict import BoundedDict
from shared.models.errors import TooManyRequests, Unavailable
from shared.per_loop import per_loop
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database

_MINUTE = 60.0
_STORE_AFTER_SECONDS = 5.0
"""The number of seconds of runs after which a process stores its count."""


@dataclass
class _UserTime:
    """One user's count. `unstored`: seconds that are not in the database yet. `theoretical_arrival_time`: the newest
    value from the database, in epoch seconds.
    """

    unstored: float = 0.0
    theoretical_arrival_time: float = 0.0


class _Stopwatch:
    """Measures how long a run lasts once it has started."""

    def __init__(self) -> None:
        self._started_at: float | None = None

    def start(self) -> None:
        if self._started_at is None:
            self._started_at = time.monotonic()

    @property
    def seconds(self) -> float:
        return 0.0 if self._started_at is None else time.monotonic() - self._started_at


@per_loop
def _user_times(project: str) -> BoundedDict[str, _UserTime]:
    del project  # the key
    return BoundedDict()


@dataclass(frozen=True)
class RunTimeService:
    """Counts and limits the time of runs."""

    database: Database
    settings: Settings

    @asynccontextmanager
    async def count(self, uid: str, *, is_public: bool = False) -> AsyncGenerator[Callable[[], None]]:
        """Counts the time of a run that `uid` pays for. Yields a function to be called when the run starts.

        `is_public`: whether somebody else calls the user's published agent. Such runs have a limit of their own, so
        that they do not keep the user from running anything.

        Time counts from the first such call until the block ends; a run that never starts counts nothing. Raises
        `TooManyRequests` before the block if the user's runs have lasted too long.

        One read and one write per several seconds of runs, otherwise none. The count is stored before the next run, not
        after the last one, so that no response waits for it, and a caller who disconnects cannot avoid it.
        """
        per_minute = self.settings.run_seconds_per_minute
        run = _Stopwatch()
        if not per_minute:
            yield run.start
            return
        key = f"called:{uid}" if is_public else uid
        user_time = self._get_user_time(key)
        if user_time.unstored >= min(_STORE_AFTER_SECONDS, per_minute / 10):
            await self._store(key, user_time)
        wait = user_time.theoretical_arrival_time - _MINUTE - clock.time()
        if wait > 0:
            raise TooManyRequests(
                f"One user's agents may run for {per_minute:g} seconds in total per minute. "
                f"Try again in {math.ceil(wait)} s, or have them run for a shorter time.",
                retry_after=math.ceil(wait),
            )
        try:
            yield run.start
        finally:
            user_time.unstored += run.seconds

    def _get_user_time(self, key: str) -> _UserTime:
        users = _user_times(self.settings.google_cloud_project)
        if key not in users:
            users[key] = _UserTime()
        return users[key]

    async def _store(self, key: str, user_time: _UserTime) -> None:
        seconds, user_time.unstored = user_time.unstored, 0.0
        limits = RateLimitService(self.database)
        try:
            user_time.theoretical_arrival_time = await limits.add(
                f"runs:{key}", seconds, self.settings.run_seconds_per_minute
            )
        except Unavailable:  # those runs are over, and the next one need not fail because of them
            user_time.unstored += seconds
