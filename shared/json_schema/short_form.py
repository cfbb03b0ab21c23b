"""Distinguishes the two forms of an agent's schema, and converts the short form to JSON Schema.

The short form lists fields with their types: `{"inputText": "string", "n": "integer", "tags": ["string"]}`.
"""

from typing import Any, cast

from shared.json_schema.cost import NotASchema
from shared.models.wire import JsonObject

_TYPES = {
    **dict.fromkeys(("string", "str", "text"), "string"),
    **dict.fromkeys(("number", "float", "double"), "number"),
    **dict.fromkeys(("integer", "int"), "integer"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("object", "dict", "map"), "object"),
    **dict.fromkeys(("array", "list"), "array"),
}
_JSON_TYPES = {*_TYPES.values(), "null"}
_ONLY_IN_JSON_SCHEMA = {"$schema", "$ref", "$defs", "$id"}
_KEYWORDS = {
    *_ONLY_IN_JSON_SCHEMA,
    *("$comment", "$anchor", "definitions", "type", "enum", "const", "title", "description", "default", "examples"),
    *("readOnly", "writeOnly", "deprecated", "nullable", "example"),
    *("properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties"),
    *("maxProperties", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties"),
    *("items", "prefixItems", "additionalItems", "contains", "minContains", "maxContains", "minItems", "maxItems"),
    *("uniqueItems", "unevaluatedItems", "minLength", "maxLength", "pattern", "format"),
    *("contentEncoding", "contentMediaType", "contentSchema", "minimum", "maximum", "exclusiveMinimum"),
    *("exclusiveMaximum", "multipleOf", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
}


def to_json_schema(schema: JsonObject) -> JsonObject:
    """Returns a schema of either form as JSON Schema. JSON Schema is returned unchanged. Raises `NotASchema`."""
    return schema if is_json_schema(schema) else _from_short(schema, "", 0)


def to_value_schema(schema: JsonObject) -> JsonObject:
    """Returns the schema of a value that need not be an object, such as an answer, as JSON Schema.

    It may have either form, like the schema of a field. `{"type": "string"}` is therefore JSON Schema here, while for
    `to_json_schema` it is an object with the field `type`. Raises `NotASchema`.
    """
    return _from_nested(schema, "", 0)


def is_json_schema(schema: JsonObject) -> bool:
    """Whether a schema is JSON Schema, judged by parts that are unlikely in the short form. A field may be `type`."""
    if any(name in schema for name in _ONLY_IN_JSON_SCHEMA):
        return True
    if any(isinstance(schema.get(name), list) for name in ("allOf", "anyOf", "oneOf")):
        return True
    properties = schema.get("properties")
    if isinstance(properties, dict) and all(isinstance(each, dict | bool) for each in properties.values()):
        return True
    fields = [value for name, value in schema.items() if name not in _KEYWORDS]
    return schema.get("type") == "object" and not any(_is_type(value) for value in fields)


def _from_short(schema: JsonObject, where: str, level: int) -> JsonObject:
    """Returns the JSON Schema of a short form. All its fields are required, and additional ones are allowed."""
    if level > 50:
        raise NotASchema("it is nested more than 50 levels deep", where)
    properties: JsonObject = {name: _field(value, f"{where}/{name[:100]}", level) for name, value in schema.items()}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _field(value: Any, where: str, level: int) -> JsonObject:
    match value:
        case str():
            name = value.strip().lower()
            if name in _TYPES:
                return {"type": _TYPES[name]}
            return {} if name in ("any", "") else {"description": value}
        case [] | [_]:
            items = [_field(each, f"{where}/0", level + 1) for each in cast(list[Any], value)]
            return {"type": "array", **({"items": items[0]} if items else {})}
        case dict():
            return _from_nested(cast(JsonObject, value), where, level + 1)
        case _:
            raise NotASchema('it is neither the name of a type, such as "string", nor a schema', where)


def _from_nested(schema: JsonObject, where: str, level: int) -> JsonObject:
    if not schema or is_json_schema(schema) or _is_fragment(schema):
        return schema
    return _from_short(schema, where, level)


def _is_fragment(schema: JsonObject) -> bool:
    """Whether a field's value is JSON Schema rather than a nested short form: it contains only keywords."""
    type_ = schema.get("type")
    types: list[Any] = cast(list[Any], type_) if isinstance(type_, list) else [type_]
    has_type = all(isinstance(each, str) and each in _JSON_TYPES for each in types)
    lists_values = isinstance(schema.get("enum"), list) or "const" in schema
    return (has_type or lists_values) and all(name in _KEYWORDS for name in schema)


def _is_type(value: Any) -> bool:
    return isinstance(value, str) and (value.strip().lower() in _TYPES or value.strip().lower() == "any")
