"""An account, without any I/O."""

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
def test_a_hold_takes_no_more_than_is_there(remaining: int, held: int, estimate: int) -> None:
    """What others hold is theirs; what remains is not touched."""
    before = account(remaining=remaining, held=held)
    after, hold = before.hold(estimate, NOW)
    assert hold == min(estimate, max(0, remaining - held))
    assert (after.held, after.remaining) == (held + hold, remaining)
    assert after.release(hold, NOW) == before


@given(remaining=AMOUNT, cost=AMOUNT)
def test_a_charge_takes_no_more_than_remains(remaining: int, cost: int) -> None:
    """And says what it took."""
    after, charge = account(remaining=remaining).charge(cost, NOW)
    assert after.remaining == remaining - charge >= 0
    assert charge == min(cost, remaining)


def test_lowering_the_allowance_lowers_what_remains() -> None:
    """But raising it does not raise it."""
    assert account(remaining=80).with_allowance(50, NOW).remaining == 50
    assert account(remaining=30).with_allowance(50, NOW).remaining == 30
    assert account(remaining=30).with_allowance(500, NOW).remaining == 30
    assert account(remaining=500).with_allowance(200, NOW).remaining == 500
    assert account(remaining=500).with_allowance(100, NOW).remaining == 500


def test_a_period_ends_by_its_date_and_not_before() -> None:
    """What remains becomes the allowance, the date moves on, and what is held stays held."""
    spent = account(remaining=3, held=2).with_reset_date(to_milliseconds(NOW), NOW)
    assert spent.advance(NOW - timedelta(milliseconds=1), LOCAL) == spent
    renewed = spent.advance(NOW, LOCAL)
    assert (renewed.remaining, renewed.held, renewed.period) == (100, 2, 2)
    assert renewed.reset_at == to_milliseconds(datetime(2026, 4, 15, 12, tzinfo=UTC))
    assert renewed.advance(NOW, LOCAL) == renewed


def test_the_last_of_a_month_stays_the_last() -> None:
    """February's shortness is forgotten in March."""
    current = account().with_reset_date(to_milliseconds(datetime(2026, 1, 31, tzinfo=UTC)), NOW)
    days: list[int] = []
    for month in range(2, 7):
        current = current.advance(datetime(2026, month, 1, tzinfo=UTC), LOCAL)
        days.append(datetime.fromtimestamp(current.reset_at / 1000, UTC).day)
    assert days == [28, 31, 30, 31, 30]


def test_an_account_without_a_date_never_resets() -> None:
    """0 means never."""
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
def test_the_date_moves_on_by_whole_months(
    reset: tuple[int, ...], now: tuple[int, ...], next_reset: tuple[int, ...]
) -> None:
    """To the first that is to come: the same day of the month, or the month's last."""
    moved = next_monthly(to_milliseconds(datetime(*reset, tzinfo=UTC)), datetime(*now, tzinfo=UTC))  # type: ignore[misc, arg-type]
    assert datetime.fromtimestamp(moved / 1000, UTC) == datetime(*next_reset, tzinfo=UTC)  # type: ignore[misc, arg-type]


@given(
    reset=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), pause=st.timedeltas(timedelta(0), timedelta(36500))
)
def test_the_next_date_is_within_a_month_of_now(reset: datetime, pause: timedelta) -> None:
    """Always to come, and never skipping one."""
    start = reset.replace(tzinfo=UTC, microsecond=0)
    now = start + pause
    moved = datetime.fromtimestamp(next_monthly(to_milliseconds(start), now) / 1000, UTC)
    assert now < moved <= now + timedelta(days=31)


def test_in_a_deployment_the_own_date_moves_tracking_only() -> None:
    """A new period, and not a cent."""
    spent = account(remaining=3).with_reset_date(to_milliseconds(NOW), NOW)
    later = spent.advance(NOW, CLOUD)
    assert (later.remaining, later.bound, later.period) == (3, 3, 2)
    assert later.reset_at == to_milliseconds(datetime(2026, 4, 15, 12, tzinfo=UTC))


def test_the_first_of_a_month_refills_once() -> None:
    """In UTC, at the first look at the account, however many months went by."""
    start = account(remaining=3, spent=97, refilled_at=NOW)
    assert start.advance(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), CLOUD) == start
    first = datetime(2026, 4, 1, tzinfo=UTC)
    full = start.advance(first, CLOUD)
    assert (full.remaining, full.spent, full.period, full.refilled_at) == (100, 0, 2, first)
    assert full.advance(datetime(2026, 4, 30, tzinfo=UTC), CLOUD) == full
    used, _ = full.charge(40, first)
    assert used.advance(datetime(2028, 1, 1, tzinfo=UTC), CLOUD).remaining == 100


