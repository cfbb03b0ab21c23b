"""Describes an agent's input in the provider catalog: a parameter for each field except `inputText`."""

from typing import Any, cast

from shared.json_pointers import follow_pointer
from shared.json_schema.cost import NotASchema
from shared.json_schema.short_form import to_json_schema
from shared.models.catalog import ParameterSpec, ParameterType
from shared.models.wire import JsonObject

INPUT_TEXT = "inputText"
_MAX_DESCRIPTION_CHARACTERS = 1_000
_TYPES: dict[str, ParameterType] = {
    "string": "string",
    "integer": "integer",
    "number": "float",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}


def to_parameter_specs(input_schema: JsonObject | None) -> dict[str, ParameterSpec]:
    """Returns the parameters by name, in the schema's order; none for an invalid schema.

    Those without a type are strings.
    """
    if input_schema is None:
        return {}
    try:
        schema = to_json_schema(input_schema)
    except NotASchema:
        return {}
    properties = _target(schema, schema).get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: _spec(_target(schema, each)) for name, each in properties.items() if name != INPUT_TEXT}


def _target(schema: JsonObject, part: Any) -> JsonObject:
    """Returns the part, merged with the definition that it refers to, if any."""
    if not isinstance(part, dict):
        return {}
    part = cast(JsonObject, part)
    try:
        target = follow_pointer(schema, str(part.get("$ref", "")))
    except LookupError:
        return part
    return {**cast(JsonObject, target), **part} if isinstance(target, dict) else part


def _spec(schema: JsonObject) -> ParameterSpec:
    choices = schema.get("enum")
    type_ = schema.get("type")
    names: list[Any] = cast(list[Any], type_) if isinstance(type_, list) else [type_]
    types: list[ParameterType] = [_TYPES[name] for name in names if isinstance(name, str) and name in _TYPES]
    description = str(schema.get("description") or schema.get("title") or "")
    first: ParameterType = types[0] if types else "string"
    kind: ParameterType = "choice" if isinstance(choices, list) else first
    return ParameterSpec(
        type=kind,
        description=description[:_MAX_DESCRIPTION_CHARACTERS],
        default=schema.get("default"),
        min=_number(schema.get("minimum")),
        max=_number(schema.get("maximum")),
        choices=choices if isinstance(choices, list) else None,
    )


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
