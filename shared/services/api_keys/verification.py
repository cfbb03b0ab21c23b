"""Verifies the API keys of requests.

A process remembers a key for `MAX_SECONDS`, so a key that is used often costs a read in that time, and a revoked one
opens nothing on any instance once that time has passed. Keys are compared by their digests, in constant time.
"""

import asyncio
import hmac
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

from shared import clock
from shared.bounded_dict import BoundedDict
from shared.models.api_key import ApiKey
from shared.models.errors import TooManyRequests, Unauthenticated, Unavailable
from shared.per_loop import per_loop
from shared.services.api_keys.key_text import KeyText, parse_key_text
from shared.services.rate_limits import RateLimitService
from shared.store import Database, Transaction

MAX_SECONDS = 5.0
"""How long a key is trusted after it was read. Half of the time within which a revoked key must open nothing."""
GUESSES_PER_MINUTE = 30
"""The maximum number of wrong keys per minute from one address. No one can guess a key; this limits the look-ups."""
LOOK_UPS_AT_ONCE = 4
"""The maximum number of keys from one address, among those that the process does not know, that are read at the same
time. A wrong key is counted only after it was read, so otherwise any number could be sent at once."""
USE_PRECISION = timedelta(minutes=1)
"""The precision of a key's last use, which costs a read and a write in that time."""
_NO_DIGEST = sha256(b"").hexdigest()
_WRONG = "This API key is not valid. It may have been revoked."


_Request = tuple[str, str | None]
"""A key's id, and what `_read_once` calls its block."""
_Reads = dict[_Request, tuple[float, asyncio.Task[ApiKey | None]]]
"""Reads under way, with the times at which they began."""


class _KnownKeys:
    """What a process knows: the keys by id, with the time at which they were read, and the reads under way.

    `blocked_until`: for addresses that have sent too many wrong keys. `look_ups`: must be acquired to read a key from
    an address that the process does not know.
    """

    def __init__(self) -> None:
        self.keys = BoundedDict[str, tuple[float, ApiKey | None]]()
        self.reads: _Reads = {}
        self.blocked_until = BoundedDict[str, float]()
        self.look_ups = BoundedDict[str, asyncio.Semaphore]()


@per_loop
def _known_keys(project: str) -> _KnownKeys:
    del project  # the key
    return _KnownKeys()


