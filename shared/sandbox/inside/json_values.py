"""Whether a value that comes out of a run is JSON."""

from json import dumps  # by name, as code may put its own in its module
from typing import Any, cast

_ITEM = 16
"""What each value counts for, beside its text."""
_DEEPEST = 190
"""What is deeper is not read by whoever gets it, and writing it out may take more stack than there is."""


class NotJson(ValueError):
    """`args[0]` is a sentence for whoever wrote the code."""


def json_text(value: Any, most_bytes: int, what: str) -> str:
    """The value as JSON text; tuples become lists, and keys that are numbers texts.

    Raises `NotJson` for what has no JSON, is nested too deep, or is longer than `most_bytes`.
    """
    refuse_large(value, most_bytes, what)
    try:
        text = dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # half a surrogate pair is no text
    except RecursionError as error:
        raise NotJson(f"The {what} is nested too deep.") from error
    except (TypeError, ValueError) as error:
        raise NotJson(f"The {what} is not JSON: {error}.") from error
    refuse_long(text, most_bytes, what)
    return text


def refuse_large(value: Any, most: int, what: str) -> None:
    """Raises `NotJson` for a value that would be longer than `most`, or is too deep, before it is written out.

    A value of a few megabytes may name the same text, or the same list, a thousand times over: each time counts.
    """
    size = depth = 0
    level: list[Any] = [value]
    while level:
        if depth > _DEEPEST:
            raise NotJson(f"The {what} is nested too deep.")
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
            size += _ITEM
            if size + len(below) > most:
                raise NotJson(f"The {what} is longer than {most} bytes, which is the most that is allowed.")
        level = below


def refuse_long(text: str, most_bytes: int, what: str) -> None:
    """Raises `NotJson`."""
    size = len(text.encode("utf-8", "replace"))
    if size > most_bytes:
        raise NotJson(f"The {what} is {size} bytes long as JSON; at most {most_bytes} are allowed.")
