"""Checks that values from agent code are JSON and limited in size."""

from json import dumps  # by name, as code may replace it in its module
from typing import Any, cast

_ITEM_BYTES = 16
"""The size that each value counts for, in addition to its characters."""
_MAX_DEPTH = 190
"""JSON parsers refuse deeper values, and encoding them may overflow the stack."""


class NotJson(ValueError):
    """The value is not JSON. `args[0]` is a message for the author of the code."""


def json_text(value: Any, max_bytes: int, what: str) -> str:
    """Returns the value as JSON text. Tuples become lists, and keys that are numbers become strings.

    `what` names the value in errors. Raises `NotJson` if it is not JSON, too deeply nested, or longer than `max_bytes`.
    """
    refuse_large(value, max_bytes, what)
    try:
        text = dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # fails for lone surrogates
    except RecursionError as error:
        raise NotJson(f"The {what} is nested too deeply.") from error
    except (TypeError, ValueError) as error:
        raise NotJson(f"The {what} is not JSON: {error}.") from error
    refuse_long(text, max_bytes, what)
    return text


def refuse_large(value: Any, max_bytes: int, what: str) -> None:
    """Raises `NotJson` if a value is too deeply nested or would be longer than `max_bytes`, without encoding it.

    A value of a few megabytes may refer to the same string or list a thousand times; each reference counts.
    """
    size = depth = 0
    level: list[Any] = [value]
    while level:
        if depth > _MAX_DEPTH:
            raise NotJson(f"The {what} is nested too deeply.")
        depth += 1
        below: list[Any] = []
        for item in level:
            match item:
                case str() | bytes():
                    size += len(item)
                case dict():
                    fields = cast("dict[Any, Any]", item)
                    below.extend(fields)
                    below.extend(fields.values())
                case list() | tuple():
                    below.extend(cast("list[Any]", item))
                case _:
                    pass
            size += _ITEM_BYTES
            if size + len(below) > max_bytes:
                raise NotJson(f"The {what} is longer than {max_bytes} bytes, the maximum.")
        level = below


def refuse_long(text: str, max_bytes: int, what: str) -> None:
    """Raises `NotJson` if JSON text is longer than `max_bytes`."""
    size = len(text.encode("utf-8", "replace"))
    if size > max_bytes:
        raise NotJson(f"The {what} is {size} bytes long as JSON; at most {max_bytes} are allowed.")
