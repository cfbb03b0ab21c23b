"""Parses the JSON text that a run returns."""

import json
import re

from pydantic import JsonValue
from pydantic_core import from_json

from shared.sandbox.inside.json_values import InvalidJson

_MAY_BE_INFINITE = re.compile(r"\d[eE]\+?\d{3}|\d{309}")
"""Matches numbers that may be read as infinity, such as `1e999`."""


def parse_json(text: str, name: str) -> JsonValue:
    """Parses strict JSON, without `NaN`. `name`: the value's name in errors. Raises `InvalidJson`."""
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        reason = str(error)[:200]
        if "recursion limit" in reason:
            raise InvalidJson(f"The {name} is nested too deeply.") from error
        if "hex escape" in reason:
            reason = "a lone surrogate is not valid text"
        elif "NaN" in text or "Infinity" in text:
            reason = "NaN and Infinity are not valid JSON"
        raise InvalidJson(f"The {name} is not JSON: {reason}.") from error
    if _MAY_BE_INFINITE.search(text) and not _is_finite(value):
        raise InvalidJson(f"The {name} is not JSON: it contains a number that is too large.")
    return value


def _is_finite(value: JsonValue) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
