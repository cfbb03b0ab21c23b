"""Conversions of money are exact."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.models.money import MAX_DOLLARS, Dollars, to_dollars, to_micros, to_micros_rounded_up

MICROS = st.integers(0, MAX_DOLLARS * 1_000_000)


@given(MICROS)
def test_an_amount_survives_the_wire(micros: int) -> None:
    """An amount is exact to the millionth after a conversion to a JSON number and back."""
    assert to_micros(to_dollars(micros)) == micros


@pytest.mark.parametrize(
    ("dollars", "micros"),
    [(0, 0), (0.1, 100_000), (0.0000005, 1), (0.00000049, 0), (1e-9, 0), (100, 100_000_000), (0.29, 290_000)],
)
def test_fractions_of_a_millionth_are_rounded(dollars: float, micros: int) -> None:
    """Amounts are rounded to the nearest millionth, and halves are rounded up."""
    assert to_micros(dollars) == micros


@given(st.lists(st.integers(0, 10**12)))
def test_sums_are_exact(amounts: list[int]) -> None:
    """A sum is exact for any number of amounts in any order."""
    assert sum(to_micros(to_dollars(amount)) for amount in amounts) == sum(amounts)


@pytest.mark.parametrize(
    "value", [-1, -0.0001, float("nan"), float("inf"), 10**10, 1e300, 10**400, "5", "", None, True, [], {}]
)
def test_invalid_amounts_are_refused(value: Any) -> None:
    """Negative, infinite and huge numbers, NaN and strings are not valid amounts."""
    with pytest.raises(ValidationError):
        TypeAdapter(Dollars).validate_python(value)


@pytest.mark.parametrize(("dollars", "micros"), [(0, 0), (1e-12, 1), (0.000001, 1), (0.0000010001, 2), (0.3, 300_000)])
def test_a_bound_is_rounded_up(dollars: float, micros: int) -> None:
    """Fractions of a millionth are rounded up. Whole millionths do not change."""
    assert to_micros_rounded_up(dollars) == micros
