"""Checks parameters that are objects. Their shape is the same for all providers, but some accept only a part of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from shared.llm.catalog.errors import InvalidParameters
from shared.models.catalog import ParameterSpec

MAX_BIASES = 300
"""The maximum number of tokens in a `logit_bias`."""
_MAX_BIAS = 100
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORMAT_FIELDS = {"type", "json_schema"}
_VALUES = ("enum", "const", "default", "examples")
_SCHEMA_FIELDS = {"name", "description", "schema", "strict"}


def check_object(name: str, value: Mapping[str, Any], spec: ParameterSpec) -> None:
    """Raises `InvalidParameters` if a parameter's object is not valid. Messages do not contain the caller's values."""
    match name:
        case "response_format":
            _check_format(value, spec)
        case "logit_bias":
            _check_biases(value)
        case _:
            pass


def _check_format(value: Mapping[str, Any], spec: ParameterSpec) -> None:
    types = spec.choices or []
    if value.get("type") not in types:
        raise InvalidParameters(f"response_format must have a type, one of {', '.join(types)}, for this model.")
    if unknown := value.keys() - _FORMAT_FIELDS:
        raise InvalidParameters(
            f"response_format has unknown fields ({len(unknown)}): only type and json_schema are allowed."
        )
    if value["type"] == "json_schema":
        _check_schema(value.get("json_schema"))
    elif "json_schema" in value:
        raise InvalidParameters("response_format may only have a json_schema with the type json_schema.")


def _check_schema(json_schema: Any) -> None:
    if not isinstance(json_schema, dict):
        raise InvalidParameters("response_format must have a json_schema with a name and a schema.")
    value = cast("dict[str, Any]", json_schema)
    if value.keys() - _SCHEMA_FIELDS:
        raise InvalidParameters(
            "response_format.json_schema may only have the fields name, description, schema and strict."
        )
    name = value.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidParameters(
            "response_format.json_schema.name must be 1 to 64 letters, digits, underscores and hyphens."
        )
    schema = value.get("schema")
    if not isinstance(schema, dict):
        raise InvalidParameters("response_format.json_schema.schema must be a JSON Schema: an object.")
    if value.get("strict") not in (None, True, False):
        raise InvalidParameters("response_format.json_schema.strict must be true or false.")
    if not isinstance(value.get("description", ""), str):
        raise InvalidParameters("response_format.json_schema.description must be a string.")


def check_top(value: Mapping[str, Any]) -> None:
    """Raises `InvalidParameters` if the schema in a checked `response_format` does not describe an object."""
    if value["json_schema"]["schema"].get("type") != "object":
        raise InvalidParameters('response_format.json_schema.schema must have the type "object" at the top level.')


def check_closed(value: Mapping[str, Any]) -> None:
    """Raises `InvalidParameters` if a checked `response_format` is strict, but its schema does not allow that."""
    json_schema: Mapping[str, Any] = value.get("json_schema") or {}
    if json_schema.get("strict") and not all(map(_is_closed, _iterate_object_schemas(json_schema["schema"]))):
        raise InvalidParameters(
            "response_format.json_schema: with strict, each object must set additionalProperties to false, and "
            "list all its properties in required."
        )


def _iterate_object_schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yields all schemas of objects within a schema. Values such as examples are skipped."""
    remaining: list[Any] = [schema]
    while remaining:
        part = remaining.pop()
        if isinstance(part, list):
            remaining += cast("list[Any]", part)
        elif isinstance(part, dict):
            fields = cast("dict[str, Any]", part)
            properties = fields.get("properties")
            if fields.get("type") == "object" or isinstance(properties, dict):
                yield fields
            remaining += [item for name, item in fields.items() if name not in ("properties", *_VALUES)]
            remaining += [*cast("dict[str, Any]", properties).values()] if isinstance(properties, dict) else []


def _is_closed(schema: Mapping[str, Any]) -> bool:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    all_required = (
        isinstance(properties, dict) and isinstance(required, list) and all(name in required for name in properties)
    )
    return schema.get("additionalProperties") is False and all_required


def _check_biases(value: Mapping[str, Any]) -> None:
    if len(value) > MAX_BIASES:
        raise InvalidParameters(f"logit_bias must have at most {MAX_BIASES} tokens.")
    for token, bias in value.items():
        is_valid_bias = isinstance(bias, int | float) and not isinstance(bias, bool) and -_MAX_BIAS <= bias <= _MAX_BIAS
        if not (is_valid_bias and token.isascii() and token.isdigit()):
            raise InvalidParameters(
                f"logit_bias must map token ids, which are digits, to numbers from -{_MAX_BIAS} to {_MAX_BIAS}."
            )
