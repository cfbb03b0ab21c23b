"""Money: US dollars outside, whole millionths of a dollar inside, so that sums are exact."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import Field

from shared.settings import MAX_DOLLARS

MICROS_PER_DOLLAR = 1_000_000
PICOS_PER_MICRO = 1_000_000
"""What one token costs may be less than a millionth of a dollar, so costs are added up in millionths of that."""
Dollars = Annotated[float, Field(strict=True, ge=0, le=MAX_DOLLARS, allow_inf_nan=False)]
"""An amount on the wire: a number, not a text; finite, not negative."""


@dataclass(frozen=True)
class CostBounds:
    """What a call costs at most, in millionths of a dollar: with the shortest answer of use, and with the longest."""

    least: int
    most: int


def to_picos(dollars: float) -> int:
    """Millionths of a millionth of a dollar, rounded to the nearest, halves up."""
    return int((Decimal(repr(dollars)) * MICROS_PER_DOLLAR * PICOS_PER_MICRO).to_integral_value(ROUND_HALF_UP))


def to_micros(dollars: float) -> int:
    """Millionths of a dollar, rounded to the nearest, halves up."""
    return int((Decimal(repr(dollars)) * MICROS_PER_DOLLAR).to_integral_value(ROUND_HALF_UP))


def to_micros_at_most(dollars: float) -> int:
    """Millionths of a dollar, rounded up: what is counted so never comes to less than it was."""
    return int((Decimal(repr(dollars)) * MICROS_PER_DOLLAR).to_integral_value(ROUND_CEILING))


def to_dollars(micros: int) -> float:
    """Exact in decimal: `to_micros(to_dollars(n)) == n` for every amount up to `MAX_DOLLARS`."""
    return micros / MICROS_PER_DOLLAR
