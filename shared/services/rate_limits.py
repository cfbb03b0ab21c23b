"""Rate limits, by the generic cell rate algorithm: one number per key, one write per request.

A key may make `per_minute` requests at once, and gets one back every 60 / per_minute seconds. What is stored is when
it will have all of them back. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

import math

from shared import clock
from shared.models.errors import TooManyRequests
from shared.store import Database, Transaction

OUTBOUND_PER_MINUTE = 120
"""Of one user, for tools and API descriptions together.

A person who adds connectors stays far below, and nobody may have this service knock at strangers' doors by the
thousand. No setting: what a deployment sets for chats is about load and money, and has nothing to do with it.
"""
_MINUTE = 60.0
_MOST_REMEMBERED = 10_000
_refused_until: dict[tuple[str, str], float] = {}
"""Keys, each in its project, that this process has refused, and until when: a flood costs no reads."""


class RateLimitService:
    """Lives as long as a request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, key: str, per_minute: int) -> None:
        """`acquire_in` in a transaction of its own."""
        await self._database.transaction(
            lambda transaction: self.acquire_in(key, per_minute, transaction), serialize_on=key
        )

    async def add(self, key: str, amount: float, per_minute: float) -> float:
        """Counts `amount` of what `key` may have `per_minute` of, whether there is room for it or not. One transaction.

        Returns the time, in epoch seconds, at which it has all of it back: more than a minute from now, and it has had
        too much.
        """

        async def write(transaction: Transaction) -> float:
            theoretical_arrival_time = max(clock.time(), await self._database.rate_limits.get(key, transaction))
            theoretical_arrival_time += amount * _MINUTE / per_minute
            self._database.rate_limits.put(key, theoretical_arrival_time, transaction)
            return theoretical_arrival_time

        return await self._database.transaction(write, serialize_on=key)

    async def acquire_in(self, key: str, per_minute: int, transaction: Transaction) -> None:
        """Counts a request of `key`: one read and one write, neither if `per_minute` is 0, which is no limit.

        Raises `TooManyRequests`, with the seconds to wait, and then counts nothing.
        """
        if not per_minute:
            return
        now = clock.time()
        known = (self._database.project, key)
        wait = _refused_until.get(known, 0.0) - now
        if wait <= 0:
            theoretical_arrival_time = (
                max(now, await self._database.rate_limits.get(key, transaction)) + _MINUTE / per_minute
            )
            wait = theoretical_arrival_time - _MINUTE - now
            if wait <= 0:
                self._database.rate_limits.put(key, theoretical_arrival_time, transaction)
                return
            _remember(known, now + wait)
        seconds = math.ceil(wait)
        raise TooManyRequests(f"Too many requests. Try again in {seconds} s.", retry_after=seconds)


def _remember(key: tuple[str, str], until: float) -> None:
    if len(_refused_until) >= _MOST_REMEMBERED:
        _refused_until.pop(next(iter(_refused_until)))
    _refused_until[key] = until
