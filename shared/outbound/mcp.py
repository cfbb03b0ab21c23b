"""Tools of MCP servers (https://modelcontextprotocol.io) that third parties run: lists them, and calls them.

`mcp_session` imports the SDK, which takes most of a second, so it is imported at the first call.
"""

from pydantic import JsonValue

from shared.outbound.mcp_tool import Tool
from shared.outbound.network import Resolver, resolve
from shared.settings import Settings


async def list_tools(
    url: str, token: str | None, settings: Settings, *, timeout: float | None = None, resolver: Resolver = resolve
) -> list[Tool]:
    """Return all tools of the server at `url`, over streamable HTTP, or over SSE if the server speaks only that.

    `token` is sent as a bearer token. `timeout`: seconds for the whole exchange, capped by the deployment's limit.
    Raises `OutboundError`: whatever a fetch raises, `NotMcp` and `Unauthorized`, and `TooLong` for more than
    `MAX_TOOLS` tools.
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
    """Return what the tool gives: its structured content; else its texts, one per line; else the parts as they came.

    Structured content of the form `{"result": x}` is returned as `x`: servers wrap values that are not objects this
    way. Takes the same arguments as `list_tools`, raises the same errors, and `ToolFailed`. Never retried: the tool
    may have run.
    """
    from shared.outbound.mcp_session import McpServer

    return await McpServer(url, token, settings, resolver).call_tool(name, arguments, timeout)
