"""Tools of MCP servers (https://modelcontextprotocol.io) that strangers run: which there are, and calls of them.

The SDK is imported at the first call, by `mcp_session`: it takes most of a second.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from shared.outbound.network import Resolver, resolve
from shared.settings import Settings

MAX_TOOLS = 1000
"""Of one server."""


@dataclass(frozen=True)
class Tool:
    """As the server describes it. `input_schema`: a JSON Schema, which nobody has checked."""

    name: str
    description: str
    input_schema: dict[str, Any]


async def list_tools(
    url: str, token: str | None, settings: Settings, *, timeout: float | None = None, resolver: Resolver = resolve
) -> list[Tool]:
    """All tools of the server at `url`, by streamable HTTP, or by SSE if it speaks only that.

    `token` is sent as a bearer token. `timeout`: seconds for everything, and no more than the deployment allows.
    Raises `OutboundError`: `NotMcp` and `Unauthorized` beside what a fetch raises; `TooLong` for more than
    `MAX_TOOLS`, too.
    """
    from shared.outbound.mcp_session import McpServer

    return await McpServer(url, token, settings, resolver).list_tools(timeout)


async def call_tool(
    url: str,
    token: str | None,
    name: str,
    arguments: dict[str, JsonValue],
    settings: Settings,
    *,
    timeout: float | None = None,
    resolver: Resolver = resolve,
) -> JsonValue:
    """What the tool gives: its structured content; else its texts, one to a line; else the parts as they came.

    Structured content that is `{"result": x}` alone is `x`: so servers wrap what is no object. Otherwise as
    `list_tools`, and raises `ToolFailed`. Not tried twice: the tool may have run.
    """
    from shared.outbound.mcp_session import McpServer

    return await McpServer(url, token, settings, resolver).call_tool(name, arguments, timeout)
