"""A tool of an MCP server, as plain data.

It stands apart from `mcp`, which callers import, and `mcp_session`, which loads the SDK: both need it.
"""

from dataclasses import dataclass
from typing import Any

MAX_TOOLS = 1000
"""Tools of one server."""


@dataclass(frozen=True)
class Tool:
    """A tool as the server describes it. `input_schema` is a JSON Schema that nothing has validated."""

    name: str
    description: str
    input_schema: dict[str, Any]
