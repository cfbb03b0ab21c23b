"""A user's account: the allowance, the amount that remains, and the amount that running chats hold.

Charges, refills and requests change `remaining`, which is never below zero. A hold moves no money: it reserves what a
running chat may still cost, and new chats can only use what is not held. Amounts are millionths of a dollar. Every
change is a function from one account to the next. The store writes the change and its cause in one transaction.

In a deployment the allowance limits its user. A refill adds the amount of the ceiling: the part that is not in
`remaining` is `spare`, which the user has set aside and may take back. A user only moves money between the two. Only a
refill or an administrator adds money: `spent + remaining + spare` never exceeds the amount that was added.
"""

import calendar
from datetime import UTC, datetime

from pydantic import AwareDatetime

from shared.models.allowance_terms import Terms
from shared.models.money import PICOS_PER_MICRO
from shared.models.wire import SnakeModel

NEVER = 0
"""The reset date that means "never"."""


class Account(SnakeModel):
    """The stored account of a user.

    `reset_at`: epoch milliseconds. `reset_anchor`: the date as the user set it, so that the 31st stays the 31st.
    `residue`: spending of less than half a millionth of a dollar that is not charged yet, in millionths of a millionth;
    negative after a charge was rounded up. `period`: the number of the current tracking period, which usage entries
    record. `ceiling`: the administrator's limit for a refill; None means the deployment's. `spent`: charges since the
    last refill. `unfinished`: accepted chats that have not ended. `owed`: the cost of calls beyond the available money,
    which the next refill pays first. `refilled_at`: when the account was last refilled, or opened. `refill_at`: epoch
    milliseconds of a single refill that an administrator set. `disabled`: every request of the user is refused. `rev`:
    the number of writes.

    A document that was stored by an earlier version lacks `spent`, `spare`, `owed`, `refilled_at`, `refill_at`,
    `unfinished` and `disabled`. In this case, `remaining` is all the money until the next refill, nothing counts as
    spent or owed, the month of the last write counts as refilled, and the reset date only starts a tracking period.
    """

    uid: str
    display_name: str | None = None
    email: str | None = None
    plan: str = "free"
    billing_status: str = "active"
    allowance: int
    remaining: int
    spare: int = 0
    spent: int = 0
    owed: int = 0
    held: int = 0
    unfinished: int = 0
    residue: int = 0
    reset_at: int = NEVER
    reset_anchor: int = NEVER
    period: int = 1
    ceiling: int | None = None
    refilled_at: AwareDatetime | None = None
    refill_at: int = NEVER
    disabled: bool = False
    rev: int = 0
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def open(cls, uid: str, terms: Terms, now: datetime) -> "Account":
        """Returns the account of a new user, with a first refill."""
        allowance = terms.default
        return cls(
            uid=uid,
            allowance=allowance,
            remaining=allowance,
            spare=max(0, terms.ceiling - allowance),
            refilled_at=now,
            created_at=now,
            updated_at=now,
        )

    @property
    def available(self) -> int:
        """The amount that a new chat may use."""
        return max(0, self.remaining - self.held)

    @property
    def bound(self) -> int:
        """The amount up to which the user may raise `remaining` in a deployment."""
        return self.remaining + self.spare

    def ceiling_under(self, terms: Terms) -> int:
        """Returns the amount that a refill adds."""
        return terms.ceiling if self.ceiling is None else self.ceiling

    def advance(self, now: datetime, terms: Terms) -> "Account":
        """Returns the account at `now`: unchanged, or renewed because a date or the first of a month has passed.

        The user's date starts a new period. In a deployment, the account is refilled each month, or on the date that an
        administrator set.
        """
        account = self
        if _has_come(self.reset_at, now):
            account = self.start_period(now) if terms.bounding else self.renew(now)
            account = account.change(now, reset_at=next_monthly(self.reset_anchor, now))
        if terms.bounding and (_has_come(self.refill_at, now) or self._calendar_refills(now, terms)):
            account = account.refill(now, terms)
        return account

    def _calendar_refills(self, now: datetime, terms: Terms) -> bool:
        return terms.monthly and _month(now) > _month(self.refilled_at or self.updated_at)

    def refill(self, now: datetime, terms: Terms) -> "Account":
        """Adds the ceiling less the debt, and starts a new period: the allowance is `remaining`, the rest is `spare`.

        Amounts held by running chats stay held.
        """
        added = self.ceiling_under(terms)
        paid = min(self.owed, added)
        remaining = max(0, min(self.allowance, added) - paid)
        return self.start_period(now).change(
            now,
            remaining=remaining,
            spare=added - paid - remaining,
            spent=0,
            owed=self.owed - paid,
            refilled_at=now,
            refill_at=NEVER if _has_come(self.refill_at, now) else self.refill_at,
        )

    def start_period(self, now: datetime) -> "Account":
        """Starts a new period without moving money."""
        return self.change(now, period=self.period + 1)

    def renew(self, now: datetime) -> "Account":
        """Starts a new period with the full allowance. This is a reset when users are not limited."""
        return self.start_period(now).change(now, remaining=self.allowance, spare=0, spent=0, owed=0)

    def reset(self, now: datetime, terms: Terms) -> "Account":
        """Resets the period at the user's request. In a deployment this adds no money."""
        if not terms.bounding:
            return self.renew(now)
        return self.start_period(now).with_remaining(min(self.allowance, self.bound), now)

    def with_allowance(self, allowance: int, now: datetime) -> "Account":
        """Sets the allowance. An allowance below `remaining` lowers `remaining` as well."""
        account = self.change(now, allowance=allowance)
        return account.with_remaining(allowance, now) if allowance < min(self.allowance, self.remaining) else account

    def with_remaining(self, remaining: int, now: datetime) -> "Account":
        """Sets `remaining`. A reduction is added to `spare`; an increase is taken from `spare` first."""
        return self.change(now, remaining=remaining, spare=max(0, self.bound - remaining))

    def with_reset_date(self, reset_at: int, now: datetime) -> "Account":
        """Sets the reset date: `NEVER`, or the date from which later dates are computed."""
        return self.change(now, reset_at=reset_at, reset_anchor=reset_at)

    def limit(self, allowance: int, now: datetime) -> "Account":
        """Sets an administrator's allowance as the new ceiling. Earlier spending in this period counts against it."""
        unspent = max(0, allowance - self.spent)
        remaining = min(self.remaining, unspent)
        return self.change(now, allowance=allowance, ceiling=allowance, remaining=remaining, spare=unspent - remaining)

    def grant(self, remaining: int, now: datetime) -> "Account":
        """Sets the exact amount that an administrator grants until the next refill. Debts are forgiven."""
        return self.change(now, remaining=remaining, spare=0, spent=0, owed=0)

    def hold(self, estimate: int, now: datetime) -> tuple["Account", int]:
        """Holds `estimate`, or the available amount if that is less. Returns the account and the held amount."""
        hold = min(estimate, self.available)
        return self.change(now, held=self.held + hold), hold

    def release(self, hold: int, now: datetime) -> "Account":
        """Releases a hold."""
        return self.change(now, held=max(0, self.held - hold))

    def begin_chat(self, now: datetime) -> "Account":
        """Counts an accepted chat."""
        return self.change(now, unfinished=self.unfinished + 1)

    def end_chat(self, now: datetime) -> "Account":
        """Counts the end of an accepted chat. An account of an earlier version does not know of all of them."""
        return self.change(now, unfinished=max(0, self.unfinished - 1))

    def charge(self, cost: int, now: datetime) -> tuple["Account", int]:
        """Charges the user `cost`. Returns the account and the charged amount.

        The part that `remaining` does not cover is taken from `spare`. The part that `spare` does not cover is owed.
        """
        charge = min(cost, self.remaining)
        covered = min(cost - charge, self.spare)
        after = self.change(
            now,
            remaining=self.remaining - charge,
            spare=self.spare - covered,
            spent=self.spent + charge + covered,
            owed=self.owed + cost - charge - covered,
        )
        return after, charge + covered

    def carry(self, picos: int, now: datetime) -> tuple["Account", int]:
        """Adds a cost, in millionths of a millionth of a dollar, to the spending that is not charged yet.

        Returns the account and the whole millionths of a dollar to charge now. Sums of even the smallest costs are
        charged exactly to the millionth.
        """
        total = self.residue + picos
        micros = max(0, (total + PICOS_PER_MICRO // 2) // PICOS_PER_MICRO)
        return self.change(now, residue=total - micros * PICOS_PER_MICRO), micros

    def change(self, now: datetime, **fields: object) -> "Account":
        """Returns a copy with these fields changed, updated at `now`."""
        return self.model_copy(update={**fields, "updated_at": now})


def _has_come(date: int, now: datetime) -> bool:
    return date != NEVER and date <= to_milliseconds(now)


def _month(moment: datetime) -> tuple[int, int]:
    moment = moment.astimezone(UTC)
    return moment.year, moment.month


def to_milliseconds(moment: datetime) -> int:
    """Returns the milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def next_monthly(reset_at: int, now: datetime) -> int:
    """Returns the first date after `now` that is a whole number of months after `reset_at`.

    It is the same day of the month, or the last day of a shorter month.
    """
    start = datetime.fromtimestamp(reset_at / 1000, UTC)
    months = max(1, (now.year - start.year) * 12 + now.month - start.month)
    moved = _plus_months(start, months)
    if moved <= now:
        moved = _plus_months(start, months + 1)
    return to_milliseconds(moved)


def _plus_months(start: datetime, months: int) -> datetime:
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
