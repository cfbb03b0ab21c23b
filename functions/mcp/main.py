"""MCP connectors: list the tools of an MCP server."""

from shared.startup import finish_startup

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.models.errors import (
    BadRequest,
    Forbidden,
    InvalidInput,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UpstreamFailed,
    UpstreamTooSlow,
)
from shared.models.mcp import ListToolsRequest, ToolList
from shared.services.connectors.mcp_tools import McpToolService
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses

MAX_BODY_BYTES = 64 * 1024
"""The maximum size of a request body, which contains a URL and a token."""

router = APIRouter(
    route_class=StrictJsonRoute, prefix="/mcp", responses=error_responses(Unauthenticated, Forbidden, Unavailable)
)


async def _mcp_tool_service(settings: CurrentSettings) -> McpToolService:
    return McpToolService(RateLimitService(Database(settings)), settings)


@router.post(
    "/tools",
    responses=error_responses(BadRequest, TooLarge, InvalidInput, TooManyRequests, UpstreamFailed, UpstreamTooSlow),
)
async def list_tools(
    body: ListToolsRequest, caller: ActiveCaller, service: Annotated[McpToolService, Depends(_mcp_tool_service)]
) -> ToolList:
    """Lists all tools of an MCP server. The token, if there is one, is sent to the server."""
    return await service.list(caller, body)


app = create_app("mcp", router, Settings.from_environ(), MAX_BODY_BYTES)
finish_startup()


@aio.http
async def mcp(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
