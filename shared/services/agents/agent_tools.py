"""Describes published agents as tools of an MCP server. A tool's name is the agent's friendly name."""

from typing import cast

from pydantic import JsonValue

from shared.json_schema.cost import NotASchema
from shared.json_schema.short_form import to_json_schema
from shared.mcp_server.model import Tool
from shared.models.deployment import DeployedApi
from shared.models.wire import JsonObject

_HEADER = "x-mcp-header"
"""With this keyword, a schema has clients repeat an argument in a header. Nothing here reads such headers."""


def to_tool(api: DeployedApi) -> Tool:
    """Returns the tool that calls a published agent."""
    return Tool(
        name=api.friendly_name,
        title=api.friendly_name.replace("-", " ").replace("_", " "),
        description=api.description,
        input_schema=_to_object_schema(api.input_schema) or {"type": "object"},
        output_schema=read_output_schema(api.output_schema),
    )


def read_output_schema(schema: JsonObject | None) -> JsonObject | None:
    """Returns the JSON Schema of an agent's results, None if they need not be objects."""
    return _to_object_schema(schema, is_output=True)


def _to_object_schema(schema: JsonObject | None, *, is_output: bool = False) -> JsonObject | None:
    """Returns a schema in either form as JSON Schema for an object, None if it is not one.

    An agent's input is always an object, whether its schema says so or not.
    """
    if not schema:
        return None
    try:
        converted = to_json_schema(schema)
    except NotASchema:
        return None
    if is_output and converted.get("type") != "object":
        return None
    return cast("JsonObject", _without_headers({**converted, "type": "object"}))


def _without_headers(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {name: _without_headers(part) for name, part in value.items() if name != _HEADER}
        case list():
            return [_without_headers(part) for part in value]
        case _:
            return value