class KeyVerification:
    """Verifies keys."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = _known_keys(database.project)

    async def verify(self, text: str, block: str) -> ApiKey:
        """Returns the key. `block`: the address or network that the request comes from.

        At most one read in `MAX_SECONDS`, and occasionally another one and a write for its last use. Raises
        `Unauthenticated` for text that is not a key, and for an unknown, revoked or expired key, `TooManyRequests`
        after too many of those from the same address, and `Unavailable`.
        """
        parsed = parse_key_text(text)
        key = await self._find(parsed, block)
        now = clock.now()
        if key.expires_at is not None and key.is_expired(now):
            raise Unauthenticated(f"This API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC. Create another one.")
        if key.last_used_at is None or now - key.last_used_at >= USE_PRECISION:
            key = await self._record_use(key)
        return key

    async def is_still_valid(self, text: str) -> bool:
        """Whether a key that was valid a moment ago still is, wherever its request comes from.

        Unlike `verify`, neither refuses nor counts anything. At most one read in `MAX_SECONDS`. Raises `Unavailable`.
        """
        parsed = parse_key_text(text)
        recalled = self._recall(parsed.id)
        stored = recalled[0] if recalled is not None else await self._read_once(parsed.id, None)
        return stored is not None and _is_same(parsed, stored) and not stored.is_expired(clock.now())

    async def _find(self, key: KeyText, block: str) -> ApiKey:
        """Returns the key as it is stored. Raises `Unauthenticated` for a wrong one, and `TooManyRequests`."""
        recalled, is_counted = self._recall(key.id), False
        if recalled is not None:
            stored = recalled[0]
        elif self._was_known(key):
            stored = await self._read_once(key.id, None)
        else:
            self._refuse_blocked(block)
            stored = await self._read_once(key.id, block)
            is_counted = stored is None
        if _is_same(key, stored) and stored is not None:
            return stored
        if not is_counted:
            await self._count_guess(block)
        raise Unauthenticated(_WRONG)

    def _get_look_ups(self, block: str) -> asyncio.Semaphore:
        look_ups = self._known.look_ups
        if block not in look_ups:
            look_ups[block] = asyncio.Semaphore(LOOK_UPS_AT_ONCE)
        return look_ups[block]

    def _recall(self, key_id: str) -> tuple[ApiKey | None] | None:
        """Returns what is known of the key; None if that is too old."""
        read_at, key = self._known.keys.get(key_id, (-MAX_SECONDS, None))
        return (key,) if 0 <= clock.time() - read_at < MAX_SECONDS else None

    def _was_known(self, key: KeyText) -> bool:
        """Whether this very key was valid when it was last read."""
        _, known = self._known.keys.get(key.id, (0.0, None))
        return known is not None and _is_same(key, known)

    async def _read_once(self, key_id: str, block: str | None) -> ApiKey | None:
        """Reads the key. Concurrent requests with the same key share one read, unless it is slow.

        `block`: see `_look_up`; None for a key that was valid before. Requests from other addresses do not share it:
        they must not wait for the look-ups of this one.
        """
        reads, now, request = self._known.reads, clock.time(), (key_id, block)
        began_at, read = reads.get(request, (-math.inf, None))
        if read is None or now - began_at >= MAX_SECONDS:
            read = asyncio.create_task(self._read(key_id) if block is None else self._look_up(key_id, block))
            reads[request] = now, read
            read.add_done_callback(_forget_read(reads, request))
        return await asyncio.shield(read)

    async def _look_up(self, key_id: str, block: str) -> ApiKey | None:
        """Reads a key that the process does not know. Counts it as a guess if there is no such key.

        Only a few at a time for each address: how many more it may send is known only when these have been counted.
        """
        async with self._get_look_ups(block):
            self._refuse_blocked(block)
            key = await self._read(key_id)
            if key is None:
                await self._count_guess(block)
            return key

    async def _read(self, key_id: str) -> ApiKey | None:
        started_at = clock.time()
        async with self._database.raising_unavailable():
            key = await self._database.api_keys.get(key_id)
        if key_id not in self._known.keys or self._known.keys[key_id][0] <= started_at:
            self._known.keys[key_id] = started_at, key
        return key

    def _refuse_blocked(self, block: str) -> None:
        """Raises `TooManyRequests` for an address that has sent too many wrong keys. Known keys are not affected."""
        seconds = self._known.blocked_until.get(block, 0.0) - clock.time()
        if seconds > 0:
            raise _too_many_guesses(seconds)

    async def _count_guess(self, block: str) -> None:
        try:
            await RateLimitService(self._database).acquire(f"key:{block}", GUESSES_PER_MINUTE)
        except TooManyRequests as error:
            seconds = float(error.retry_after or 1)
            self._known.blocked_until[block] = clock.time() + seconds
            raise _too_many_guesses(seconds) from error

    async def _record_use(self, key: ApiKey) -> ApiKey:
        """Stores the time of use, and returns the key with it. An outage does not keep the key from being used."""
        used = key.model_copy(update={"last_used_at": clock.now()})
        read_at, known = self._known.keys.get(key.id, (0.0, None))
        if known is not None:  # so that other requests do not store it, too; None if a later read has not found the key
            self._known.keys[key.id] = read_at, used

        async def write(transaction: Transaction) -> None:
            stored = await self._database.api_keys.get(key.id, transaction)
            if stored is not None:
                self._database.api_keys.put(stored.model_copy(update={"last_used_at": used.last_used_at}), transaction)

        with suppress(Unavailable):
            await self._database.transaction(write, serialize_on=f"key:{key.id}")
        return used


def _is_same(key: KeyText, stored: ApiKey | None) -> bool:
    """Compares in a time that depends neither on the key nor on whether there is one with its id."""
    return hmac.compare_digest(key.digest, _NO_DIGEST if stored is None else stored.digest)


def _forget_read(reads: _Reads, request: _Request) -> Callable[[object], None]:
    def forget(task: object) -> None:
        if request in reads and reads[request][1] is task:
            del reads[request]
        if isinstance(task, asyncio.Task) and not task.cancelled():
            task.exception()  # its readers raise it

    return forget


def _too_many_guesses(seconds: float) -> TooManyRequests:
    wait = max(1, round(seconds))
    return TooManyRequests(f"Too many wrong API keys. Try again in {wait} s.", retry_after=wait)
