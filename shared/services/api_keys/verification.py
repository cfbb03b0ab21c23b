"""Verifies the API keys of requests.

A process remembers a key for `MAX_SECONDS`, so a key that is used often costs a read in that time, and a revoked one
opens nothing on any instance once that time has passed. Keys are compared by their digests, in constant time.
"""

import asyncio
import hmac
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


class _KnownKeys:
    """What a process knows: the keys by id, with the time at which they were read, and the reads under way.

    `blocked_until`: for addresses that have sent too many wrong keys. `look_ups`: must be acquired to read a key from
    an address that the process does not know.
    """

    def __init__(self) -> None:
        self.keys = BoundedDict[str, tuple[float, ApiKey | None]]()
        self.reads: dict[str, asyncio.Task[ApiKey | None]] = {}
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
        if parsed is None:
            raise Unauthenticated("This is not a complete API key: a key has 52 characters and begins with 'fba_'.")
        key = await self._find(parsed, block)
        now = clock.now()
        if key.expires_at is not None and key.is_expired(now):
            raise Unauthenticated(f"This API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC. Create another one.")
        if key.last_used_at is None or now - key.last_used_at >= USE_PRECISION:
            key = await self._record_use(key)
        return key

    async def _find(self, key: KeyText, block: str) -> ApiKey:
        """Returns the key as it is stored. Raises `Unauthenticated` for a wrong one, and `TooManyRequests`."""
        if (found := self._recall(key.id)) is not None:
            return await self._compare(key, found[0], block)
        if self._was_known(key):
            return await self._compare(key, await self._read_once(key.id), block)
        async with self._get_look_ups(block):
            if (found := self._recall(key.id)) is None:
                self._refuse_blocked(block)
                found = (await self._read_once(key.id),)
            return await self._compare(key, found[0], block)

    async def _compare(self, key: KeyText, stored: ApiKey | None, block: str) -> ApiKey:
        """Returns the stored key if it is this very key. Otherwise, counts a guess and raises an error."""
        is_same = hmac.compare_digest(key.digest, _NO_DIGEST if stored is None else stored.digest)
        if stored is None or not is_same:
            await self._count_guess(block)
            raise Unauthenticated(_WRONG)
        return stored

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
        return known is not None and hmac.compare_digest(known.digest, key.digest)

    async def _read_once(self, key_id: str) -> ApiKey | None:
        """Reads the key. Concurrent requests with the same key share one read."""
        reads = self._known.reads
        if key_id not in reads:
            reads[key_id] = asyncio.create_task(self._read(key_id))
            reads[key_id].add_done_callback(_forget_read(reads, key_id))
        return await asyncio.shield(reads[key_id])

    async def _read(self, key_id: str) -> ApiKey | None:
        started_at = clock.time()
        async with self._database.raising_unavailable():
            key = await self._database.api_keys.get(key_id)
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
        known = self._known.keys.get(key.id)
        if known is not None:  # so that other requests do not store it, too
            self._known.keys[key.id] = known[0], used

        async def write(transaction: Transaction) -> None:
            stored = await self._database.api_keys.get(key.id, transaction)
            if stored is not None:
                self._database.api_keys.put(stored.model_copy(update={"last_used_at": used.last_used_at}), transaction)

        with suppress(Unavailable):
            await self._database.transaction(write, serialize_on=f"key:{key.id}")
        return used


def _forget_read(reads: dict[str, asyncio.Task[ApiKey | None]], key_id: str) -> Callable[[object], None]:
    def forget(task: object) -> None:
        reads.pop(key_id, None)
        if isinstance(task, asyncio.Task) and not task.cancelled():
            task.exception()  # its readers raise it

    return forget


def _too_many_guesses(seconds: float) -> TooManyRequests:
    wait = max(1, round(seconds))
    return TooManyRequests(f"Too many wrong API keys. Try again in {wait} s.", retry_after=wait)
