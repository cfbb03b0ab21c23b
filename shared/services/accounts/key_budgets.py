"""Limits what the requests of an API key may cost its user in a day or a month.

A budget works like an allowance: the maximum cost of a call is held before the call, and its actual cost is counted
afterwards. These are steps of the transaction in which `shared.services.accounts.ledger` does the same with the user's
account. A key without a budget is counted, too, so that its user sees what it spends.

Revoking a key deletes its periods. What it has started is then not refused at its end, but can make no further calls
that cost something.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.models.api_key import KeyUse
from shared.models.caller import Caller
from shared.models.errors import KeyBudgetSpent
from shared.models.key_period import KeyPeriod, period_id
from shared.models.money import CostBounds, to_dollars, to_picos
from shared.store import Database, Transaction


@dataclass(frozen=True)
class KeyBudgets:
    """Holds and counts what keys spend."""

    database: Database

    async def prefetch(self, id_: str | None, transaction: Transaction) -> None:
        """Reads a period that `hold` and `settle` need, so that callers can read concurrently. One read, if any."""
        if id_ is not None:
            await self.database.key_periods.get(id_, transaction)

    async def fit(
        self, caller: Caller, bounds: CostBounds, now: datetime, transaction: Transaction
    ) -> tuple[KeyPeriod | None, CostBounds]:
        """Returns the current period of the caller's key, if any, and the bounds within the rest of its budget.

        Raises `KeyBudgetSpent` if the rest does not cover a short answer. Costs what `get_period` costs.
        """
        period = await self.get_period(caller, now, transaction)
        return period, bounds if period is None else refuse_beyond_budget(caller, period, bounds, now)

    async def get_period(self, caller: Caller, now: datetime, transaction: Transaction) -> KeyPeriod | None:
        """Returns the period of the caller's key that contains `now`, None without a key.

        Raises `KeyBudgetSpent` if the key has been revoked, or has expired. One read; two and a write for the first
        call in a period.
        """
        key = caller.key
        if key is None:
            return None
        period = await self.database.key_periods.get(period_id(key.id, key.period, now), transaction)
        if period is None:
            stored = await self.database.api_keys.get(key.id, transaction)
            if stored is None or stored.owner != caller.uid:
                raise KeyBudgetSpent("The API key that this was started with has been revoked.")
            # Written unchanged, so that this transaction and a revocation cannot both be committed: the revocation
            # deletes the key, but would not find the period.
            self.database.api_keys.put(stored, transaction)
            period = stored.open_period(now)
        if period.key_expires_at is not None and period.key_expires_at <= now:
            raise KeyBudgetSpent("The API key that this was started with has expired.")
        return period

    def hold(self, period: KeyPeriod | None, amount: int, transaction: Transaction) -> None:
        """Holds `amount`, in millionths of a dollar, of the budget of a period that `fit` returned. One write."""
        if period is not None:
            self.database.key_periods.put(period.hold(amount), transaction)

    async def settle(self, id_: str | None, held: int, cost: float, transaction: Transaction) -> None:
        """Releases `held` millionths of a dollar of a period's budget, and counts `cost`, in US dollars.

        The caller ensures that this happens once. One read and one write; none without a period, or if the key was
        revoked.
        """
        if id_ is None or not (held or cost):
            return
        period = await self.database.key_periods.get(id_, transaction)
        if period is not None:
            self.database.key_periods.put(period.settle(held, to_picos(cost)), transaction)


def refuse_beyond_budget(caller: Caller, period: KeyPeriod, bounds: CostBounds, now: datetime) -> CostBounds:
    """Returns the bounds within the rest of the budget of the caller's key. `now`: a time in the period.

    Raises `KeyBudgetSpent` if the rest does not cover a short answer.
    """
    available = period.available
    if caller.key is None or available is None:
        return bounds
    _refuse_uncovered(caller.key, period, bounds, now)
    return CostBounds(bounds.minimum, min(bounds.maximum, available))


def _refuse_uncovered(key: KeyUse, period: KeyPeriod, bounds: CostBounds, now: datetime) -> None:
    """Raises `KeyBudgetSpent` if the available amount does not cover a short answer to the call."""
    budget, available, needed = period.budget or 0, period.available or 0, max(1, bounds.minimum)
    if available >= needed:
        return
    if budget - period.spent_micros >= needed:
        raise KeyBudgetSpent(
            "The rest of this API key's budget is held for calls that are still running. Try again when they have "
            "ended."
        )
    renewal = f"It is reset on {key.period.end(now):%Y-%m-%d %H:%M} UTC."
    if budget <= period.spent_micros:
        raise KeyBudgetSpent(f"This API key has spent its budget for the {key.period}. {renewal}")
    raise KeyBudgetSpent(
        f"This may cost ${to_dollars(bounds.minimum):g} before it is answered, but only ${to_dollars(available):g} of "
        f"this API key's budget for the {key.period} is left. Send less, or choose a cheaper model. {renewal}"
    )
