"""Turns questions into forms that MCP clients show, and filled-in forms into answers.

A client's form has only top-level fields with simple values. An answer with any other schema is asked for as JSON text.
"""

import json
from typing import Any, cast

from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult
from pydantic import JsonValue

from shared.mcp_server.model import Asked
from shared.models.wire import JsonObject

_FIELD = "answer"
_KEYWORDS = {
    "string": ("title", "description", "minLength", "maxLength", "format", "enum", "default"),
    "number": ("title", "description", "minimum", "maximum", "default"),
    "integer": ("title", "description", "minimum", "maximum", "default"),
    "boolean": ("title", "description", "default"),
}
_FORMATS = ("email", "uri", "date", "date-time")


def make_form(asked: Asked) -> ElicitRequest:
    """Returns the request that has the client show the question."""
    return ElicitRequest(
        params=ElicitRequestFormParams(message=asked.text, requested_schema=cast("dict[str, Any]", _make_schema(asked)))
    )


def read_form(asked: Asked, result: ElicitResult) -> JsonValue:
    """Returns the answer that a person has entered. It need not fit the question. Raises `ValueError` without one."""
    content = cast("JsonObject", result.content or {})
    if _fields(asked) is not None:
        return content
    if _FIELD not in content:
        raise ValueError(f"{_FIELD}: Field required")
    answer = content[_FIELD]
    if asked.choices is None and asked.schema is not None and _simplify(asked.schema) is None:
        return _parse(answer)
    return answer


def _make_schema(asked: Asked) -> JsonObject:
    fields = _fields(asked)
    if fields is not None:
        required = cast("JsonObject", asked.schema).get("required")
        return {"type": "object", "properties": fields, **({"required": required} if required else {})}
    return {"type": "object", "properties": {_FIELD: _make_field(asked)}, "required": [_FIELD]}


def _make_field(asked: Asked) -> JsonObject:
    if asked.choices is not None:
        return {"type": "string", "enum": list(asked.choices)}
    if asked.schema is None:
        return {"type": "string"}
    simple = _simplify(asked.schema)
    if simple is not None:
        return simple
    return {"type": "string", "description": f"JSON that fits this schema: {json.dumps(asked.schema)[:2000]}"}


def _fields(asked: Asked) -> JsonObject | None:
    """Returns the form's fields if the answer is an object with simple values, otherwise None.

    Each value that the answer needs must have a field.
    """
    schema = asked.schema
    if asked.choices is not None or schema is None or schema.get("type") != "object":
        return None
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, dict) or not properties:
        return None
    if not isinstance(required, list) or not all(name in properties for name in required):
        return None
    fields: JsonObject = {}
    for name, each in properties.items():
        simple = _simplify(each) if isinstance(each, dict) else None
        if simple is None:
            return None
        fields[name] = simple
    return fields


def _simplify(schema: JsonObject) -> JsonObject | None:
    """Returns the schema with the keywords that forms know, None if its values are not simple."""
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _KEYWORDS or "const" in schema:
        return None
    choices = schema.get("enum")
    if choices is not None and not (
        kind == "string" and isinstance(choices, list) and all(isinstance(choice, str) for choice in choices)
    ):
        return None
    simple: JsonObject = {name: schema[name] for name in _KEYWORDS[kind] if name in schema}
    if simple.get("format") not in _FORMATS:
        simple.pop("format", None)
    return {"type": kind, **simple}


def _parse(answer: JsonValue) -> JsonValue:
    if not isinstance(answer, str):
        return answer
    try:
        return cast("JsonValue", json.loads(answer))
    except (ValueError, RecursionError):
        return answer
