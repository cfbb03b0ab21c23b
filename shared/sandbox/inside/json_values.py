"""Whether a value that comes out of a run is JSON."""

import json
from typing import Any, cast

_ITEM = 16
"""What each value counts for, beside its text."""


class NotJson(ValueError):
    """`args[0]` is a sentence for whoever wrote the code."""


def json_text(value: Any, most_bytes: int, what: str) -> str:
    """The value as JSON text; tuples become lists, and keys that are numbers texts.

    Raises `NotJson` for what has no JSON, is nested too deep, or is longer than `most_bytes`.
    """
    refuse_large(value, most_bytes, what)
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # half a surrogate pair is no text
    except RecursionError as error:
        raise NotJson(f"The {what} is nested too deep.") from error
    except (TypeError, ValueError) as error:
        raise NotJson(f"The {what} is not JSON: {error}.") from error
    refuse_long(text, most_bytes, what)
    return text


def refuse_large(value: Any, most: int, what: str) -> None:
    """Raises `NotJson` for a value that would be longer than `most`, before it is written out.

    A value of a few megabytes may name the same text, or the same list, a thousand times over: each time counts.
    """
    size = 0
    todo: list[Any] = [value]
    while todo:
        item = todo.pop()
        match item:
            case str() | bytes():
                size += len(item)
            case dict():
                fields = cast("dict[Any, Any]", item)
                todo.extend(fields)
                todo.extend(fields.values())
            case list() | tuple():
                todo.extend(cast("list[Any]", item))
            case _:
                pass
        size += _ITEM
        if size + len(todo) > most:
            raise NotJson(f"The {what} is longer than {most} bytes, which is the most that is allowed.")


def refuse_long(text: str, most_bytes: int, what: str) -> None:
    """Raises `NotJson`."""
    size = len(text.encode("utf-8", "replace"))
    if size > most_bytes:
        raise NotJson(f"The {what} is {size} bytes long as JSON; at most {most_bytes} are allowed.")
