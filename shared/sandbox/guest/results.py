"""Encodes a run's result as JSON, or finds the part of the result that is not JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from json import dumps  # by name, as code may replace it in its module
from typing import Any, cast
from uuid import UUID

from shared.sandbox.inside.json_values import InvalidJson, refuse_long

_MAX_DEPTH = 100
_MAX_PATH_CHARACTERS = 200


def encode_result(value: Any, max_bytes: int) -> str:
    """Returns the result as JSON text. Tuples become lists, and UUIDs become strings. Raises `InvalidJson`."""
    try:
        text = dumps(value, default=_encode_uuid, allow_nan=False)
    except RecursionError as error:
        raise InvalidJson("The result is nested too deeply.") from error
    except (TypeError, ValueError) as error:
        raise InvalidJson(_find_error(value) or f"The result is not JSON: {error}.") from error
    if "\\ud" in text and (error_text := _find_error(value)):
        raise InvalidJson(error_text)
    refuse_long(text, max_bytes, "result")
    return text


def _encode_uuid(value: Any) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _find_error(value: Any) -> str | None:
    """Describes the first part that is not JSON. Returns None if no single part is the cause."""
    for part, path in _walk(value):
        at = f", at result{path[:_MAX_PATH_CHARACTERS]}" if path else ""
        match part:
            case None | bool() | int() | UUID() | dict() | list() | tuple():
                continue
            case str():
                if _is_encodable(part):
                    continue
                return f"The result is not JSON: a lone surrogate is not valid text{at}."
            case float():
                if math.isfinite(part):
                    continue
                return f"The result is not JSON: NaN and Infinity are not valid JSON{at}."
            case _:
                kind = f"a {type(part).__name__}"
                return f"The result must be JSON, and {kind} is not{at}. Return dicts, lists, strings and numbers."
    return None


def _walk(value: Any) -> Iterator[tuple[Any, str]]:
    """Yields all values, outer ones first, each with its path, such as `['items'][3]`."""
    waiting: list[tuple[Any, str, int]] = [(value, "", 0)]
    while waiting:
        part, path, depth = waiting.pop()
        yield part, path
        if depth == _MAX_DEPTH:
            continue
        if isinstance(part, dict):
            fields = cast("dict[Any, Any]", part)
            inner = [(fields[key], f"{path}[{key!r}]", depth + 1) for key in fields]
            waiting += [(key, f"{path} (a key)", _MAX_DEPTH) for key in fields] + inner[::-1]
        elif isinstance(part, list | tuple):
            items = list(enumerate(cast("list[Any]", part)))
            waiting += [(item, f"{path}[{number}]", depth + 1) for number, item in reversed(items)]


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
