"""Reads strings that represent values of other types, as forms send them: `"3"`, `"true"`, `"null"`, and JSON."""

import math
import re
from typing import Any

from pydantic_core import from_json

from shared.json_schema.cost import MAX_LEVELS, measure_depth

_MAX_NUMBER_CHARACTERS = 400
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_EXACT = 2**53
"""Floating-point numbers represent all integers below this exactly."""

NOTHING = object()
"""Represents a missing value, because None represents null."""


def read_literal(text: str, types: frozenset[str]) -> Any:
    """Returns the value of one of these types that a stripped string represents, or `NOTHING`.

    The type "string" is ignored.
    """
    if text.lower() in ("true", "false") and "boolean" in types:
        return text.lower() == "true"
    if text == "null" and "null" in types:
        return None
    if types & {"number", "integer"} and len(text) <= _MAX_NUMBER_CHARACTERS and _NUMBER.fullmatch(text):
        return _read_number(text, whole="number" not in types)
    if (text[0] == "[" and "array" in types) or (text[0] == "{" and "object" in types):
        try:
            value = from_json(text, allow_inf_nan=False)
        except ValueError:
            return NOTHING
        return value if measure_depth(value) <= MAX_LEVELS else NOTHING
    return NOTHING


def _read_number(text: str, whole: bool) -> Any:
    """Returns the number. `whole`: whether it must be an integer, which may also be written as 3.0."""
    if text.lstrip("+-").isdigit():
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        return NOTHING
    if not whole:
        return number
    return int(number) if number.is_integer() and abs(number) < _EXACT else NOTHING
