"""Rate limits, by the generic cell rate algorithm: one number per key.

A key may make `per_minute` requests in a burst, and regains one every 60 / per_minute seconds. The stored number is the
time at which it has regained all of them. See https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm.

A key can have many requests per second, but Firestore sustains about one write per second to a document. Therefore each
process counts by itself, and may keep to itself a tenth of the key's limit: of its burst, and of its rate. Beyond that
it reconciles its count with the stored one, at most once a second or once per tenth of the limit. A key that uses less
than a tenth of its limit is not stored at all. A limit of fewer than ten requests is always counted exactly, as is one
that only one process counts.
"""

import asyncio
import math
from dataclasses import dataclass, field

from shared import clock
from shared.bounded_dict import BoundedDict
from shared.models.errors import TooManyRequests
from shared.per_loop import per_loop
from shared.store import Database, Transaction

OUTBOUND_PER_MINUTE = 120
"""The maximum number of a user's requests per minute for tools and API descriptions together.

A person who adds connectors stays far below it, and no one can use this service to flood third-party servers. It is
not a setting because it does not depend on a deployment's load or budget.
"""
_MINUTE = 60.0
RECONCILE_SECONDS = 1.0
UNSEEN_SHARE = 0.1
"""The share of its limit that a key may use in one process without being counted in the database."""


@dataclass
class _Count:
    """A key's count in this process. Times are in epoch seconds.

    `whole_at`: when the key will have regained its whole limit, as far as this process knows. `stored`: the same, as
    the database had it at `reconciled_at`. `pending`: the accepted requests that the database does not know of.
    `unseen_until`: when the key will have regained, at a tenth of its rate, what was not counted in the database.
    """

    whole_at: float = 0.0
    stored: float = 0.0
    reconciled_at: float = -math.inf
    unseen_until: float = -math.inf
    pending: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def must_reconcile(self, now: float, per_minute: int) -> bool:
        """Whether the next request must be counted in the database."""
        if self.pending + 1 > UNSEEN_SHARE * per_minute:
            return True
        return now - self.reconciled_at >= RECONCILE_SECONDS and now < self.unseen_until

    def add(self, now: float, interval: float) -> None:
        """Counts a request in this process only."""
        if max(self.whole_at, self.unseen_until) <= now:
            self.pending = 0  # what these requests had used is regained
        self.unseen_until = max(now, self.unseen_until) + interval / UNSEEN_SHARE
        self.whole_at = max(now, self.whole_at) + interval
        self.pending += 1

    def merge(self, stored: float, now: float, interval: float) -> float:
        """Returns when the key will have regained its whole limit, given the time that is stored now."""
        if stored == self.stored:  # no other process has counted anything
            return max(now, self.whole_at)
        return max(now, stored) + self.pending * interval


@per_loop
def _counts(project: str) -> BoundedDict[str, _Count]:
    del project  # the key
    return BoundedDict()


class RateLimitService:
    """Counts and limits requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, key: str, per_minute: int) -> None:
        """Counts a request by `key`. A limit of 0 means none.

        Above the limit, counts nothing and raises `TooManyRequests` with the seconds to wait. At most one read and one
        write per second and process, or per tenth of the limit; none for a key that uses less than a tenth of its
        limit, and none while it is above its limit. Raises `Unavailable`.
        """
        if not per_minute:
            return
        interval = _MINUTE / per_minute
        count = self._get_count(key)
        _refuse(_seconds_to_wait(count.whole_at, interval, clock.time()))
        if count.must_reconcile(clock.time(), per_minute):
            # While another request reconciles, the others need not wait, unless nothing is known of the key yet.
            if not count.lock.locked() or count.reconciled_at == -math.inf:
                async with self._database.raising_unavailable(), count.lock:
                    if count.must_reconcile(clock.time(), per_minute):
                        await self._reconcile(key, count, interval)
                        return
            _refuse(_seconds_to_wait(count.whole_at, interval, clock.time()))
        count.add(clock.time(), interval)

    async def _reconcile(self, key: str, count: _Count, interval: float) -> None:
        """Counts a request in the database, with those that it does not know of yet. One transaction.

        Raises `TooManyRequests` if the key is above its limit.
        """

        async def write(transaction: Transaction) -> tuple[int, float, float, float]:
            stored = await self._database.rate_limits.get(key, transaction)
            now, pending = clock.time(), count.pending
            whole_at = count.merge(stored, now, interval)
            wait = _seconds_to_wait(whole_at, interval, now)
            if wait <= 0:
                whole_at += interval
            if wait <= 0 or pending:
                self._database.rate_limits.put(key, whole_at, transaction)
                stored = whole_at
            return pending, stored, whole_at, wait

        pending, count.stored, whole_at, wait = await self._database.transaction(write)
        count.pending -= pending
        count.reconciled_at = now = clock.time()
        # Some may have been accepted during the commit.
        count.whole_at = whole_at + count.pending * interval
        count.unseen_until = now + count.pending * interval / UNSEEN_SHARE
        _refuse(wait)

    def _get_count(self, key: str) -> _Count:
        counts = _counts(self._database.project)
        if key not in counts:
            counts[key] = _Count()
        return counts[key]

    async def add(self, key: str, amount: float, per_minute: float) -> float:
        """Counts `amount` against the `per_minute` limit of `key`, even above the limit. One transaction.

        Returns the time, in epoch seconds, at which the key has regained all of its limit. If that is more than a
        minute away, the key is above its limit.
        """

        async def write(transaction: Transaction) -> float:
            whole_at = max(clock.time(), await self._database.rate_limits.get(key, transaction))
            whole_at += amount * _MINUTE / per_minute
            self._database.rate_limits.put(key, whole_at, transaction)
            return whole_at

        return await self._database.transaction(write, serialize_on=key)

    async def acquire_in(self, key: str, per_minute: int, transaction: Transaction) -> None:
        """Counts a request by `key` in a transaction that writes other documents of the same user anyway.

        The count is exact. One read and one write, or none if `per_minute` is 0, which means no limit, or if this
        process knows that the key is above its limit. Then counts nothing, and raises `TooManyRequests` with the
        seconds to wait.
        """
        if not per_minute:
            return
        interval, count, now = _MINUTE / per_minute, self._get_count(key), clock.time()
        _refuse(_seconds_to_wait(count.whole_at, interval, now))
        whole_at = max(now, await self._database.rate_limits.get(key, transaction))
        if (wait := _seconds_to_wait(whole_at, interval, now)) > 0:
            count.whole_at = whole_at
            _refuse(wait)
        self._database.rate_limits.put(key, whole_at + interval, transaction)


def _seconds_to_wait(whole_at: float, interval: float, now: float) -> float:
    """Returns how many seconds are left until another request is within the limit. Not positive if it is now."""
    return max(now, whole_at) + interval - _MINUTE - now


def _refuse(seconds: float) -> None:
    """Raises `TooManyRequests` if there are seconds to wait."""
    if seconds > 0:
        wait = math.ceil(seconds)
        raise TooManyRequests(f"Too many requests. Try again in {wait} s.", retry_after=wait)
