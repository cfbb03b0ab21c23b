"""Reads the JSON text that comes out of a run."""

import json
import re

from pydantic import JsonValue
from pydantic_core import from_json

from shared.sandbox.inside.json_values import NotJson

_MAY_BE_INFINITE = re.compile(r"\d[eE]\+?\d{3}|\d{309}")
"""`1e999` is read as infinity."""


def parse_json(text: str, what: str) -> JsonValue:
    """Reads strict JSON, without `NaN`. `what` names it in errors. Raises `NotJson`."""
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        why = str(error)[:200]
        if "recursion limit" in why:
            raise NotJson(f"The {what} is nested too deep.") from error
        if "hex escape" in why:
            why = "half of a surrogate pair is not text"
        elif "NaN" in text or "Infinity" in text:
            why = "NaN and Infinity have no JSON"
        raise NotJson(f"The {what} is not JSON: {why}.") from error
    if _MAY_BE_INFINITE.search(text) and not _is_finite(value):
        raise NotJson(f"The {what} is not JSON: it holds a number that is too large.")
    return value


def _is_finite(value: JsonValue) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
