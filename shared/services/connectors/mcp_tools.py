"""Which tools an MCP server has, asked for now."""

from shared.late import imported
from shared.models.caller import Caller
from shared.models.errors import BadRequest, ServiceError, UpstreamFailed, UpstreamTooSlow
from shared.models.mcp import ListToolsRequest, McpTool, ToolList
from shared.outbound import errors as outbound
from shared.outbound.mcp import list_tools
from shared.services.rate_limits import OUTBOUND_PER_MINUTE, RateLimitService
from shared.services.shares import share
from shared.settings import Settings

SECONDS = 45.0
"""At most, whatever the deployment allows a fetch: Hosting waits a minute for the whole answer."""
AT_ONCE = 10
"""Of one user, in a process: a quarter of the requests that it takes."""


class McpToolService:
    """Lives as long as a request."""

    def __init__(self, limits: RateLimitService, settings: Settings) -> None:
        self._limits = limits
        self._settings = settings

    async def list(self, caller: Caller, request: ListToolsRequest) -> ToolList:
        """All tools, in the server's order. The token goes to the server, and nowhere else.

        Raises `BadRequest` for an address or a token that is not used, `UpstreamFailed`, `UpstreamTooSlow`, and
        `TooManyRequests`, also for more than `AT_ONCE` of one user at a time.
        """
        await self._limits.acquire(f"outbound:{caller.uid}", OUTBOUND_PER_MINUTE)
        # The SDK takes most of a second to import, in which nobody else should have to wait.
        await imported("shared.outbound.mcp_session")
        try:
            with share(self._settings.google_cloud_project, "mcp", caller.uid, AT_ONCE):
                tools = await list_tools(request.mcp_url, request.token, self._settings, timeout=SECONDS)
        except outbound.OutboundError as error:
            raise _failure(error) from error
        found = [
            McpTool(name=tool.name, description=tool.description, input_schema=tool.input_schema) for tool in tools
        ]
        return ToolList(mcp_url=request.mcp_url, tools=found)


def _failure(error: outbound.OutboundError) -> ServiceError:
    match error:
        case outbound.BadAddress() | outbound.BadRequest() | outbound.Refused():
            return BadRequest(error.message)
        case outbound.TooSlow():
            return UpstreamTooSlow(error.message)
        case _:
            return UpstreamFailed(error.message)