def test_a_calendar_that_is_off_refills_never() -> None:
    """Nor does it where authentication is bypassed."""
    spent = account(remaining=3, refilled_at=NOW)
    for terms in (replace(CLOUD, monthly=False), LOCAL):
        assert spent.advance(NOW + timedelta(days=400), terms) == spent


def test_an_account_that_an_earlier_version_stored_waits_for_the_next_month() -> None:
    """What remains is all there is until then; the month of the last write counts as refilled."""
    old = Account.model_validate(
        {"uid": "u", "allowance": 100, "remaining": 60, "held": 1, "created_at": NOW, "updated_at": NOW}
    )
    assert old.advance(NOW + timedelta(days=1), CLOUD) == old
    assert old.bound == 60
    full = old.advance(datetime(2026, 4, 1, tzinfo=UTC), CLOUD)
    assert (full.remaining, full.held) == (100, 1)


def test_a_refill_pays_what_is_owed_first() -> None:
    """And owes the rest of a debt that is larger than itself."""
    after, charge = account(remaining=30).charge(50, NOW)
    assert (charge, after.owed, after.remaining) == (30, 20, 0)
    refilled = after.refill(NOW, CLOUD)
    assert (refilled.remaining, refilled.bound, refilled.owed) == (80, 80, 0)
    deep, _ = account(remaining=0).charge(250, NOW)
    empty = deep.refill(NOW, CLOUD)
    assert (empty.remaining, empty.bound, empty.owed) == (0, 0, 150)


def test_what_the_user_set_aside_pays_before_anything_is_owed() -> None:
    """It is of the same refill."""
    low = account().with_remaining(10, NOW)
    after, charge = low.charge(30, NOW)
    assert (charge, after.spare, after.owed, after.spent) == (30, 70, 0, 30)
    deeper, charge = after.charge(80, NOW)
    assert (charge, deeper.spare, deeper.owed) == (70, 0, 10)


def test_a_refill_gives_the_ceiling_of_which_the_allowance_remains() -> None:
    """The rest may be had, too: an allowance below the ceiling is the user's own choice."""
    low = account(allowance=20, remaining=0, spent=100).refill(NOW, CLOUD)
    assert (low.remaining, low.bound) == (20, 100)


def test_an_administrators_cut_cuts_whatever_was_prepared() -> None:
    """With an allowance of 0 a cut to 1 raises it; what remains is no more than that all the same."""
    prepared = account().with_allowance(0, NOW).with_remaining(10, NOW)
    cut = prepared.limit(1, NOW)
    assert (cut.allowance, cut.remaining, cut.bound) == (1, 1, 1)


def test_what_was_spent_counts_against_an_administrators_allowance() -> None:
    """Of 50, 40 are spent; of 200, 160 may be had."""
    spent, _ = account().charge(40, NOW)
    assert (spent.limit(50, NOW).remaining, spent.limit(50, NOW).bound) == (10, 10)
    assert (spent.limit(200, NOW).remaining, spent.limit(200, NOW).bound) == (60, 160)


def test_what_an_administrator_grants_is_what_there_is() -> None:
    """More than the ceiling, or less than was left, until the next refill."""
    spent, _ = account().charge(150, NOW)
    for amount in (0, 10, 700):
        granted = spent.grant(amount, NOW)
        assert (granted.remaining, granted.bound, granted.owed) == (amount, amount, 0)
        assert granted.refill(NOW, CLOUD).bound == 100


def test_an_administrators_date_refills_once() -> None:
    """Then it is one of tracking, as the user's own is; and the user's does not take its place."""
    date = to_milliseconds(NOW)
    given = account(remaining=0, refilled_at=NOW).with_reset_date(date, NOW).change(NOW, refill_at=date)
    full = given.with_reset_date(NEVER, NOW).advance(NOW, replace(CLOUD, monthly=False))
    assert (full.remaining, full.refill_at) == (100, NEVER)
    used, _ = given.advance(NOW, CLOUD).charge(100, NOW)
    assert used.advance(datetime(2026, 4, 20, tzinfo=UTC), replace(CLOUD, monthly=False)).remaining == 0
