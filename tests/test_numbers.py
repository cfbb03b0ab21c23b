"""Finite numbers."""

import math

import pytest

from shared.numbers import is_finite_number


@pytest.mark.parametrize("value", [0, -7, 1.5, 10**400, -0.0])
def test_ints_and_finite_floats_are_finite_numbers(value: object) -> None:
    """Integers are finite even if no float can hold them."""
    assert is_finite_number(value)


@pytest.mark.parametrize("value", [True, False, None, "1", math.inf, -math.inf, math.nan, [1]])
def test_anything_else_is_not_a_finite_number(value: object) -> None:
    """Booleans are ints to Python, but not to JSON."""
    assert not is_finite_number(value)
