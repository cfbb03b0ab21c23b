"""Checks the arguments of calls, which may be any values. All of these functions raise `CallFailed`."""

from __future__ import annotations

from json import loads  # by name, as code may replace it in its module
from typing import TYPE_CHECKING, Any, cast

from shared.sandbox.inside.calls import CallFailed
from shared.sandbox.inside.json_values import InvalidJson, encode_json, refuse_large

if TYPE_CHECKING:
    from shared.models.wire import JsonObject

_MAX_BYTES = 2_000_000
_MAX_NAME_CHARACTERS = 10_000


def check_string(name: str, value: Any) -> str:
    """Checks a short string: a name, a URL or a token."""
    if not isinstance(value, str):
        raise CallFailed(f"{name} must be a string, not {_name_type(value)}.", TypeError)
    if len(value) > _MAX_NAME_CHARACTERS:
        raise CallFailed(f"{name} has {len(value)} characters; the limit is {_MAX_NAME_CHARACTERS}.", ValueError)
    return value


def check_optional_string(name: str, value: Any) -> str | None:
    """Like `check_string`, but also accepts None."""
    return None if value is None else check_string(name, value)


def check_timeout(value: Any) -> float | None:
    """Checks a timeout, which may be None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise CallFailed("timeout must be a positive number of seconds.", ValueError)
    return float(value)


def copy_json(name: str, value: Any) -> Any:
    """Returns a copy of a JSON value of limited size."""
    try:
        return loads(encode_json(value, _MAX_BYTES, f"value of {name}"))
    except InvalidJson as error:
        raise CallFailed(str(error), TypeError) from error


def copy_json_object(name: str, value: Any) -> JsonObject:
    """Like `copy_json`, but requires a dict."""
    if not isinstance(value, dict):
        raise CallFailed(f"{name} must be a dict, not {_name_type(value)}.", TypeError)
    return copy_json(name, value)


def check_optional_object(name: str, value: Any) -> JsonObject | None:
    """Like `copy_json_object`, but also accepts None."""
    return None if value is None else copy_json_object(name, value)


def copy_json_list(name: str, value: Any) -> list[Any]:
    """Like `copy_json`, but requires a list or a tuple."""
    if not isinstance(value, list | tuple):
        raise CallFailed(f"{name} must be a list, not {_name_type(value)}.", TypeError)
    return copy_json(name, value)


def to_pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """Returns the pairs of a query or a form, which is a list of pairs, or a dict whose values may be lists."""
    if value is None:
        return []
    _refuse_large(name, value)
    items: Any = value.items() if isinstance(value, dict) else value
    if not isinstance(value, dict | list | tuple):
        raise CallFailed(f"{name} must be a dict, not {_name_type(value)}.", TypeError)
    pairs: list[tuple[str, str]] = []
    for item in items:
        if not isinstance(item, list | tuple) or len(cast("list[Any]", item)) != 2:
            raise CallFailed(f"{name} must be a dict or a list of pairs.", TypeError)
        key, inner = cast("tuple[Any, Any]", item)
        values: list[Any] = list(cast("list[Any]", inner)) if isinstance(inner, list | tuple) else [inner]
        pairs.extend((_format_value(name, key), _format_value(name, part)) for part in values)
    return pairs


def to_string_dict(name: str, value: Any) -> dict[str, str]:
    """Returns headers or cookies as a dict. Accepts the same values as `to_pairs`. The last value of a name is used."""
    return dict(to_pairs(name, value))


def _format_value(name: str, value: Any) -> str:
    """Formats a string, number, boolean or None for a query or a form."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            try:
                return str(value)
            except ValueError as error:  # an integer with thousands of digits
                raise CallFailed(f"{name}: {error}", ValueError) from error
        case None:
            return ""
        case _:
            raise CallFailed(f"{name} may contain strings and numbers, not {_name_type(value)}.", TypeError)


def to_bytes(name: str, value: Any) -> bytes:
    """Returns the bytes of a body."""
    if not isinstance(value, str | bytes):
        raise CallFailed(f"{name} must be a string or bytes, not {_name_type(value)}.", TypeError)
    _refuse_large(name, value)
    return value.encode("utf-8", "replace") if isinstance(value, str) else value


def _refuse_large(name: str, value: Any) -> None:
    try:
        refuse_large(value, _MAX_BYTES, f"value of {name}")
    except InvalidJson as error:
        raise CallFailed(str(error), ValueError) from error


def _name_type(value: Any) -> str:
    return "None" if value is None else type(value).__name__
