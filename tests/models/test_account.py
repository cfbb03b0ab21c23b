"""The account, tested without I/O."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.account import NEVER, Account, next_monthly, to_milliseconds
from shared.models.allowance_terms import Terms

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
LOCAL = Terms(bounding=False, default=100, ceiling=100, monthly=True)
CLOUD = Terms(bounding=True, default=100, ceiling=100, monthly=True)
AMOUNT = st.integers(0, 10**9)


def account(**fields: object) -> Account:
    start = {"allowance": 100, "remaining": 100, **fields}
    return Account.model_validate({"uid": "u", "created_at": NOW, "updated_at": NOW, **start})


@given(remaining=AMOUNT, held=AMOUNT, estimate=AMOUNT)
def test_a_hold_takes_at_most_the_available_amount(remaining: int, held: int, estimate: int) -> None:
    """A hold takes at most the amount that is not yet held, and does not change `remaining`."""
    before = account(remaining=remaining, held=held)
    after, hold = before.hold(estimate, NOW)
    assert hold == min(estimate, max(0, remaining - held))
    assert (after.held, after.remaining) == (held + hold, remaining)
    assert after.release(hold, NOW) == before


@given(remaining=AMOUNT, cost=AMOUNT)
def test_a_charge_takes_at_most_the_remaining_amount(remaining: int, cost: int) -> None:
    """A charge takes at most the remaining amount and returns the amount taken."""
    after, charge = account(remaining=remaining).charge(cost, NOW)
    assert after.remaining == remaining - charge >= 0
    assert charge == min(cost, remaining)


def test_lowering_the_allowance_lowers_the_remaining_amount() -> None:
    """An allowance below the remaining amount lowers it. A higher allowance does not raise it."""
    assert account(remaining=80).with_allowance(50, NOW).remaining == 50
    assert account(remaining=30).with_allowance(50, NOW).remaining == 30
    assert account(remaining=30).with_allowance(500, NOW).remaining == 30
    assert account(remaining=500).with_allowance(200, NOW).remaining == 500
    assert account(remaining=500).with_allowance(100, NOW).remaining == 500


def test_a_period_ends_at_its_date_and_not_before() -> None:
    """At the reset date, the remaining amount becomes the allowance, the date advances, and holds remain."""
    spent = account(remaining=3, held=2).with_reset_date(to_milliseconds(NOW), NOW)
    assert spent.advance(NOW - timedelta(milliseconds=1), LOCAL) == spent
    renewed = spent.advance(NOW, LOCAL)
    assert (renewed.remaining, renewed.held, renewed.period) == (100, 2, 2)
    assert renewed.reset_at == to_milliseconds(datetime(2026, 4, 15, 12, tzinfo=UTC))
    assert renewed.advance(NOW, LOCAL) == renewed


def test_a_reset_on_the_last_day_of_a_month_stays_there() -> None:
    """A reset on the 31st falls on the last day of shorter months and returns to the 31st afterwards."""
    current = account().with_reset_date(to_milliseconds(datetime(2026, 1, 31, tzinfo=UTC)), NOW)
    days: list[int] = []
    for month in range(2, 7):
        current = current.advance(datetime(2026, month, 1, tzinfo=UTC), LOCAL)
        days.append(datetime.fromtimestamp(current.reset_at / 1000, UTC).day)
    assert days == [28, 31, 30, 31, 30]


def test_an_account_without_a_date_never_resets() -> None:
    """An account with a reset date of 0 never resets."""
    old = account(remaining=3)
    assert old.advance(NOW + timedelta(days=10_000), LOCAL) == old


@pytest.mark.parametrize(
    ("reset", "now", "next_reset"),
    [
        ((2026, 1, 31), (2026, 2, 1), (2026, 2, 28)),
        ((2026, 1, 31), (2026, 2, 28, 1), (2026, 3, 31)),
        ((2025, 12, 5), (2026, 3, 15), (2026, 4, 5)),
        ((2025, 12, 20), (2026, 3, 15), (2026, 3, 20)),
        ((1970, 1, 1, 0, 1), (2026, 3, 15), (2026, 4, 1, 0, 1)),
        ((2024, 2, 29), (2024, 2, 29), (2024, 3, 29)),
    ],
)
def test_the_date_advances_by_whole_months(
    reset: tuple[int, ...], now: tuple[int, ...], next_reset: tuple[int, ...]
) -> None:
    """The next date is the first in the future with the same day of the month, or the month's last day."""
    advanced = next_monthly(to_milliseconds(datetime(*reset, tzinfo=UTC)), datetime(*now, tzinfo=UTC))  # type: ignore[misc, arg-type]
    assert datetime.fromtimestamp(advanced / 1000, UTC) == datetime(*next_reset, tzinfo=UTC)  # type: ignore[misc, arg-type]


@given(
    reset=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), pause=st.timedeltas(timedelta(0), timedelta(36500))
)
def test_the_next_date_is_within_a_month_of_now(reset: datetime, pause: timedelta) -> None:
    """The next date is in the future, and no date is skipped."""
    start = reset.replace(tzinfo=UTC, microsecond=0)
    now = start + pause
    advanced = datetime.fromtimestamp(next_monthly(to_milliseconds(start), now) / 1000, UTC)
    assert now < advanced <= now + timedelta(days=31)


