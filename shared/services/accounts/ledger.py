"""The ledger: the only code that moves money, always in the same transaction as the reason for moving it.

The methods are steps of a transaction that a service runs. Each reads the account, opens one for a user who has none,
and begins a new period when it is due. Costs are in US dollars, as models report them. The account and its entries
store whole millionths, and the account also stores the fraction that is left over.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.log import get_logger
from shared.models.account import Account
from shared.models.allowance_terms import Terms
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import Usage
from shared.models.errors import AllowanceSpent
from shared.models.hold import Hold
from shared.models.money import CostBounds, to_dollars, to_micros, to_micros_rounded_up, to_picos
from shared.models.ticket import Ticket
from shared.models.usage import Entry
from shared.models.wire import JsonObject
from shared.services.accounts.deployment_budgets import DeploymentBudget, DeploymentBudgets
from shared.services.accounts.disabled_users import refuse
from shared.services.accounts.key_budgets import KeyBudgets, refuse_beyond_budget
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("ledger")


@dataclass(frozen=True)
class Ledger:
    """Holds, charges and releases money on users' accounts."""

    database: Database
    settings: Settings

    @property
    def deployment_budgets(self) -> DeploymentBudgets:
        """The daily budgets of published agents."""
        return DeploymentBudgets(self.database)

    @property
    def key_budgets(self) -> KeyBudgets:
        """The budgets of API keys."""
        return KeyBudgets(self.database)

    async def get_account(
        self, caller: Caller, now: datetime, transaction: Transaction
    ) -> tuple[Account | None, Account]:
        """Returns the stored account, which is None for a new user, and the account as of `now`. One read."""
        stored = await self.database.accounts.get(caller.uid, transaction)
        return stored, self.update(stored, caller, now)

    def update(self, stored: Account | None, caller: Caller, now: datetime) -> Account:
        """Returns the account as of `now`, with the name and the email in the caller's token."""
        account = (stored or self.open(caller.uid, now)).advance(now, self.terms)
        profile = {"display_name": _read_claim(caller, "name"), "email": _read_claim(caller, "email")}
        changes = {name: text for name, text in profile.items() if text and text != getattr(account, name)}
        return account.change(now, **changes) if changes else account

    async def open_chat(self, caller: Caller, bounds: CostBounds, now: datetime, transaction: Transaction) -> int:
        """Counts an accepted chat, and holds `bounds.maximum` for it unless it is free. Returns the amount.

        `settle` ends the chat. Raises what `_hold` raises.
        """
        _, account = await self.get_account(caller, now, transaction)
        hold = 0
        if bounds.maximum:
            account, hold, _ = await self._hold(account, caller, bounds, now, transaction)
        self.database.accounts.put(account.begin_chat(now), transaction)
        return hold

    async def _hold(
        self, account: Account, caller: Caller, bounds: CostBounds, now: datetime, transaction: Transaction
    ) -> tuple[Account, int, str | None]:
        """Returns the account with the hold, the amount, and the period of the caller's API key that holds it as well.

        The period is written, not the account. Raises `AllowanceSpent` if the available amount is below
        `bounds.minimum`, its subclass `KeyBudgetSpent` if that of the key's budget is, and `Forbidden` for a disabled
        user. Costs nothing without a key, otherwise what `KeyBudgets.get_period` costs.
        """
        refuse(account)
        period, fitted = await self.key_budgets.fit(caller, bounds, now, transaction)
        refuse_uncovered(account, fitted)
        account, amount = account.hold(fitted.maximum, now)
        self.key_budgets.hold(period, amount, transaction)
        return account, amount, period and period.id

    async def open_hold(
        self,
        caller: Caller,
        hold: Hold,
        bounds: CostBounds,
        transaction: Transaction,
        now: datetime,
        budget: DeploymentBudget | None = None,
        *,
        again: bool = False,
    ) -> Hold:
        """Places `hold` on the account and the `budget`, for as much of `bounds.maximum` as both have available.

        `caller` is the payer. With `again`, keeps a hold with this id that exists already, whatever its amount: it is
        for the same call, whose process has died. Raises `AllowanceSpent`, `DeploymentBudgetSpent`, and
        `KeyBudgetSpent` also if the caller's key has been revoked since. One read, one more for each budget, and one
        more with `again`.
        """
        existing, *_ = await asyncio.gather(
            self._get_hold(hold.id if again else None, transaction),
            self.database.accounts.get(caller.uid, transaction),
            self.deployment_budgets.prefetch(hold, transaction),
            self.key_budgets.prefetch(hold.key_period, transaction),
        )
        if existing is not None:
            await self.key_budgets.get_period(caller, now, transaction)
            renewed = existing.model_copy(update={"expires_at": hold.expires_at, "left": None})
            self.database.holds.put(renewed, transaction)
            return renewed
        if budget is not None:
            min_amount = max(1, bounds.minimum)
            available = await self.deployment_budgets.get_available(budget, hold, now, transaction, min_amount)
            bounds = CostBounds(bounds.minimum, available)
        _, account = await self.get_account(caller, now, transaction)
        account, amount, key_period = await self._hold(account, caller, bounds, now, transaction)
        self.database.accounts.put(account, transaction)
        opened = hold.model_copy(update={"amount": amount, "key_period": key_period})
        if budget is not None:
            await self.deployment_budgets.hold(budget, opened, now, transaction)
        self.database.holds.add(opened, transaction)
        return opened

    async def _get_hold(self, hold_id: str | None, transaction: Transaction) -> Hold | None:
        return None if hold_id is None else await self.database.holds.get(hold_id, transaction)

    async def close_hold(
        self, hold: Hold, cost: float, metadata: JsonObject, now: datetime, transaction: Transaction
    ) -> None:
        """Charges `cost` to the hold's owner and releases the hold. Repeating it has no further effect.

        Three reads, and one more for each budget.
        """
        stored, charged, *_ = await asyncio.gather(
            self.database.holds.get(hold.id, transaction),
            self.database.accounts.has_entry(hold.owner, hold.id, transaction),
            self.database.accounts.get(hold.owner, transaction),
            self.deployment_budgets.prefetch(hold, transaction),
            self.key_budgets.prefetch(hold.key_period, transaction),
        )
        if stored is None and (charged or not cost):
            return
        _, account = await self.get_account(Caller(uid=hold.owner), now, transaction)
        if stored is not None:
            account = account.release(stored.amount, now)
            self.database.holds.remove(stored, transaction)
        counted = to_micros_rounded_up(cost) if not charged else 0
        held = stored.amount if stored else 0
        await self.deployment_budgets.settle(stored or hold, held, counted, transaction)
        await self.key_budgets.settle((stored or hold).key_period, held, 0.0 if charged else cost, transaction)
        if cost:
            account = await self.charge(account, hold.id, cost, metadata, now, transaction)
        self.database.accounts.put(account, transaction)

    async def settle(
        self, ended: Ticket, now: datetime, transaction: Transaction, *, cost: float = 0.0, usage: Usage | None = None
    ) -> None:
        """Writes a ticket that has ended, charges its cost to its owner, and releases its hold.

        The transaction must have read the ticket. One that was never stored is not subtracted from its owner's
        unfinished chats. For a ticket with a result, the cost is the result's. `cost` and `usage` belong to an attempt
        that failed after the provider had started. The calls of a ticket that ran an agent have already been charged,
        one by one.
        """
        if ended.provider == GOFANNON:
            cost = 0.0
        elif ended.result:
            cost, usage = ended.result.cost, ended.result.usage
        # Reads concurrently the documents that the steps below need.
        before, (stored, account), charged, _ = await asyncio.gather(
            self.database.tickets.get(ended.id, transaction),
            self.get_account(Caller(uid=ended.owner), now, transaction),
            self.database.accounts.has_entry(ended.owner, ended.id, transaction),
            self.key_budgets.prefetch(ended.key_period, transaction),
        )
        if stored is not None or cost or ended.hold:
            await self.key_budgets.settle(ended.key_period, ended.hold, 0.0 if charged else cost, transaction)
            account = account.release(ended.hold, now)
            if before is not None and not before.status.finished:
                account = account.end_chat(now)
            if cost:
                account = await self.charge(account, ended.id, cost, _describe(ended, usage), now, transaction)
            self.database.accounts.put(account, transaction)
        self.database.tickets.put(ended.model_copy(update={"hold": 0}), transaction)

    async def read_for_settling(self, seen: Ticket, transaction: Transaction) -> None:
        """Reads what `settle` needs besides the ticket, so that it need not wait for the ticket first.

        Two reads; three for a ticket that an API key requested.
        """
        await asyncio.gather(
            self.database.accounts.get(seen.owner, transaction),
            self.database.accounts.has_entry(seen.owner, seen.id, transaction),
            self.key_budgets.prefetch(seen.key_period, transaction),
        )

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
        """Replaces the ticket's hold with one for another attempt, and charges its owner for the previous attempt.

        Writes the account, and an entry named after the ticket and the attempt. Returns the ticket with its new hold;
        the caller writes it. Two reads, three with an API key. If the attempt is not covered, raises `AllowanceSpent`
        before it writes anything.
        """
        cause = f"{ticket.id}-{ticket.attempts}"
        payer = Caller(uid=ticket.owner, key=ticket.key)
        _, charged, period = await asyncio.gather(
            self.database.accounts.get(ticket.owner, transaction),
            self.database.accounts.has_entry(ticket.owner, cause, transaction),
            self.key_budgets.get_period(payer, ticket.created_at, transaction),
        )
        _, account = await self.get_account(payer, now, transaction)
        account = account.release(ticket.hold, now)
        if period is not None:
            period = period.settle(ticket.hold, 0 if charged else to_picos(cost))
            bounds = refuse_beyond_budget(payer, period, bounds, ticket.created_at)
        after, _ = account.charge(to_micros(cost), now)
        refuse_uncovered(after, bounds)
        if cost:
            account = await self.charge(account, cause, cost, _describe(ticket, usage), now, transaction)
        account, hold = account.hold(bounds.maximum, now)
        self.key_budgets.hold(period, hold, transaction)
        self.database.accounts.put(account, transaction)
        return ticket.model_copy(update={"hold": hold})

    async def charge_lost(
        self, ticket: Ticket, cost: float, usage: Usage | None, now: datetime, transaction: Transaction
    ) -> None:
        """Charges the owner for an attempt whose worker has lost the ticket, and does not change the ticket.

        `ticket` is in the state in which the attempt took it. Does nothing if the attempt was charged after all, in a
        commit whose response was lost. Three reads, and one more each for an API key and a ticket that has ended.
        """
        cause = f"{ticket.id}-{ticket.attempts}"
        current, _, charged, _ = await asyncio.gather(
            self.database.tickets.get(ticket.id, transaction),
            self.database.accounts.get(ticket.owner, transaction),
            self.database.accounts.has_entry(ticket.owner, cause, transaction),
            self.key_budgets.prefetch(ticket.key_period, transaction),
        )
        # A ticket that has been deleted had ended, most likely with this attempt.
        was_last = current is None or (current.status.finished and current.attempts == ticket.attempts)
        if was_last and await self.database.accounts.has_entry(ticket.owner, ticket.id, transaction):
            return
        _, account = await self.get_account(Caller(uid=ticket.owner), now, transaction)
        await self.key_budgets.settle(ticket.key_period, 0, 0.0 if charged else cost, transaction)
        account = await self.charge(account, cause, cost, _describe(ticket, usage), now, transaction)
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
        """Writes an entry for `cost`, and returns the charged account. The caller writes the account.

        Returns the account unchanged if `cause` already has an entry. The account owes the part of the cost that it
        cannot pay. Logs the charge, unless the money was spent elsewhere and is only `reported`. One read.
        """
        if await self.database.accounts.has_entry(account.uid, cause, transaction):
            return account
        account, micros = account.carry(to_picos(cost), now)
        after, charged = account.charge(micros, now)
        if charged < micros:
            fields = {"uid": account.uid, "cause": cause, "cost_micros": micros, "charged_micros": charged}
            _log.warning("A cost exceeded the remaining amount; the rest is owed", extra={"fields": fields})
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
            transaction.on_commit(lambda: _log_charge(account.uid, entry))
        return after

    def open(self, uid: str, now: datetime) -> Account:
        """Returns a new account for a user who has none. The caller writes it."""
        return Account.open(uid, self.terms, now)

    @property
    def terms(self) -> Terms:
        """The deployment's rules for allowances."""
        return Terms.from_settings(self.settings)


