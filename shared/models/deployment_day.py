"""What a deployment's callers have spent of its budget on one UTC day. The store writes it with the account that pays.

Like an account it knows holds, so that calls that run at the same time cannot spend more together than the budget.
"""

from datetime import UTC, datetime, time, timedelta

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel

_KEPT = timedelta(days=2)
"""Longer than any call can take that began before midnight."""


class DeploymentDay(SnakeModel):
    """`id`: the agent's id and the day, so that neither a new name nor deploying again refills the budget.

    `owner`: the agent's. `spent` and `held` are millionths of a dollar.
    """

    id: str
    owner: str
    spent: int = 0
    held: int = 0
    expire_at: AwareDatetime

    @classmethod
    def open(cls, day_id: str, owner: str, now: datetime) -> "DeploymentDay":
        """A day on which nothing has been spent yet."""
        return cls(id=day_id, owner=owner, expire_at=next_day(now) + _KEPT)

    def available(self, budget: int) -> int:
        """What a new call may use."""
        return max(0, budget - self.spent - self.held)

    def with_hold(self, amount: int) -> "DeploymentDay":
        """Hold `amount` for a call."""
        return self.model_copy(update={"held": self.held + amount})

    def settle(self, held: int, cost: int) -> "DeploymentDay":
        """Release a hold of `held`, and count what the call cost."""
        return self.model_copy(update={"held": max(0, self.held - held), "spent": self.spent + cost})


def day_id(agent_id: str, now: datetime) -> str:
    """The id of the day that `now` falls in."""
    return f"{agent_id}.{now.astimezone(UTC).date().isoformat()}"


def next_day(now: datetime) -> datetime:
    """When the next UTC day begins."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
