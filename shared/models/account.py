"""A user's account: the allowance, what remains of it, and what running chats hold of that.

`remaining` moves by charges, resets and by order, never below zero. A hold moves nothing: it is what a chat that is
running may still cost, and new chats find only what is not held. Amounts are millionths of a dollar. All changes are
functions from one account to the next; the store writes them in a transaction, together with their cause.
"""

import calendar
from datetime import UTC, datetime

from pydantic import AwareDatetime

from shared.models.money import PICOS_PER_MICRO
from shared.models.wire import SnakeModel

NEVER = 0
"""A reset date that does not come."""


class Account(SnakeModel):
    """What is stored of a user.

    `reset_at`: epoch milliseconds; `reset_anchor`: the same as it was set, so that the 31st stays the 31st.
    `residue`: what was spent and not charged yet, as it is less than half a millionth of a dollar, in millionths of
    one; negative where a charge was rounded up. `period`: counts the resets; usage entries carry the one they fell in.
    `ceiling`: above it the user may not raise allowance or remainder; None: the deployment's. `rev`: counts writes;
    `last_write`: the request behind the last.
    """

    uid: str
    display_name: str | None = None
    email: str | None = None
    plan: str = "free"
    billing_status: str = "active"
    allowance: int
    remaining: int
    held: int = 0
    residue: int = 0
    reset_at: int = NEVER
    reset_anchor: int = NEVER
    period: int = 1
    ceiling: int | None = None
    rev: int = 0
    last_write: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def available(self) -> int:
        """What a new chat may count on."""
        return max(0, self.remaining - self.held)

    def current(self, now: datetime) -> "Account":
        """With the period that `now` falls in: the account itself, or one that has been reset by its date."""
        if self.reset_at == NEVER or self.reset_at > milliseconds(now):
            return self
        return self.reset(now).changed(now, reset_at=months_on(self.reset_anchor, now))

    def reset(self, now: datetime) -> "Account":
        """A new period. What running chats hold stays held."""
        return self.changed(now, remaining=self.allowance, period=self.period + 1)

    def with_allowance(self, allowance: int, now: datetime) -> "Account":
        """Lowering it below what remains lowers what remains."""
        lowered = allowance < self.allowance
        remaining = min(self.remaining, allowance) if lowered else self.remaining
        return self.changed(now, allowance=allowance, remaining=remaining)

    def with_reset_date(self, reset_at: int, now: datetime) -> "Account":
        """`NEVER`, or the date that the following ones are reckoned from."""
        return self.changed(now, reset_at=reset_at, reset_anchor=reset_at)

    def holding(self, estimate: int, now: datetime) -> tuple["Account", int]:
        """Puts a hold on `estimate`, or on all there is if that is less; the amount comes with the account."""
        hold = min(estimate, self.available)
        return self.changed(now, held=self.held + hold), hold

    def released(self, hold: int, now: datetime) -> "Account":
        """Without a hold."""
        return self.changed(now, held=max(0, self.held - hold))

    def charged(self, cost: int, now: datetime) -> tuple["Account", int]:
        """Charges `cost`, or all that remains if that is less; the amount comes with the account."""
        charge = min(cost, self.remaining)
        return self.changed(now, remaining=self.remaining - charge), charge

    def carried(self, picos: int, now: datetime) -> tuple["Account", int]:
        """Adds a cost in millionths of a millionth of a dollar to what is not charged yet.

        The whole millionths of a dollar that are to be charged now come with the account: sums of costs, however
        small, are charged to the millionth.
        """
        total = self.residue + picos
        micros = max(0, (total + PICOS_PER_MICRO // 2) // PICOS_PER_MICRO)
        return self.changed(now, residue=total - micros * PICOS_PER_MICRO), micros

    def changed(self, now: datetime, **fields: object) -> "Account":
        return self.model_copy(update={**fields, "updated_at": now})


def milliseconds(moment: datetime) -> int:
    """Epoch milliseconds."""
    return int(moment.timestamp() * 1000)


def months_on(reset_at: int, now: datetime) -> int:
    """The first date after `now` that is whole months after `reset_at`: the same day, or the month's last."""
    start = datetime.fromtimestamp(reset_at / 1000, UTC)
    months = max(1, (now.year - start.year) * 12 + now.month - start.month)
    moved = _plus_months(start, months)
    if moved <= now:
        moved = _plus_months(start, months + 1)
    return milliseconds(moved)


def _plus_months(start: datetime, months: int) -> datetime:
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
