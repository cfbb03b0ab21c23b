"""Amounts of money: US dollars on the wire, whole millionths of a dollar internally, so that sums are exact."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import Field

from shared.settings import MAX_DOLLARS

MICROS_PER_DOLLAR = 1_000_000
PICOS_PER_MICRO = 1_000_000
"""Millionths of a millionth of a dollar in a millionth of a dollar.

A token may cost less than a millionth of a dollar, so costs are added up in the smaller unit.
"""
Dollars = Annotated[float, Field(strict=True, ge=0, le=MAX_DOLLARS, allow_inf_nan=False)]
"""An amount on the wire: a finite number that is not negative, and not a string."""


@dataclass(frozen=True)
class CostBounds:
    """Upper bounds of a call's cost in millionths of a dollar, with the shortest useful answer and with the longest."""

    minimum: int
    maximum: int


def to_picos(dollars: float) -> int:
    """Converts to millionths of a millionth of a dollar. Halves are rounded up."""
    return int((Decimal(repr(dollars)) * MICROS_PER_DOLLAR * PICOS_PER_MICRO).to_integral_value(ROUND_HALF_UP))


def to_micros(dollars: float) -> int:
    """Converts to millionths of a dollar. Halves are rounded up."""
    return int((Decimal(repr(dollars)) * MICROS_PER_DOLLAR).to_integral_value(ROUND_HALF_UP))


def to_micros_rounded_up(dollars: float) -> int:
    """Converts to millionths of a dollar. Fractions are rounded up, so that the result is never too small."""
    return int((Decimal(repr(dollars)) * MICROS_PER_DOLLAR).to_integral_value(ROUND_CEILING))


def to_dollars(micros: int) -> float:
    """Converts to US dollars. `to_micros(to_dollars(n)) == n` for every amount up to `MAX_DOLLARS`."""
    return micros / MICROS_PER_DOLLAR
