"""Checks untrusted numbers: in Python, `True` is an int, and a float may be infinite or NaN."""

import math
from typing import TypeGuard


def is_finite_number(value: object) -> TypeGuard[int | float]:
    """Whether `value` is an int or a finite float. False for booleans, infinity and NaN."""
    match value:
        case bool():
            return False
        case int():
            return True
        case float():
            return math.isfinite(value)
        case _:
            return False
