"""Lists and calls the tools of third-party MCP servers (https://modelcontextprotocol.io).

`mcp_session` is imported at the first call, because it imports the SDK, which takes most of a second.
"""

from pydantic import JsonValue

from shared.outbound.mcp_tool import Tool
from shared.outbound.network import Resolver, resolve
from shared.settings import Settings


async def list_tools(
    url: str, token: str | None, settings: Settings, *, timeout: float | None = None, resolver: Resolver = resolve
) -> list[Tool]:
    """Returns all tools of the server at `url`, over streamable HTTP, or over SSE if the server supports only that.

    `token` is sent as a bearer token. `timeout`: seconds for the whole exchange; the deployment's limit also applies.
    Raises `OutboundError`: the errors of HTTP requests, `NotMcp`, `Unauthorized`, and `TooLong` if there are more than
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
    """Calls a tool and returns its result: the structured content if there is any.

    Without it, returns a string if all parts are text, with a line break between the parts, and the list of parts
    otherwise. Structured content of the form `{"result": x}` is returned as `x`, because servers wrap values that
    are not objects in this way. Raises the same errors as `list_tools`, and `ToolFailed`. Failed calls are not retried,
    because the tool may have run.
    """
    from shared.outbound.mcp_session import McpServer

    return await McpServer(url, token, settings, resolver).call_tool(name, arguments, timeout)
