"""Users: their profile, allowance and spending, as they themselves see and change them."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from shared import clock
from shared.models.account import Account
from shared.models.allowance_terms import Terms
from shared.models.caller import Caller
from shared.models.errors import Conflict, Forbidden, TooLarge
from shared.models.money import to_dollars, to_micros
from shared.models.usage import Entry
from shared.models.user import MAX_METADATA_BYTES, SHOWN_ENTRIES, AccountChange, UsageReport, User, to_user
from shared.models.wire import JsonObject
from shared.services.accounts.disabled_users import refuse
from shared.services.accounts.ledger import Ledger
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database, Transaction

_PLAIN_KEY = re.compile(r"[\w.:-]{1,200}")


@dataclass(frozen=True)
class ReportResult:
    """The result of a usage report. `replayed`: the same report had been charged before."""

    user: User
    replayed: bool


class UserService:
    """Shows and changes a user. Every method returns the user's new state.

    Every method raises `Forbidden` for a disabled user.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._ledger = Ledger(database, settings)

    async def get(self, caller: Caller) -> User:
        """The profile. The first request creates the user. If the reset date has passed, a new period begins."""
        return await self._show(await self._write(caller, lambda account, now: account))

    async def change(self, caller: Caller, change: AccountChange) -> User:
        """Changes the allowance. Raises `Conflict` for a stale `_rev`, `Forbidden` above the permitted amount."""

        def apply(account: Account, now: datetime) -> Account:
            return apply_change(account, change, self._ledger.terms, now)

        return await self._show(await self._write(caller, apply, change.rev))

    async def report(self, caller: Caller, report: UsageReport, idempotency_key: str | None = None) -> ReportResult:
        """Charges the caller for spending elsewhere. A report that is repeated with the same key is charged once.

        Raises `TooLarge` for metadata above 16 KiB, `Conflict` for a key that was sent with a different report, and
        `TooManyRequests`, because each report is stored. Three reads and three writes, and the reads for the result.
        """
        size = len(report.model_dump_json(include={"metadata"}).encode())
        if size > MAX_METADATA_BYTES:
            raise TooLarge(f"The metadata is {size} bytes long; the limit is {MAX_METADATA_BYTES}.")
        cause = _make_cause(idempotency_key)

        async def charge(transaction: Transaction) -> tuple[Account, bool]:
            per_minute = self._settings.usage_reports_per_minute
            await RateLimitService(self._database).acquire_in(f"usage:{caller.uid}", per_minute, transaction)
            now = clock.now()
            entry, (stored, account) = await asyncio.gather(
                self._database.accounts.entry(caller.uid, cause, transaction),
                self._ledger.get_account(caller, now, transaction),
            )
            refuse(stored)
            if entry is not None and not _is_same(entry, report):
                raise Conflict("This Idempotency-Key was sent with another report. Use a new key for a new report.")
            after = await self._ledger.charge(
                account, cause, report.response_cost, report.metadata, now, transaction, reported=True
            )
            after = after.model_copy(update={"owed": account.owed})  # this service did not pay for it: nothing is owed
            return after if after == stored else self._database.accounts.put(after, transaction), entry is not None

        account, replayed = await self._database.change(f"user:{caller.uid}", charge)
        return ReportResult(await self._show(account), replayed)

    async def reset(self, caller: Caller) -> User:
        """Begins a new period now. In a deployment, this adds no money. Old entries stay stored, but are not shown."""
        terms = self._ledger.terms
        return await self._show(await self._write(caller, lambda account, now: account.reset(now, terms)))

    async def _write(
        self, caller: Caller, change: Callable[[Account, datetime], Account], rev: str | None = None
    ) -> Account:
        """Returns the account after `change`. Writes it if the change, or a date that has passed, altered it."""

        async def write(transaction: Transaction) -> Account:
            now = clock.now()
            stored, account = await self._ledger.get_account(caller, now, transaction)
            refuse(stored)
            refuse_stale(stored, rev)
            after = change(account, now)
            return after if after == stored else self._database.accounts.put(after, transaction)

        return await self._database.change(f"user:{caller.uid}", write)

    async def _show(self, account: Account) -> User:
        async with self._database.raising_unavailable():
            usage = await self._database.accounts.newest_entries(account.uid, account.period, SHOWN_ENTRIES)
        return to_user(account, usage)


def apply_change(account: Account, change: AccountChange, terms: Terms, now: datetime) -> Account:
    """The account after a change by its user. The allowance comes first, since lowering it may lower the remainder.

    In a deployment, raises `Forbidden` for an allowance above the ceiling, and for a remainder above what is left of
    the last refill.
    """
    after = account
    if change.monthly_allowance is not None:
        allowance, ceiling = to_micros(change.monthly_allowance), account.ceiling_under(terms)
        if terms.bounding and allowance > max(account.allowance, ceiling):
            raise Forbidden(
                f"Your monthly allowance cannot be raised above ${to_dollars(ceiling):g}. Ask an administrator."
            )
        after = after.with_allowance(allowance, now)
    if change.allowance_reset_date is not None:
        after = after.with_reset_date(int(change.allowance_reset_date), now)
    if change.spend_remaining is not None:
        remaining = to_micros(change.spend_remaining)
        if terms.bounding and remaining > account.bound:
            raise Forbidden(
                f"Your remaining spend cannot be raised above ${to_dollars(account.bound):.10g}, which is what is left "
                f"of your allowance's last refill. Ask an administrator."
            )
        after = after.with_remaining(remaining, now)
    # If users may set their allowance freely, no spare amount is stored: they have exactly the amount that they set.
    return after.change(now, spare=0) if after.spare and not terms.bounding else after


def _make_cause(key: str | None) -> str:
    """The id of a report's usage entry. Keys that cannot be part of an id are hashed; other keys are used unchanged."""
    if key is None:
        return f"report-{uuid4()}"
    return f"report-{key}" if _PLAIN_KEY.fullmatch(key) else f"report-#{sha256(key.encode()).hexdigest()}"


def _is_same(entry: Entry, report: UsageReport) -> bool:
    """Whether the entry records this report. The costs of entries without `dollars` are compared in micros."""
    same_cost = (
        to_micros(report.response_cost) == entry.cost
        if entry.dollars is None
        else report.response_cost == entry.dollars
    )
    return same_cost and _to_canonical(entry.metadata) == _to_canonical(report.metadata)


def _to_canonical(metadata: JsonObject) -> str:
    return json.dumps(metadata, sort_keys=True)


def refuse_stale(stored: Account | None, rev: str | None) -> None:
    """Raises `Conflict` for a `rev` that is not the newest. None is not checked."""
    if rev is not None and (stored is None or rev != str(stored.rev)):
        raise Conflict("The user has changed in the meantime. Read it again, and repeat the change with its new _rev.")
