"""Rate limits, by the generic cell rate algorithm: one number per key, one write per request.

A key may make `per_minute` requests in a burst, and regains one every 60 / per_minute seconds. The stored number is the
time at which it has regained all of them. See https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm.
"""

import math

from shared import clock
from shared.models.errors import TooManyRequests
from shared.store import Database, Transaction

OUTBOUND_PER_MINUTE = 120
"""The maximum number of a user's requests per minute for tools and API descriptions together.

A person who adds connectors stays far below it, and no one can use this service to flood third-party servers. It is
not a setting because it does not depend on a deployment's load or budget.
"""
_MINUTE = 60.0
_MAX_REMEMBERED = 10_000
_refused_until: dict[tuple[str, str], float] = {}
"""By project and key: the time until which this process refuses the key, in epoch seconds. Makes a flood cost no reads.
"""


class RateLimitService:
    """Counts and limits requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, key: str, per_minute: int) -> None:
        """Counts a request by `key` in its own transaction. See `acquire_in`."""
        await self._database.transaction(
            lambda transaction: self.acquire_in(key, per_minute, transaction), serialize_on=key
        )

    async def add(self, key: str, amount: float, per_minute: float) -> float:
        """Counts `amount` against the `per_minute` limit of `key`, even above the limit. One transaction.

        Returns the time, in epoch seconds, at which the key has regained all of its limit. If that is more than a
        minute away, the key is above its limit.
        """

        async def write(transaction: Transaction) -> float:
            theoretical_arrival_time = max(clock.time(), await self._database.rate_limits.get(key, transaction))
            theoretical_arrival_time += amount * _MINUTE / per_minute
            self._database.rate_limits.put(key, theoretical_arrival_time, transaction)
            return theoretical_arrival_time

        return await self._database.transaction(write, serialize_on=key)

    async def acquire_in(self, key: str, per_minute: int, transaction: Transaction) -> None:
        """Counts a request by `key`: one read and one write, or none if `per_minute` is 0, which means no limit.

        Above the limit, counts nothing and raises `TooManyRequests` with the seconds to wait.
        """
        if not per_minute:
            return
        now = clock.time()
        cache_key = (self._database.project, key)
        wait = _refused_until.get(cache_key, 0.0) - now
        if wait <= 0:
            theoretical_arrival_time = (
                max(now, await self._database.rate_limits.get(key, transaction)) + _MINUTE / per_minute
            )
            wait = theoretical_arrival_time - _MINUTE - now
            if wait <= 0:
                self._database.rate_limits.put(key, theoretical_arrival_time, transaction)
                return
            _remember(cache_key, now + wait)
        seconds = math.ceil(wait)
        raise TooManyRequests(f"Too many requests. Try again in {seconds} s.", retry_after=seconds)


def _remember(key: tuple[str, str], until: float) -> None:
    if len(_refused_until) >= _MAX_REMEMBERED:
        _refused_until.pop(next(iter(_refused_until)))
    _refused_until[key] = until
