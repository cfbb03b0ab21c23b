"""The part of a deployment's budget that was spent on one UTC day. The store writes it with the payer's account.

Like an account, it has holds, so that concurrent calls cannot exceed the budget together.
"""

from datetime import UTC, datetime, time, timedelta

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel

_RETENTION = timedelta(days=2)
"""How long a day is stored after its end: longer than a call that began before midnight can take."""


class DeploymentDay(SnakeModel):
    """A deployment's spending on a day.

    `id`: the agent's id and the day, so that neither renaming nor redeploying the agent refills the budget.

    `owner`: the agent's owner. `spent` and `held` are millionths of a dollar.
    """

    id: str
    owner: str
    spent: int = 0
    held: int = 0
    expire_at: AwareDatetime

    @classmethod
    def open(cls, day_id: str, owner: str, now: datetime) -> "DeploymentDay":
        """Returns a day on which nothing has been spent yet."""
        return cls(id=day_id, owner=owner, expire_at=next_day(now) + _RETENTION)

    def available(self, budget: int) -> int:
        """Returns the amount that a new call may use."""
        return max(0, budget - self.spent - self.held)

    def with_hold(self, amount: int) -> "DeploymentDay":
        """Holds `amount` for a call."""
        return self.model_copy(update={"held": self.held + amount})

    def settle(self, held: int, cost: int) -> "DeploymentDay":
        """Releases a hold of `held`, and add the cost of the call."""
        return self.model_copy(update={"held": max(0, self.held - held), "spent": self.spent + cost})


def day_id(agent_id: str, now: datetime) -> str:
    """Returns the id of the day that contains `now`."""
    return f"{agent_id}.{now.astimezone(UTC).date().isoformat()}"


def next_day(now: datetime) -> datetime:
    """Returns the time at which the next UTC day begins."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
