"""Money: US dollars outside, whole millionths of a dollar inside, so that sums are exact."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import Field

from shared.settings import MAX_DOLLARS

MICROS_PER_DOLLAR = 1_000_000
Dollars = Annotated[float, Field(strict=True, ge=0, le=MAX_DOLLARS, allow_inf_nan=False)]
"""An amount on the wire: a number, not a text; finite, not negative."""


def to_micros(dollars: float) -> int:
    """Millionths of a dollar, rounded to the nearest, halves up."""
    return int((Decimal(repr(dollars)) * MICROS_PER_DOLLAR).to_integral_value(ROUND_HALF_UP))


def to_dollars(micros: int) -> float:
    """Exact in decimal: `to_micros(to_dollars(n)) == n` for every amount up to `MAX_DOLLARS`."""
    return micros / MICROS_PER_DOLLAR
