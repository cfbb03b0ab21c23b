"""Limits what calls of a published agent by its public name may cost its owner, the payer, on one UTC day.

A budget works like an allowance: the maximum cost of a call is held before the call, and its actual cost is counted
afterwards. `hold` and `settle` are steps of the transaction in which `shared.services.accounts.ledger` does the same
with the owner's account. Runs that the owner starts in other ways do not count here.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from shared.models.deployment import Deployment
from shared.models.deployment_day import DeploymentDay, day_id, next_day
from shared.models.errors import DeploymentBudgetSpent
from shared.models.hold import Hold
from shared.models.money import to_micros
from shared.settings import Settings
from shared.store import Database, Transaction

_RETRY_AFTER_SECONDS = 10


@dataclass(frozen=True)
class DeploymentBudget:
    """The budget of one deployment. `per_day`: millionths of a dollar."""

    agent_id: str
    owner: str
    per_day: int

    @classmethod
    def of(cls, deployment: Deployment, settings: Settings) -> "DeploymentBudget":
        """Returns the deployment's own budget, or the default from the settings if it has none."""
        return cls(deployment.agent_id, deployment.owner, budget_per_day(deployment.budget_per_day, settings))


def budget_per_day(stored: int | None, settings: Settings) -> int:
    """Returns a deployment's budget in millionths of a dollar. If none is stored, returns the one in the settings."""
    return to_micros(settings.deployment_budget_per_day) if stored is None else stored


@dataclass(frozen=True)
class DeploymentBudgets:
    """Holds and counts what deployments spend."""

    database: Database

    async def prefetch(self, hold: Hold, transaction: Transaction) -> None:
        """Reads the document that `get_available`, `hold` and `settle` need, so that callers can read concurrently."""
        if hold.deployment_day is not None:
            await self.database.deployment_days.get(hold.deployment_day, transaction)

    async def get_available(
        self, budget: DeploymentBudget, hold: Hold, now: datetime, transaction: Transaction, min_amount: int = 1
    ) -> int:
        """Returns the amount of `hold`, or the rest of the budget if that is less. One read.

        Raises `DeploymentBudgetSpent` if the result would be less than `min_amount`, which the call needs.
        """
        day = await self._get_day(budget, hold, now, transaction)
        amount = min(hold.amount, day.available(budget.per_day))
        if amount >= min_amount:
            return amount
        if budget.per_day - day.spent >= min_amount:
            raise _held_error()
        raise _spent_error(now) if budget.per_day >= min_amount else _too_small_error(now)

    async def hold(self, budget: DeploymentBudget, hold: Hold, now: datetime, transaction: Transaction) -> None:
        """Adds `hold` to its day. `get_available` returned its amount in this transaction. One read, one write."""
        day = await self._get_day(budget, hold, now, transaction)
        self.database.deployment_days.put(day.with_hold(hold.amount), transaction)

    async def settle(self, hold: Hold, held: int, cost: int, transaction: Transaction) -> None:
        """Subtracts `held` from the holds of the day that `hold` belongs to, and adds `cost` to the day's spending.

        The caller ensures that this happens once. One read and one write; none for a hold without a day.
        """
        if hold.deployment_day is None:
            return
        day = await self.database.deployment_days.get(hold.deployment_day, transaction)
        if day is not None:
            self.database.deployment_days.put(day.settle(held, cost), transaction)

    async def _get_day(
        self, budget: DeploymentBudget, hold: Hold, now: datetime, transaction: Transaction
    ) -> DeploymentDay:
        id_ = hold.deployment_day or day_id(budget.agent_id, now)
        return await self.database.deployment_days.get(id_, transaction) or DeploymentDay.open(id_, budget.owner, now)


def refuse_spent(budget: DeploymentBudget, day: DeploymentDay | None, now: datetime) -> None:
    """Raises `DeploymentBudgetSpent` once the day's budget is spent.

    Amounts that are only held do not count. An agent that costs nothing may run even with a budget of 0.
    """
    if day is not None and 0 < day.spent >= budget.per_day:
        raise _spent_error(now)


def _spent_error(now: datetime) -> DeploymentBudgetSpent:
    reset_at = next_day(now)
    return DeploymentBudgetSpent(
        f"This agent has spent its budget for the day. Call it again after {reset_at:%Y-%m-%d %H:%M} UTC.",
        retry_after=math.ceil((reset_at - now).total_seconds()),
    )


def _too_small_error(now: datetime) -> DeploymentBudgetSpent:
    return DeploymentBudgetSpent(
        "A call that this agent makes may cost more than its budget for a day. Send less, or inform its owner.",
        retry_after=math.ceil((next_day(now) - now).total_seconds()),
    )


def _held_error() -> DeploymentBudgetSpent:
    return DeploymentBudgetSpent(
        "The rest of this agent's budget for the day is held for calls that are running. "
        f"Try again in {_RETRY_AFTER_SECONDS} s.",
        retry_after=_RETRY_AFTER_SECONDS,
    )
