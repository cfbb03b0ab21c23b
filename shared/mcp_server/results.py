"""Writes calls and tools in the protocol's shapes."""

import mcp_types as types

from shared.mcp_server.model import Call, CallState, Tool
from shared.models.errors import InvalidInput, ServiceError

RUN_ID = "runId"
"""The field of a result's `_meta` that names the run."""


def to_tool(tool: Tool) -> types.Tool:
    """Returns the tool as it is listed."""
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
    )


def to_result(call: Call) -> types.CallToolResult:
    """Returns the result of a call that has ended."""
    return types.CallToolResult(
        content=[types.TextContent(text=call.text)],
        structured_content=call.structured,
        is_error=call.state is not CallState.COMPLETED,
        _meta={RUN_ID: call.id},
    )


def to_error(text: str, call_id: str | None = None) -> types.CallToolResult:
    """Returns the result of a call without one. `text`: for the model that made the call."""
    meta = None if call_id is None else {RUN_ID: call_id}
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True, _meta=meta)


def describe(error: ServiceError) -> str:
    """Returns the error in words."""
    if isinstance(error, InvalidInput):
        return f"The arguments do not match the tool's schema: {error.summary}"
    if error.retry_after is not None:
        return f"{error.message} (Wait {error.retry_after} s before you try again.)"
    return error.message
