"""Checks that values from agent code are JSON and within a maximum size."""

from json import dumps  # by name, as code may replace it in its module
from typing import Any, cast

_ITEM_BYTES = 16
"""The number of bytes that each value counts for, in addition to its characters."""
_MAX_DEPTH = 190
"""The maximum nesting depth. JSON parsers refuse deeper values, and encoding them may overflow the stack."""


class InvalidJson(ValueError):
    """A value is not JSON, or is too large. `args[0]` is a message for the author of the code."""


def encode_json(value: Any, max_bytes: int, name: str) -> str:
    """Returns the value as JSON text. Tuples become lists, and keys that are numbers become strings.

    `name`: the value's name in errors. Raises `InvalidJson` if the value is not JSON, is nested too deeply, or is
    longer than `max_bytes`.
    """
    refuse_large(value, max_bytes, name)
    try:
        text = dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # fails for lone surrogates
    except RecursionError as error:
        raise InvalidJson(f"The {name} is nested too deeply.") from error
    except (TypeError, ValueError) as error:
        raise InvalidJson(f"The {name} is not JSON: {error}.") from error
    refuse_long(text, max_bytes, name)
    return text


def refuse_large(value: Any, max_bytes: int, name: str) -> None:
    """Raises `InvalidJson` if a value is nested too deeply, or would be longer than `max_bytes`. Does not encode it.

    A value of a few megabytes may refer to the same string or list a thousand times. Each reference counts.
    """
    size = depth = 0
    level: list[Any] = [value]
    while level:
        if depth > _MAX_DEPTH:
            raise InvalidJson(f"The {name} is nested too deeply.")
        depth += 1
        next_level: list[Any] = []
        for item in level:
            match item:
                case str() | bytes():
                    size += len(item)
                case dict():
                    fields = cast("dict[Any, Any]", item)
                    next_level.extend(fields)
                    next_level.extend(fields.values())
                case list() | tuple():
                    next_level.extend(cast("list[Any]", item))
                case _:
                    pass
            size += _ITEM_BYTES
            if size + len(next_level) > max_bytes:
                raise InvalidJson(f"The {name} is longer than the limit of {max_bytes} bytes.")
        level = next_level


def refuse_long(text: str, max_bytes: int, name: str) -> None:
    """Raises `InvalidJson` if JSON text is longer than `max_bytes`."""
    size = len(text.encode("utf-8", "replace"))
    if size > max_bytes:
        raise InvalidJson(f"The {name} is {size} bytes long as JSON; the limit is {max_bytes}.")
