"""What anybody who calls a published agent may have its owner spend on one UTC day.

A budget bounds as an allowance does: what a call may cost is held before the call, and what it did cost is counted
after it. `hold` and `settle` are steps of the transaction that does the same with the owner's account, which
`shared.services.accounts.ledger` keeps. Calls that the owner makes do not come here.
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

_SECONDS_OF_A_CALL = 10


@dataclass(frozen=True)
class DeploymentBudget:
    """One deployment's. `per_day`: millionths of a dollar."""

    agent_id: str
    owner: str
    per_day: int

    @classmethod
    def of(cls, deployment: Deployment, settings: Settings) -> "DeploymentBudget":
        """The deployment's own, or else the setting's."""
        return cls(deployment.agent_id, deployment.owner, budget_per_day(deployment.budget_per_day, settings))


def budget_per_day(own: int | None, settings: Settings) -> int:
    """Millionths of a dollar: a deployment's own budget, or the setting's where it has none."""
    return to_micros(settings.deployment_budget_per_day) if own is None else own


@dataclass(frozen=True)
class DeploymentBudgets:
    """Lives as long as a request."""

    database: Database

    async def day(self, budget: DeploymentBudget, now: datetime) -> DeploymentDay | None:
        """What has been spent on the day of `now`; None for nothing. One read."""
        async with self.database.raising_unavailable():
            return await self.database.deployment_days.get(day_id(budget.agent_id, now))

    async def prefetch(self, hold: Hold, transaction: Transaction) -> None:
        """Reads what `available`, `hold` and `settle` read, for a caller that reads other things at the same time."""
        if hold.deployment_day is not None:
            await self.database.deployment_days.get(hold.deployment_day, transaction)

    async def available(
        self, budget: DeploymentBudget, hold: Hold, now: datetime, transaction: Transaction, least: int = 1
    ) -> int:
        """The amount of `hold`, or what the budget has left if that is less. One read.

        Raises `DeploymentBudgetSpent` for less than `least`: with less the call cannot be made.
        """
        day = await self._day(budget, hold, now, transaction)
        amount = min(hold.amount, day.available(budget.per_day))
        if amount >= least:
            return amount
        if budget.per_day - day.spent >= least:
            raise _held()
        raise _spent(now) if budget.per_day >= least else _too_small(now)

    async def hold(self, budget: DeploymentBudget, hold: Hold, now: datetime, transaction: Transaction) -> None:
        """Puts `hold` on its day: an amount that `available` gave in the same transaction. One read, one write."""
        day = await self._day(budget, hold, now, transaction)
        self.database.deployment_days.put(day.with_hold(hold.amount), transaction)

    async def settle(self, hold: Hold, held: int, cost: int, transaction: Transaction) -> None:
        """Takes `held` off the day that `hold` is on, and adds `cost` to what was spent on it.

        Whoever calls sees to it that this is done once. One read and one write; none for a hold without a day.
        """
        if hold.deployment_day is None:
            return
        day = await self.database.deployment_days.get(hold.deployment_day, transaction)
        if day is not None:
            self.database.deployment_days.put(day.settled(held, cost), transaction)

    async def _day(
        self, budget: DeploymentBudget, hold: Hold, now: datetime, transaction: Transaction
    ) -> DeploymentDay:
        id_ = hold.deployment_day or day_id(budget.agent_id, now)
        return await self.database.deployment_days.get(id_, transaction) or DeploymentDay.opened(id_, budget.owner, now)


def refuse_spent(budget: DeploymentBudget, day: DeploymentDay | None, now: datetime) -> None:
    """Raises `DeploymentBudgetSpent` once the day's money is spent.

    What is only held does not count yet; and an agent that has spent nothing may go on with what is free.
    """
    if day is not None and 0 < day.spent >= budget.per_day:
        raise _spent(now)


def _spent(now: datetime) -> DeploymentBudgetSpent:
    again = next_day(now)
    return DeploymentBudgetSpent(
        f"This agent has spent what it may spend in a day. Call it again after {again:%Y-%m-%d %H:%M} UTC.",
        retry_after=math.ceil((again - now).total_seconds()),
    )


def _too_small(now: datetime) -> DeploymentBudgetSpent:
    return DeploymentBudgetSpent(
        "A call that this agent makes may cost more than it may spend in a day. Send less, or tell its owner.",
        retry_after=math.ceil((next_day(now) - now).total_seconds()),
    )


def _held() -> DeploymentBudgetSpent:
    return DeploymentBudgetSpent(
        "What this agent may still spend today is held by calls that are running. "
        f"Try again in {_SECONDS_OF_A_CALL} s.",
        retry_after=_SECONDS_OF_A_CALL,
    )
