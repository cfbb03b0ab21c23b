"""The ledger: money moves here and nowhere else, each time in one transaction with what it moves for.

The methods are steps of a transaction, which the services run. Each reads the account, opens one for a user who has
none, and begins a new period when its date has come.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.log import get_logger
from shared.models.account import Account
from shared.models.caller import Caller
from shared.models.errors import AllowanceSpent
from shared.models.hold import Hold
from shared.models.money import to_micros
from shared.models.terms import Terms
from shared.models.ticket import Ticket
from shared.models.usage import Entry
from shared.models.wire import JsonObject
from shared.services.standing import refuse
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("ledger")


@dataclass(frozen=True)
class Ledger:
    """Lives as long as a request."""

    database: Database
    settings: Settings

    async def account(self, caller: Caller, now: datetime, transaction: Transaction) -> tuple[Account | None, Account]:
        """The account as it is stored, None for a new user's, and as it is now. One read."""
        stored = await self.database.accounts.get(caller.uid, transaction)
        account = (stored or self.open(caller.uid, now)).current(now, self.terms)
        told = {"display_name": _text(caller.claims.get("name")), "email": _text(caller.claims.get("email"))}
        news = {name: text for name, text in told.items() if text and text != getattr(account, name)}
        return stored, account.changed(now, **news) if news else account

    async def hold(self, caller: Caller, estimate: int, now: datetime, transaction: Transaction) -> int:
        """Holds `estimate` for a chat, or all that is available if that is less; returns what it holds.

        Raises `AllowanceSpent` when nothing is available, and `Forbidden` for a disabled user.
        """
        _, account = await self.account(caller, now, transaction)
        refuse(account)
        if not account.available:
            running = " by chats that are still running" if account.remaining else ""
            raise AllowanceSpent(f"Your allowance is used up{running}. Raise it, reset it, or wait.")
        account, hold = account.holding(estimate, now)
        self.database.accounts.put(account, transaction)
        return hold

    async def open_hold(self, caller: Caller, hold: Hold, transaction: Transaction, now: datetime) -> Hold:
        """Puts `hold` on the account, or what is available if that is less. Raises `AllowanceSpent`. Two reads."""
        found, _ = await asyncio.gather(
            self.database.holds.get(hold.id, transaction),
            self.database.accounts.get(caller.uid, transaction),
        )
        if found is not None:  # the transaction's last run was committed without our knowing
            return found
        opened = hold.model_copy(update={"amount": await self.hold(caller, hold.amount, now, transaction)})
        self.database.holds.add(opened, transaction)
        return opened

    async def close_hold(
        self, hold: Hold, cost: int, metadata: JsonObject, now: datetime, transaction: Transaction
    ) -> None:
        """Charges `cost` and releases the hold. All at once, and once however often it is done. Three reads."""
        found, charged, _ = await asyncio.gather(
            self.database.holds.get(hold.id, transaction),
            self.database.accounts.has_entry(hold.owner, hold.id, transaction),
            self.database.accounts.get(hold.owner, transaction),
        )
        if found is None and (charged or not cost):
            return
        _, account = await self.account(Caller(uid=hold.owner), now, transaction)
        if found is not None:
            account = account.released(found.amount, now)
            self.database.holds.remove(found, transaction)
        if cost:
            account = await self.charge(account, hold.id, cost, metadata, now, transaction)
        self.database.accounts.put(account, transaction)

    async def settle(self, ended: Ticket, now: datetime, transaction: Transaction) -> None:
        """Writes a ticket that has ended, charges its result's cost, and releases its hold. All at once, so once.

        A ticket that ran an agent has been charged for already, call by call.
        """
        cost = to_micros(ended.result.cost) if ended.result and not ended.begun else 0
        if cost or ended.hold:
            # What the steps below read, read at once.
            await asyncio.gather(
                self.database.accounts.get(ended.owner, transaction),
                self.database.accounts.has_entry(ended.owner, ended.id, transaction),
            )
            _, account = await self.account(Caller(uid=ended.owner), now, transaction)
            account = account.released(ended.hold, now)
            if cost:
                account = await self.charge(account, ended.id, cost, _about(ended), now, transaction)
            self.database.accounts.put(account, transaction)
        self.database.tickets.put(ended.model_copy(update={"hold": 0}), transaction)

    async def charge(
        self,
        account: Account,
        cause: str,
        cost: int,
        metadata: JsonObject,
        now: datetime,
        transaction: Transaction,
        *,
        reported: bool = False,
    ) -> Account:
        """The account after `cost`, yet to be written; its entry is. The account as it was, if `cause` has an entry.

        Tells of it in a line, unless it was spent elsewhere and is only `reported`. One read.
        """
        if await self.database.accounts.has_entry(account.uid, cause, transaction):
            return account
        after, charged = account.charged(cost, now)
        if charged < cost:
            fields = {"uid": account.uid, "cause": cause, "cost_micros": cost, "charged_micros": charged}
            _log.warning("A cost was above what remained", extra={"fields": fields})
        entry = Entry(cause=cause, period=account.period, timestamp=now, cost=cost, charged=charged, metadata=metadata)
        self.database.accounts.add_entry(account.uid, entry, transaction)
        if not reported:
            transaction.afterwards(lambda: _tell(account.uid, entry))
        return after

    def open(self, uid: str, now: datetime) -> Account:
        """The account of a user who has none, yet to be written."""
        return Account.opened(uid, self.terms, now)

    @property
    def terms(self) -> Terms:
        return Terms.of(self.settings)


def _tell(uid: str, entry: Entry) -> None:
    """What was spent, on what and by whom; nothing of what was said. What the monitoring of spending adds up."""
    fields = {
        "uid": uid,
        "cause": entry.cause,
        "provider": entry.metadata.get("provider"),
        "model": entry.metadata.get("model"),
        "cost_micros": entry.cost,
        "charged_micros": entry.charged,
    }
    _log.info("Charged", extra={"fields": fields})


def _about(ticket: Ticket) -> JsonObject:
    about: dict[str, Any] = {"ticket_id": ticket.id, "provider": ticket.provider, "model": ticket.model}
    if ticket.result:
        about["usage"] = ticket.result.usage.model_dump()
    return about


def _text(claim: object) -> str | None:
    return claim if isinstance(claim, str) and claim else None
