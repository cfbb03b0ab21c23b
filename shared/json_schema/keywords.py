"""Reads the keywords of one schema: types, listed values, and the schemas of properties and elements.

References and combinations (`$ref`, `allOf`, `anyOf`, `oneOf`) are left to the caller.
"""

from collections.abc import Iterator
from typing import Any, cast

from shared.models.wire import JsonObject

EVERY_TYPE = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})


def allowed_types(schema: JsonObject) -> frozenset[str]:
    """Returns the types of values that the schema allows. Every integer is a number."""
    types = EVERY_TYPE
    type_ = schema.get("type")
    if type_ is not None:
        names = {type_} if isinstance(type_, str) else {str(name) for name in list_or_empty(type_)}
        types &= names | ({"integer"} if "number" in names else set[str]())
    for values in listed_values(schema):
        types &= {_type_of(value) for value in values} | _number_types(values)
    return types


def listed_values(schema: JsonObject) -> Iterator[list[Any]]:
    """Yields the lists of values that `const` and `enum` allow, if the schema has them."""
    if "const" in schema:
        yield [schema["const"]]
    if isinstance(schema.get("enum"), list):
        yield cast(list[Any], schema["enum"])


def property_schemas(schema: JsonObject, name: str) -> list[Any]:
    """Returns the schemas of a property.

    Patterns are not tried: if the schema has any, only named properties have schemas.
    """
    properties = schema.get("properties")
    if isinstance(properties, dict) and name in properties:
        return [cast(JsonObject, properties)[name]]
    if "additionalProperties" in schema and "patternProperties" not in schema:
        return [schema["additionalProperties"]]
    return []


def element_schemas(schema: JsonObject, index: int) -> list[Any]:
    """Returns the schemas of an array's element: its own, or the common schema of the remaining elements."""
    items = schema.get("items")
    first = list_or_empty(schema.get("prefixItems")) or list_or_empty(items)
    if index < len(first):
        return [first[index]]
    rest = schema.get("additionalItems") if isinstance(items, list) else items
    return [] if rest is None else [rest]


def list_or_empty(value: Any) -> list[Any]:
    """Returns a keyword's value if it is a list, otherwise an empty list."""
    return cast(list[Any], value) if isinstance(value, list) else []


def _number_types(values: list[Any]) -> set[str]:
    """Returns both number types if there is a number, because 1 and 1.0 are equal."""
    return {"number", "integer"} if any(_type_of(value) in ("number", "integer") for value in values) else set()


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
