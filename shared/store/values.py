"""Converts the values of documents to and from Firestore's protocol messages.

The client library converts them through wrappers of the messages, which takes about ten times as long.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_fields(document: Mapping[str, Any], message: Any) -> None:
    """Writes the fields of `document` into `message`, the map of a document's or a value's fields.

    Values may be None, booleans, 64-bit integers, floats, strings, bytes, datetimes, and lists and maps of these.
    Datetimes lose nothing below a microsecond. Raises `TypeError` for any other value.
    """
    for name, value in document.items():
        _encode(value, message[name])


def _encode(value: Any, message: Any) -> None:
    match value:
        case None:
            message.null_value = 0
        case bool():
            message.boolean_value = value
        case int():
            message.integer_value = value
        case str():
            message.string_value = value
        case float():
            message.double_value = value
        case datetime():
            passed = value - _EPOCH
            message.timestamp_value.seconds = passed // timedelta(seconds=1)
            message.timestamp_value.nanos = passed.microseconds * 1000
        case bytes():
            message.bytes_value = value
        case list() | tuple():
            message.array_value.SetInParent()
            for item in value:  # pyright: ignore[reportUnknownVariableType]
                _encode(item, message.array_value.values.add())
        case dict():
            message.map_value.SetInParent()
            encode_fields(value, message.map_value.fields)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            raise TypeError(f"Firestore cannot store a value of type {type(value).__name__} in a document.")


def decode_fields(message: Any) -> dict[str, Any]:
    """Returns the fields of a document or a value as Python objects, with times in UTC."""
    return {name: _decode(value) for name, value in message.items()}


def _decode(message: Any) -> Any:
    kind: str = message.WhichOneof("value_type")
    match kind:
        case "null_value":
            return None
        case "timestamp_value":
            time = message.timestamp_value
            return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1000)
        case "array_value":
            return [_decode(item) for item in message.array_value.values]
        case "map_value":
            return decode_fields(message.map_value.fields)
        case _:
            return getattr(message, kind)
