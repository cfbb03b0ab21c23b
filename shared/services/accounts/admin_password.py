"""Limits attempts to enter the administrators' password, per address and in total.

With a single limit for all addresses, a stranger could lock the administrators out by using it up. An address that has
sent the right password is therefore known for thirty days. Known addresses share one limit, and all other addresses
share another. While strangers use up theirs, an administrator at a new address must wait, or use an ID token. See
docs/decisions/0021-who-is-let-in.md.
"""

from shared import clock
from shared.models.errors import TooManyRequests
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database, Transaction

KNOWN_SECONDS = 30 * 24 * 3600.0
_RENEW_BELOW_SECONDS = KNOWN_SECONDS / 2


class AdminPasswordAttempts:
    """Counts attempts. `block`: the address or network that the attempt comes from."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._limits = RateLimitService(database)
        self._settings = settings

    async def take(self, block: str) -> float:
        """Counts an attempt. To be called before the password is compared.

        Returns the time until which `block` is known, in epoch seconds. Raises `TooManyRequests`. Attempts from known
        addresses never queue behind attempts from unknown ones. Three reads, two writes.
        """
        known_until = await self._database.transaction(
            lambda transaction: self._database.rate_limits.get(_known_key(block), transaction)
        )
        group = "admin:known" if known_until > clock.time() else "admin:strangers"
        await self._database.transaction(lambda transaction: self._count(block, group, transaction), serialize_on=group)
        return known_until

    async def _count(self, block: str, group: str, transaction: Transaction) -> None:
        try:
            await self._limits.acquire_in(group, self._settings.admin_password_rate_per_minute, transaction)
        except TooManyRequests as error:
            raise TooManyRequests(
                "Too many attempts to enter the administrators' password. Send an ID token with the "
                f"claim 'admin', or try again in {error.retry_after} s.",
                retry_after=error.retry_after,
            ) from error
        await self._limits.acquire_in(f"admin:{block}", self._settings.public_rate_per_minute, transaction)

    async def remember(self, block: str, known_until: float) -> None:
        """Makes `block` known after it sent the right password. One read and one write, once in two weeks."""
        now = clock.time()
        if known_until - now > _RENEW_BELOW_SECONDS:
            return

        async def write(transaction: Transaction) -> None:
            await self._database.rate_limits.get(_known_key(block), transaction)
            self._database.rate_limits.put(_known_key(block), now + KNOWN_SECONDS, transaction)

        await self._database.transaction(write, serialize_on=f"admin:known:{block}")


def _known_key(block: str) -> str:
    return f"admin:known:{block}"
