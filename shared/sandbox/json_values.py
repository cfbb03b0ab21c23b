"""Reads the JSON text that comes out of a run."""

from pydantic import JsonValue
from pydantic_core import from_json

from shared.sandbox.inside.json_values import NotJson


def parsed(text: str, what: str) -> JsonValue:
    """By the letter of JSON: `NaN` is none. Raises `NotJson`."""
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        why = str(error)[:200]
        if "recursion limit" in why:
            raise NotJson(f"The {what} is nested too deep.") from error
        if "NaN" in text or "Infinity" in text:
            why = "NaN and Infinity have no JSON"
        raise NotJson(f"The {what} is not JSON: {why}.") from error
    return value
