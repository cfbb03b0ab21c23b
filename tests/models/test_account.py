"""An account, without any I/O."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.account import Account, milliseconds, months_on

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
AMOUNT = st.integers(0, 10**9)


def account(**fields: int) -> Account:
    start = {"allowance": 100, "remaining": 100, **fields}
    return Account.model_validate({"uid": "u", "created_at": NOW, "updated_at": NOW, **start})


@given(remaining=AMOUNT, held=AMOUNT, estimate=AMOUNT)
def test_a_hold_takes_no_more_than_is_there(remaining: int, held: int, estimate: int) -> None:
    """What others hold is theirs; what remains is not touched."""
    before = account(remaining=remaining, held=held)
    after, hold = before.holding(estimate, NOW)
    assert hold == min(estimate, max(0, remaining - held))
    assert (after.held, after.remaining) == (held + hold, remaining)
    assert after.released(hold, NOW) == before


@given(remaining=AMOUNT, cost=AMOUNT)
def test_a_charge_takes_no_more_than_remains(remaining: int, cost: int) -> None:
    """And says what it took."""
    after, charge = account(remaining=remaining).charged(cost, NOW)
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
    spent = account(remaining=3, held=2).with_reset_date(milliseconds(NOW), NOW)
    assert spent.current(NOW - timedelta(milliseconds=1)) == spent
    renewed = spent.current(NOW)
    assert (renewed.remaining, renewed.held, renewed.period) == (100, 2, 2)
    assert renewed.reset_at == milliseconds(datetime(2026, 4, 15, 12, tzinfo=UTC))
    assert renewed.current(NOW) == renewed


def test_the_last_of_a_month_stays_the_last() -> None:
    """February's shortness is forgotten in March."""
    current = account().with_reset_date(milliseconds(datetime(2026, 1, 31, tzinfo=UTC)), NOW)
    days: list[int] = []
    for month in range(2, 7):
        current = current.current(datetime(2026, month, 1, tzinfo=UTC))
        days.append(datetime.fromtimestamp(current.reset_at / 1000, UTC).day)
    assert days == [28, 31, 30, 31, 30]


def test_an_account_without_a_date_never_resets() -> None:
    """0 means never."""
    old = account(remaining=3)
    assert old.current(NOW + timedelta(days=10_000)) == old


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
    moved = months_on(milliseconds(datetime(*reset, tzinfo=UTC)), datetime(*now, tzinfo=UTC))  # type: ignore[misc, arg-type]
    assert datetime.fromtimestamp(moved / 1000, UTC) == datetime(*next_reset, tzinfo=UTC)  # type: ignore[misc, arg-type]


@given(
    reset=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), pause=st.timedeltas(timedelta(0), timedelta(36500))
)
def test_the_next_date_is_within_a_month_of_now(reset: datetime, pause: timedelta) -> None:
    """Always to come, and never skipping one."""
    start = reset.replace(tzinfo=UTC, microsecond=0)
    now = start + pause
    moved = datetime.fromtimestamp(months_on(milliseconds(start), now) / 1000, UTC)
    assert now < moved <= now + timedelta(days=31)
