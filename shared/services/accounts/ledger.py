"""The ledger: money moves here and nowhere else, each time in one transaction with what it moves for.

The methods are steps of a transaction, which the services run. Each reads the account, opens one for a user who has
none, and begins a new period when its date has come. Costs are in US dollars, as models report them; the account and
its entries keep whole millionths, and the account what is left over.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.log import get_logger
from shared.models.account import Account
from shared.models.caller import Caller
from shared.models.chat import Usage
from shared.models.errors import AllowanceSpent
from shared.models.hold import Hold
from shared.models.money import CostBounds, to_dollars, to_micros, to_micros_at_most, to_picos
from shared.models.terms import Terms
from shared.models.ticket import Ticket
from shared.models.usage import Entry
from shared.models.wire import JsonObject
from shared.services.accounts.deployment_budgets import DeploymentBudget, DeploymentBudgets
from shared.services.accounts.standing import refuse
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("ledger")


@dataclass(frozen=True)
class Ledger:
    """Lives as long as a request."""

    database: Database
    settings: Settings

    @property
    def deployment_budgets(self) -> DeploymentBudgets:
        return DeploymentBudgets(self.database)

    async def account(self, caller: Caller, now: datetime, transaction: Transaction) -> tuple[Account | None, Account]:
        """The account as it is stored, None for a new user's, and as it is now. One read."""
        stored = await self.database.accounts.get(caller.uid, transaction)
        account = (stored or self.open(caller.uid, now)).current(now, self.terms)
        told = {"display_name": _text(caller.claims.get("name")), "email": _text(caller.claims.get("email"))}
        news = {name: text for name, text in told.items() if text and text != getattr(account, name)}
        return stored, account.changed(now, **news) if news else account

    async def hold(self, caller: Caller, bounds: CostBounds, now: datetime, transaction: Transaction) -> int:
        """Holds `bounds.most` for a call, or all that is available if that is less; returns what it holds.

        Raises `AllowanceSpent` when what is available does not cover `bounds.least`; `Forbidden` for a disabled user.
        """
        _, account = await self.account(caller, now, transaction)
        refuse(account)
        refuse_uncovered(account, bounds)
        account, hold = account.holding(bounds.most, now)
        self.database.accounts.put(account, transaction)
        return hold

    async def open_hold(
        self,
        caller: Caller,
        hold: Hold,
        bounds: CostBounds,
        transaction: Transaction,
        now: datetime,
        budget: DeploymentBudget | None = None,
    ) -> Hold:
        """Puts `hold` on the account and on the `budget`, with as much of `bounds.most` as both have available.

        Raises `AllowanceSpent`, `DeploymentBudgetSpent`. Two reads, three with a budget.
        """
        found, *_ = await asyncio.gather(
            self.database.holds.get(hold.id, transaction),
            self.database.accounts.get(caller.uid, transaction),
            self.deployment_budgets.prefetch(hold, transaction),
        )
        if found is not None:  # an earlier run was committed unnoticed
            return found
        if budget is not None:
            most = await self.deployment_budgets.available(budget, hold, now, transaction, max(1, bounds.least))
            bounds = CostBounds(bounds.least, most)
        opened = hold.model_copy(update={"amount": await self.hold(caller, bounds, now, transaction)})
        if budget is not None:
            await self.deployment_budgets.hold(budget, opened, now, transaction)
        self.database.holds.add(opened, transaction)
        return opened

    async def close_hold(
        self, hold: Hold, cost: float, metadata: JsonObject, now: datetime, transaction: Transaction
    ) -> None:
        """Charges `cost` and releases the hold. All at once, and once however often it is done.

        Three reads, four with a deployment's budget.
        """
        found, charged, *_ = await asyncio.gather(
            self.database.holds.get(hold.id, transaction),
            self.database.accounts.has_entry(hold.owner, hold.id, transaction),
            self.database.accounts.get(hold.owner, transaction),
            self.deployment_budgets.prefetch(hold, transaction),
        )
        if found is None and (charged or not cost):
            return
        _, account = await self.account(Caller(uid=hold.owner), now, transaction)
        if found is not None:
            account = account.released(found.amount, now)
            self.database.holds.remove(found, transaction)
        counted = to_micros_at_most(cost) if not charged else 0
        await self.deployment_budgets.settle(found or hold, found.amount if found else 0, counted, transaction)
        if cost:
            account = await self.charge(account, hold.id, cost, metadata, now, transaction)
        self.database.accounts.put(account, transaction)

    async def settle(
        self, ended: Ticket, now: datetime, transaction: Transaction, *, cost: float = 0.0, usage: Usage | None = None
    ) -> None:
        """Writes a ticket that has ended, charges its cost, and releases its hold. All at once, so once.

        The cost is its result's; `cost` and `usage` are those of an attempt that failed after the provider had begun.
        A ticket that ran an agent has been charged for already, call by call.
        """
        if ended.begun:
            cost = 0.0
        elif ended.result:
            cost, usage = ended.result.cost, ended.result.usage
        if cost or ended.hold:
            # What the steps below read, read at once.
            await asyncio.gather(
                self.database.accounts.get(ended.owner, transaction),
                self.database.accounts.has_entry(ended.owner, ended.id, transaction),
            )
            _, account = await self.account(Caller(uid=ended.owner), now, transaction)
            account = account.released(ended.hold, now)
            if cost:
                account = await self.charge(account, ended.id, cost, _about(ended, usage), now, transaction)
            self.database.accounts.put(account, transaction)
        self.database.tickets.put(ended.model_copy(update={"hold": 0}), transaction)

    async def hold_again(
        self,
        ticket: Ticket,
        bounds: CostBounds,
        now: datetime,
        transaction: Transaction,
        *,
        cost: float = 0.0,
        usage: Usage | None = None,
    ) -> Ticket:
        """Holds for another attempt in place of what the ticket holds, and charges the last one's cost, if it has one.

        Returns the ticket with its new hold, yet to be written; the account and the entry are. The entry is named
        after the ticket and the attempt. Two reads. Raises `AllowanceSpent` when the attempt is not covered, and then
        has written nothing.
        """
        cause = f"{ticket.id}-{ticket.attempts}"
        await asyncio.gather(
            self.database.accounts.get(ticket.owner, transaction),
            self.database.accounts.has_entry(ticket.owner, cause, transaction),
        )
        _, account = await self.account(Caller(uid=ticket.owner), now, transaction)
        account = account.released(ticket.hold, now)
        after, _ = account.charged(to_micros(cost), now)
        refuse_uncovered(after, bounds)
        if cost:
            account = await self.charge(account, cause, cost, _about(ticket, usage), now, transaction)
        account, hold = account.holding(bounds.most, now)
        self.database.accounts.put(account, transaction)
        return ticket.model_copy(update={"hold": hold})

    async def charge_lost(
        self, ticket: Ticket, cost: float, usage: Usage | None, now: datetime, transaction: Transaction
    ) -> None:
        """Charges an attempt at a ticket that is not its worker's any more, and leaves the ticket as it is.

        `ticket`: as the attempt took it. Nothing, if the attempt was charged after all, without its worker's knowing.
        Three reads, and another for a ticket that has ended.
        """
        cause = f"{ticket.id}-{ticket.attempts}"
        found, *_ = await asyncio.gather(
            self.database.tickets.get(ticket.id, transaction),
            self.database.accounts.get(ticket.owner, transaction),
            self.database.accounts.has_entry(ticket.owner, cause, transaction),
        )
        last = found is not None and found.status.finished and found.attempts == ticket.attempts
        if last and await self.database.accounts.has_entry(ticket.owner, ticket.id, transaction):
            return
        _, account = await self.account(Caller(uid=ticket.owner), now, transaction)
        account = await self.charge(account, cause, cost, _about(ticket, usage), now, transaction)
        self.database.accounts.put(account, transaction)

    async def charge(
        self,
        account: Account,
        cause: str,
        cost: float,
        metadata: JsonObject,
        now: datetime,
        transaction: Transaction,
        *,
        reported: bool = False,
    ) -> Account:
        """The account after `cost`, yet to be written; its entry is. The account as it was, if `cause` has an entry.

        What the account cannot pay it owes. Logs the charge, unless it was spent elsewhere and is only `reported`.
        One read.
        """
        if await self.database.accounts.has_entry(account.uid, cause, transaction):
            return account
        account, micros = account.carried(to_picos(cost), now)
        after, charged = account.charged(micros, now)
        if charged < micros:
            fields = {"uid": account.uid, "cause": cause, "cost_micros": micros, "charged_micros": charged}
            _log.warning("A cost was above what remained; the rest is owed", extra={"fields": fields})
        entry = Entry(
            cause=cause,
            period=account.period,
            timestamp=now,
            dollars=cost,
            cost=micros,
            charged=charged,
            metadata=metadata,
        )
        self.database.accounts.add_entry(account.uid, entry, transaction)
        if not reported:
            transaction.on_commit(lambda: _tell(account.uid, entry))
        return after

    def open(self, uid: str, now: datetime) -> Account:
        """The account of a user who has none, yet to be written."""
        return Account.opened(uid, self.terms, now)

    @property
    def terms(self) -> Terms:
        return Terms.of(self.settings)


def refuse_uncovered(account: Account, bounds: CostBounds) -> None:
    """Raises `AllowanceSpent` when what is available does not cover a short answer to the call."""
    available = account.available
    if available >= max(1, bounds.least):
        return
    held = " by calls that are still running" if account.remaining else ""
    if not available:
        raise AllowanceSpent(f"Your allowance is used up{held}. Wait for its next refill, or have it raised.")
    raise AllowanceSpent(
        f"This may cost ${to_dollars(bounds.least):g} before it is answered, and ${to_dollars(available):g} of your"
        " allowance is available. Send less, or choose a cheaper model."
    )


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


def _about(ticket: Ticket, usage: Usage | None) -> JsonObject:
    about: dict[str, Any] = {"ticket_id": ticket.id, "provider": ticket.provider, "model": ticket.model}
    return about if usage is None else {**about, **usage_metadata(usage)}


def usage_metadata(usage: Usage) -> JsonObject:
    """The tokens as a usage entry has them; `estimated` where the provider did not count them."""
    metadata: JsonObject = {"usage": usage.model_dump()}
    return {**metadata, "estimated": True} if usage.estimated else metadata


def _text(claim: object) -> str | None:
    return claim if isinstance(claim, str) and claim else None
