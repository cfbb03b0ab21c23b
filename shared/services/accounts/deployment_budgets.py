"""Limits what calls of a published agent by its public name may cost its owner, the payer, on one UTC day.

A budget works like an allowance: what a call may cost is held before the call, and what it did cost is counted after
it. `hold` and `settle` are steps of the transaction that does the same with the owner's account, which
`shared.services.accounts.ledger` keeps. Runs that the owner starts in other ways do not count here.
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
        """The deployment's own budget, or the setting's if it has none."""
        return cls(deployment.agent_id, deployment.owner, budget_per_day(deployment.budget_per_day, settings))


def budget_per_day(own: int | None, settings: Settings) -> int:
    """Millionths of a dollar: a deployment's own budget, or the setting's if it has none."""
    return to_micros(settings.deployment_budget_per_day) if own is None else own


@dataclass(frozen=True)
class DeploymentBudgets:
    """Holds and counts what deployments spend."""

    database: Database

    async def get_day(self, budget: DeploymentBudget, now: datetime) -> DeploymentDay | None:
        """What has been spent on the day of `now`; None for nothing. One read."""
        async with self.database.raising_unavailable():
            return await self.database.deployment_days.get(day_id(budget.agent_id, now))

    async def prefetch(self, hold: Hold, transaction: Transaction) -> None:
        """Reads what `get_available`, `hold` and `settle` read, for callers that read other things at the same time."""
        if hold.deployment_day is not None:
            await self.database.deployment_days.get(hold.deployment_day, transaction)

    async def get_available(
        self, budget: DeploymentBudget, hold: Hold, now: datetime, transaction: Transaction, least: int = 1
    ) -> int:
        """The amount of `hold`, or what the budget has left if that is less. One read.

        Raises `DeploymentBudgetSpent` if that is less than `least`, which the call needs.
        """
        day = await self._get_day(budget, hold, now, transaction)
        amount = min(hold.amount, day.available(budget.per_day))
        if amount >= least:
            return amount
        if budget.per_day - day.spent >= least:
            raise _held_error()
        raise _spent_error(now) if budget.per_day >= least else _too_small_error(now)

    async def hold(self, budget: DeploymentBudget, hold: Hold, now: datetime, transaction: Transaction) -> None:
        """Adds `hold` to its day: an amount that `get_available` returned in this transaction. One read, one write."""
        day = await self._get_day(budget, hold, now, transaction)
        self.database.deployment_days.put(day.with_hold(hold.amount), transaction)

    async def settle(self, hold: Hold, held: int, cost: int, transaction: Transaction) -> None:
        """Takes `held` off the day that `hold` is on, and adds `cost` to what was spent on it.

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

    What is only held does not count yet. An agent that costs nothing may run also on a budget of 0.
    """
    if day is not None and 0 < day.spent >= budget.per_day:
        raise _spent_error(now)


def _spent_error(now: datetime) -> DeploymentBudgetSpent:
    again = next_day(now)
    return DeploymentBudgetSpent(
        f"This agent has spent what it may spend in a day. Call it again after {again:%Y-%m-%d %H:%M} UTC.",
        retry_after=math.ceil((again - now).total_seconds()),
    )


def _too_small_error(now: datetime) -> DeploymentBudgetSpent:
    return DeploymentBudgetSpent(
        "A call that this agent makes may cost more than it may spend in a day. Send less, or tell its owner.",
        retry_after=math.ceil((next_day(now) - now).total_seconds()),
    )


def _held_error() -> DeploymentBudgetSpent:
    return DeploymentBudgetSpent(
        "What this agent may still spend today is held for calls that are running. "
        f"Try again in {_RETRY_AFTER_SECONDS} s.",
        retry_after=_RETRY_AFTER_SECONDS,
    )
