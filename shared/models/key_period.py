"""What an API key has spent in a day or a month, in UTC. The store writes it with the account of the key's user.

Like an account, it has holds, so that concurrent calls cannot exceed the key's budget together.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from shared.models.money import PICOS_PER_MICRO
from shared.models.wire import SnakeModel

RETENTION = timedelta(days=40)
"""How long a period is stored after its end: longer than any call that began in it, and than any chat waits."""


class Period(StrEnum):
    """The period after which a key's budget is reset. It begins at midnight in UTC, a month on its first day."""

    DAY = "day"
    MONTH = "month"

    def start(self, now: datetime) -> datetime:
        """Returns the beginning of the period that contains `now`."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if self is Period.DAY else midnight.replace(day=1)

    def end(self, now: datetime) -> datetime:
        """Returns the beginning of the next period."""
        start = self.start(now)
        return start + timedelta(days=1) if self is Period.DAY else (start + timedelta(days=32)).replace(day=1)


class KeyPeriod(SnakeModel):
    """A key's spending in a period. `id`: the key's id and the beginning of the period (`period_id`).

    `budget`, `key_expires_at`: those of the key, copied when the period began; None without a limit. `held`: millionths
    of a dollar. `spent`: millionths of a millionth of a dollar, because the costs of calls are added up exactly.
    """

    id: str
    owner: str
    budget: int | None
    spent: int = 0
    held: int = 0
    key_expires_at: AwareDatetime | None = None
    expire_at: AwareDatetime

    @property
    def spent_micros(self) -> int:
        """What was spent, in millionths of a dollar, rounded up."""
        return -(-self.spent // PICOS_PER_MICRO)

    @property
    def available(self) -> int | None:
        """The amount that a new call may use, in millionths of a dollar; None without a limit."""
        return None if self.budget is None else max(0, self.budget - self.spent_micros - self.held)

    def hold(self, amount: int) -> "KeyPeriod":
        """Holds `amount` for a call."""
        return self.model_copy(update={"held": self.held + amount})

    def settle(self, held: int, cost: int) -> "KeyPeriod":
        """Releases a hold of `held`, and adds the call's cost, in millionths of a millionth of a dollar."""
        return self.model_copy(update={"held": max(0, self.held - held), "spent": self.spent + cost})


def period_id(key_id: str, period: Period, now: datetime) -> str:
    """Returns the id of the period that contains `now`."""
    return f"{key_id}.{period.start(now).date().isoformat()}"
