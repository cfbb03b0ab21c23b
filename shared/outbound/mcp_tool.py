"""A tool of an MCP server, as plain data.

This is a separate module because both `mcp`, which callers import, and `mcp_session`, which loads the SDK, need it.
"""

from dataclasses import dataclass
from typing import Any

MAX_TOOLS = 1000
"""The maximum number of tools of one server."""


@dataclass(frozen=True)
class Tool:
    """A tool as the server describes it. `input_schema` is a JSON Schema that nothing has validated.

    `is_repeatable`: whether the server says that a repeated call has no further effect.
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    is_repeatable: bool = False
