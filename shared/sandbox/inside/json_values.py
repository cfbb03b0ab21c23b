"""Checks whether a value from agent code is JSON, and of limited size."""

from json import dumps  # by name, as code may replace it in its module
from typing import Any, cast

_ITEM_BYTES = 16
"""What each value counts for, beside its characters."""
_MAX_DEPTH = 190
"""JSON parsers refuse deeper values, and writing them may take more stack than there is."""


class NotJson(ValueError):
    """The value is not JSON. `args[0]` is a sentence for the author of the code."""


def json_text(value: Any, most_bytes: int, what: str) -> str:
    """The value as JSON text; tuples become lists, and keys that are numbers become strings.

    `what` names it in errors. Raises `NotJson` for what is not JSON, too deeply nested, or longer than `most_bytes`.
    """
    refuse_large(value, most_bytes, what)
    try:
        text = dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # lone surrogates have no UTF-8
    except RecursionError as error:
        raise NotJson(f"The {what} is nested too deeply.") from error
    except (TypeError, ValueError) as error:
        raise NotJson(f"The {what} is not JSON: {error}.") from error
    refuse_long(text, most_bytes, what)
    return text


def refuse_large(value: Any, most: int, what: str) -> None:
    """Raises `NotJson` for a value that is too deep, or would be longer than `most` bytes, before it is written.

    A value of a few megabytes may refer to the same string or list a thousand times: each time counts.
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
            if size + len(below) > most:
                raise NotJson(f"The {what} is longer than {most} bytes, the maximum.")
        level = below


def refuse_long(text: str, most_bytes: int, what: str) -> None:
    """Raises `NotJson` for JSON text that is longer than `most_bytes`."""
    size = len(text.encode("utf-8", "replace"))
    if size > most_bytes:
        raise NotJson(f"The {what} is {size} bytes long as JSON; at most {most_bytes} are allowed.")