def refuse_uncovered(account: Account, bounds: CostBounds) -> None:
    """Raises `AllowanceSpent` if the available amount does not cover a short answer to the call."""
    available = account.available
    if available >= max(1, bounds.minimum):
        return
    held = " or held for calls that are still running" if account.remaining else ""
    if not available:
        raise AllowanceSpent(f"Your allowance is used up{held}. Wait for its next refill, or ask for a higher one.")
    raise AllowanceSpent(
        f"This may cost ${to_dollars(bounds.minimum):g} before it is answered, but only ${to_dollars(available):g} of"
        " your allowance is available. Send less, or choose a cheaper model."
    )


def _log_charge(uid: str, entry: Entry) -> None:
    """Logs the amount spent, the model and the payer, but no content. Monitoring adds up these lines."""
    fields = {
        "uid": uid,
        "cause": entry.cause,
        "provider": entry.metadata.get("provider"),
        "model": entry.metadata.get("model"),
        "cost_micros": entry.cost,
        "charged_micros": entry.charged,
    }
    _log.info("Charged", extra={"fields": fields})


def _describe(ticket: Ticket, usage: Usage | None) -> JsonObject:
    """Returns the metadata of the ticket's usage entry."""
    metadata: dict[str, Any] = {"ticket_id": ticket.id, "provider": ticket.provider, "model": ticket.model}
    if ticket.key is not None:
        metadata["key_id"] = ticket.key.id
    return metadata if usage is None else {**metadata, **usage_metadata(usage)}


def usage_metadata(usage: Usage) -> JsonObject:
    """Returns the token counts for a usage entry, marked `estimated` if the provider did not count them."""
    metadata: JsonObject = {"usage": usage.model_dump()}
    return {**metadata, "estimated": True} if usage.estimated else metadata


def _read_claim(caller: Caller, name: str) -> str | None:
    """Returns a claim of the caller's token if it is a non-empty string."""
    claim = caller.claims.get(name)
    return claim if isinstance(claim, str) and claim else None
