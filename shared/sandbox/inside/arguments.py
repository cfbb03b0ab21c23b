"""What agent code hands to a call, checked: it may be anything. Each raises `CallFailed` for what does not fit."""

from __future__ import annotations

from json import loads  # by name, as code may put its own in its module
from typing import TYPE_CHECKING, Any, cast

from shared.sandbox.inside.calls import CallFailed
from shared.sandbox.inside.json_values import NotJson, json_text, refuse_large

if TYPE_CHECKING:
    from shared.models.wire import JsonObject

_LONGEST_BYTES = 2_000_000
_LONGEST_NAME = 10_000


def text(name: str, value: Any) -> str:
    """A name, a URL, a token: none is longer than a few thousand characters."""
    if not isinstance(value, str):
        raise CallFailed(f"{name} must be a text, not {_kind(value)}.", TypeError)
    if len(value) > _LONGEST_NAME:
        raise CallFailed(f"{name} has {len(value)} characters; at most {_LONGEST_NAME} are taken.", ValueError)
    return value


def text_or_none(name: str, value: Any) -> str | None:
    return None if value is None else text(name, value)


def seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise CallFailed("timeout must be a number of seconds above 0.", ValueError)
    return float(value)


def json_value(name: str, value: Any) -> Any:
    try:
        return loads(json_text(value, _LONGEST_BYTES, name))
    except NotJson as error:
        raise CallFailed(str(error), TypeError) from error


def json_object(name: str, value: Any) -> JsonObject:
    if not isinstance(value, dict):
        raise CallFailed(f"{name} must be a dict, not {_kind(value)}.", TypeError)
    return json_value(name, value)


def json_list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise CallFailed(f"{name} must be a list, not {_kind(value)}.", TypeError)
    return json_value(name, value)


def pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """A query or a form: a dict, whose values may be lists, or a list of pairs."""
    if value is None:
        return []
    _refuse_large(name, value)
    items: Any = value.items() if isinstance(value, dict) else value
    if not isinstance(value, dict | list | tuple):
        raise CallFailed(f"{name} must be a dict, not {_kind(value)}.", TypeError)
    pairs: list[tuple[str, str]] = []
    for item in items:
        if not isinstance(item, list | tuple) or len(cast("list[Any]", item)) != 2:
            raise CallFailed(f"{name} must be a dict or a list of pairs.", TypeError)
        key, inner = cast("tuple[Any, Any]", item)
        several: list[Any] = list(cast("list[Any]", inner)) if isinstance(inner, list | tuple) else [inner]
        pairs.extend((_plain(name, key), _plain(name, one)) for one in several)
    return pairs


def texts(name: str, value: Any) -> dict[str, str]:
    return dict(pairs(name, value))


def _plain(name: str, value: Any) -> str:
    """A text, number, boolean or None as a query writes it."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            try:
                return str(value)
            except ValueError as error:  # an integer of thousands of digits
                raise CallFailed(f"{name}: {error}", ValueError) from error
        case None:
            return ""
        case _:
            raise CallFailed(f"{name} may hold texts and numbers, not {_kind(value)}.", TypeError)


def body_bytes(name: str, value: Any) -> bytes:
    """A body as it is sent."""
    if not isinstance(value, str | bytes):
        raise CallFailed(f"{name} must be a text or bytes, not {_kind(value)}.", TypeError)
    _refuse_large(name, value)
    return value.encode("utf-8", "replace") if isinstance(value, str) else value


def _refuse_large(name: str, value: Any) -> None:
    try:
        refuse_large(value, _LONGEST_BYTES, name)
    except NotJson as error:
        raise CallFailed(str(error), ValueError) from error


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__
