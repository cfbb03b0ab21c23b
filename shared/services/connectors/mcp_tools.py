"""Lists the current tools of an MCP server."""

from shared.late_imports import import_late
from shared.models.caller import Caller
from shared.models.mcp import ListToolsRequest, McpTool, ToolList
from shared.outbound import errors as outbound
from shared.outbound.mcp import list_tools
from shared.services.rate_limits import OUTBOUND_PER_MINUTE, RateLimitService
from shared.services.request_shares import share
from shared.services.upstream import to_service_error
from shared.settings import Settings

SECONDS = 45.0
"""The time limit of a call, regardless of the settings, because Hosting waits only a minute for the whole response."""
MAX_CONCURRENT = 10
"""The maximum number of one user's requests that a process serves concurrently, so that others have room."""


class McpToolService:
    """Lists tools."""

    def __init__(self, limits: RateLimitService, settings: Settings) -> None:
        self._limits = limits
        self._settings = settings

    async def list(self, caller: Caller, request: ListToolsRequest) -> ToolList:
        """Returns all tools, in the server's order. Sends the token only to that server.

        Raises `BadRequest` for an address that is not allowed or a token that cannot be sent, `UpstreamFailed`,
        `UpstreamTooSlow`, and `TooManyRequests`, also for more than `MAX_CONCURRENT` concurrent requests of one user.
        """
        await self._limits.acquire(f"outbound:{caller.uid}", OUTBOUND_PER_MINUTE)
        # The SDK takes most of a second to import. Other requests should not have to wait for this.
        await import_late("shared.outbound.mcp_session")
        try:
            with share(self._settings.google_cloud_project, "mcp", caller.uid, MAX_CONCURRENT):
                tools = await list_tools(request.mcp_url, request.token, self._settings, timeout=SECONDS)
        except outbound.OutboundError as error:
            raise to_service_error(error) from error
        listed = [
            McpTool(name=tool.name, description=tool.description, input_schema=tool.input_schema) for tool in tools
        ]
        return ToolList(mcp_url=request.mcp_url, tools=listed)
