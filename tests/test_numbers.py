"""Tests which values are finite numbers."""

import math

import pytest

from shared.numbers import is_finite_number


@pytest.mark.parametrize("value", [0, -7, 1.5, 10**400, -0.0])
def test_ints_and_finite_floats_are_finite_numbers(value: object) -> None:
    """Integers are finite numbers even if they exceed the range of floats."""
    assert is_finite_number(value)


@pytest.mark.parametrize("value", [True, False, None, "1", math.inf, -math.inf, math.nan, [1]])
def test_anything_else_is_not_a_finite_number(value: object) -> None:
    """Infinities, NaN and other types are not finite numbers. Booleans are integers in Python, but not in JSON."""
    assert not is_finite_number(value)
