"""Whether a value that comes out of a run is JSON."""

import json
from typing import Any

from pydantic import JsonValue
from pydantic_core import from_json


class NotJson(ValueError):
    """`args[0]` is a sentence for whoever wrote the code."""


def json_text(value: Any, most_bytes: int, what: str) -> str:
    """The value as JSON text; tuples become lists, and keys that are numbers texts.

    Raises `NotJson` for what has no JSON, is nested too deep, or is longer than `most_bytes`.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except RecursionError as error:
        raise NotJson(f"The {what} is nested too deep.") from error
    except (TypeError, ValueError) as error:
        raise NotJson(f"The {what} is not JSON: {error}.") from error
    refuse_long(text, most_bytes, what)
    return text


def refuse_long(text: str, most_bytes: int, what: str) -> None:
    """Raises `NotJson`."""
    size = len(text.encode("utf-8", "replace"))
    if size > most_bytes:
        raise NotJson(f"The {what} is {size} bytes long as JSON; at most {most_bytes} are allowed.")


def parsed(text: str, what: str) -> JsonValue:
    """By the letter of JSON: `NaN` is none. Raises `NotJson`."""
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise NotJson(f"The {what} is not JSON: {str(error)[:200]}.") from error
    return value
