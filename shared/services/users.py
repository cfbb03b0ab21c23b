"""Users: their profile, allowance and spending, as they see and change them themselves."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from shared.models.account import Account
from shared.models.caller import Caller
from shared.models.errors import Conflict, Forbidden, TooLarge
from shared.models.money import to_dollars, to_micros
from shared.models.user import MAX_METADATA_BYTES, SHOWN_ENTRIES, AccountChange, UsageReport, User, user_of
from shared.services.ledger import Ledger
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database, Transaction


class UserService:
    """Lives as long as a request. Every method answers with the user as it is afterwards."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._ledger = Ledger(database, settings)
        self._settings = settings

    async def me(self, caller: Caller) -> User:
        """The profile; a first request creates the user, and a reset date that has come opens a new period."""
        return await self._shown(await self._written(caller, lambda account, now: account))

    async def change(self, caller: Caller, change: AccountChange) -> User:
        """Raises `Conflict` for a stale `_rev`, `Forbidden` for more than the ceiling."""

        def allowed(account: Account, now: datetime) -> Account:
            after = changed(account, change, now)
            if self._settings.authentication_required:
                self._refuse_above_ceiling(account, after)
            return after

        return await self._shown(await self._written(caller, allowed, change.rev))

    async def report(self, caller: Caller, report: UsageReport, idempotency_key: str | None = None) -> User:
        """Charges what was spent elsewhere. A report that comes again under the same key is charged once.

        Raises `TooLarge` for metadata above 16 KiB, and `TooManyRequests`: each report is kept.
        """
        size = len(report.model_dump_json(include={"metadata"}).encode())
        if size > MAX_METADATA_BYTES:
            raise TooLarge(f"The metadata are {size} bytes long; at most {MAX_METADATA_BYTES} can be kept.")
        cause = f"report-{idempotency_key or uuid4()}"

        async def charge(transaction: Transaction) -> Account:
            per_minute = self._settings.usage_reports_per_minute
            await RateLimitService(self._database).count(f"usage:{caller.uid}", per_minute, transaction)
            now = datetime.now(UTC)
            stored, account = await self._ledger.account(caller, now, transaction)
            cost = to_micros(report.response_cost)
            after = await self._ledger.charge(account, cause, cost, report.metadata, now, transaction, reported=True)
            return account if after is account and stored == account else self._put(after, transaction)

        return await self._shown(await self._database.transaction(charge, turn=f"user:{caller.uid}"))

    async def reset(self, caller: Caller) -> User:
        """Opens a new period at once. Old entries stay, out of sight."""
        return await self._shown(await self._written(caller, lambda account, now: account.reset(now)))

    async def _written(
        self, caller: Caller, change: Callable[[Account, datetime], Account], rev: str | None = None
    ) -> Account:
        """The account after `change`, written if that or the date made it another."""
        write_id = str(uuid4())

        async def write(transaction: Transaction) -> Account:
            now = datetime.now(UTC)
            stored, account = await self._ledger.account(caller, now, transaction)
            if stored is not None and stored.last_write == write_id:  # an earlier run was committed unnoticed
                return stored
            refuse_stale(stored, rev)
            after = change(account, now)
            return after if after == stored else self._put(after, transaction, write_id)

        return await self._database.transaction(write, turn=f"user:{caller.uid}")

    def _put(self, account: Account, transaction: Transaction, write_id: str | None = None) -> Account:
        return self._database.accounts.put(account.model_copy(update={"last_write": write_id}), transaction)

    async def _shown(self, account: Account) -> User:
        async with self._database.outages_told():
            usage = await self._database.accounts.newest_entries(account.uid, account.period, SHOWN_ENTRIES)
        return user_of(account, usage)

    def _refuse_above_ceiling(self, before: Account, after: Account) -> None:
        ceiling = before.ceiling
        if ceiling is None:
            deployments = self._settings.allowance_ceiling
            ceiling = to_micros(self._settings.default_allowance if deployments is None else deployments)
        for name, old, new in (
            ("monthly allowance", before.allowance, after.allowance),
            ("remaining spend", before.remaining, after.remaining),
        ):
            if new > old and new > ceiling:
                raise Forbidden(f"Your {name} cannot be raised above ${to_dollars(ceiling):g}. Ask an administrator.")


def changed(account: Account, change: AccountChange, now: datetime) -> Account:
    """The account after `change`: the allowance first, since lowering it may lower what remains."""
    if change.monthly_allowance is not None:
        account = account.with_allowance(to_micros(change.monthly_allowance), now)
    if change.allowance_reset_date is not None:
        account = account.with_reset_date(int(change.allowance_reset_date), now)
    if change.spend_remaining is not None:
        account = account.changed(now, remaining=to_micros(change.spend_remaining))
    return account


def refuse_stale(stored: Account | None, rev: str | None) -> None:
    """Raises `Conflict` when `rev` is given and is not the newest."""
    if rev is not None and (stored is None or rev != str(stored.rev)):
        raise Conflict("The user has changed meanwhile. Read it again, and repeat the change with its new _rev.")