def test_in_a_deployment_the_users_date_only_starts_a_period() -> None:
    """In a deployment, the user's reset date starts a new period but adds no money."""
    spent = account(remaining=3).with_reset_date(to_milliseconds(NOW), NOW)
    later = spent.advance(NOW, CLOUD)
    assert (later.remaining, later.bound, later.period) == (3, 3, 2)
    assert later.reset_at == to_milliseconds(datetime(2026, 4, 15, 12, tzinfo=UTC))


def test_the_first_of_a_month_refills_once() -> None:
    """The account is refilled once at its first use in a new UTC month, even after several months."""
    start = account(remaining=3, spent=97, refilled_at=NOW)
    assert start.advance(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), CLOUD) == start
    first = datetime(2026, 4, 1, tzinfo=UTC)
    full = start.advance(first, CLOUD)
    assert (full.remaining, full.spent, full.period, full.refilled_at) == (100, 0, 2, first)
    assert full.advance(datetime(2026, 4, 30, tzinfo=UTC), CLOUD) == full
    used, _ = full.charge(40, first)
    assert used.advance(datetime(2028, 1, 1, tzinfo=UTC), CLOUD).remaining == 100


def test_without_monthly_refills_the_calendar_is_ignored() -> None:
    """The calendar refills nothing if monthly refills are off, or if authentication is bypassed."""
    spent = account(remaining=3, refilled_at=NOW)
    for terms in (replace(CLOUD, monthly=False), LOCAL):
        assert spent.advance(NOW + timedelta(days=400), terms) == spent


def test_an_account_that_an_earlier_version_stored_waits_for_the_next_month() -> None:
    """An account of an earlier version keeps its remaining amount until the month after its last write."""
    old = Account.model_validate(
        {"uid": "u", "allowance": 100, "remaining": 60, "held": 1, "created_at": NOW, "updated_at": NOW}
    )
    assert old.advance(NOW + timedelta(days=1), CLOUD) == old
    assert old.bound == 60
    full = old.advance(datetime(2026, 4, 1, tzinfo=UTC), CLOUD)
    assert (full.remaining, full.held) == (100, 1)


def test_a_refill_pays_debts_first() -> None:
    """A refill pays debts first. If a debt exceeds the refill, it is reduced by the refill."""
    after, charge = account(remaining=30).charge(50, NOW)
    assert (charge, after.owed, after.remaining) == (30, 20, 0)
    refilled = after.refill(NOW, CLOUD)
    assert (refilled.remaining, refilled.bound, refilled.owed) == (80, 80, 0)
    deep, _ = account(remaining=0).charge(250, NOW)
    empty = deep.refill(NOW, CLOUD)
    assert (empty.remaining, empty.bound, empty.owed) == (0, 0, 150)


def test_spare_money_is_used_before_anything_is_owed() -> None:
    """A charge that exceeds the remaining amount is taken from `spare` before it becomes a debt."""
    low = account().with_remaining(10, NOW)
    after, charge = low.charge(30, NOW)
    assert (charge, after.spare, after.owed, after.spent) == (30, 70, 0, 30)
    deeper, charge = after.charge(80, NOW)
    assert (charge, deeper.spare, deeper.owed) == (70, 0, 10)


def test_a_refill_divides_the_ceiling_into_allowance_and_spare() -> None:
    """A refill adds the ceiling. The allowance becomes `remaining`, and the user may also use the rest."""
    low = account(allowance=20, remaining=0, spent=100).refill(NOW, CLOUD)
    assert (low.remaining, low.bound) == (20, 100)


def test_an_administrators_limit_applies_to_a_prepared_account() -> None:
    """A limit of 1 also limits the remaining amount if the allowance was 0 before."""
    prepared = account().with_allowance(0, NOW).with_remaining(10, NOW)
    cut = prepared.limit(1, NOW)
    assert (cut.allowance, cut.remaining, cut.bound) == (1, 1, 1)


def test_spending_counts_against_an_administrators_allowance() -> None:
    """After spending 40, an allowance of 50 leaves 10, and one of 200 leaves up to 160."""
    spent, _ = account().charge(40, NOW)
    assert (spent.limit(50, NOW).remaining, spent.limit(50, NOW).bound) == (10, 10)
    assert (spent.limit(200, NOW).remaining, spent.limit(200, NOW).bound) == (60, 160)


def test_an_administrators_grant_is_exact() -> None:
    """A grant sets the exact amount until the next refill, even above the ceiling."""
    spent, _ = account().charge(150, NOW)
    for amount in (0, 10, 700):
        granted = spent.grant(amount, NOW)
        assert (granted.remaining, granted.bound, granted.owed) == (amount, amount, 0)
        assert granted.refill(NOW, CLOUD).bound == 100


def test_an_administrators_date_refills_once() -> None:
    """An administrator's date refills once, and the user's reset date does not replace it."""
    date = to_milliseconds(NOW)
    given = account(remaining=0, refilled_at=NOW).with_reset_date(date, NOW).change(NOW, refill_at=date)
    full = given.with_reset_date(NEVER, NOW).advance(NOW, replace(CLOUD, monthly=False))
    assert (full.remaining, full.refill_at) == (100, NEVER)
    used, _ = given.advance(NOW, CLOUD).charge(100, NOW)
    assert used.advance(datetime(2026, 4, 20, tzinfo=UTC), replace(CLOUD, monthly=False)).remaining == 0
