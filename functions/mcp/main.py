"""MCP: list the tools of an MCP server, and serve published agents as tools to MCP clients."""

from shared.startup import finish_startup

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.late_imports import import_late
from shared.models.errors import (
    BadRequest,
    Forbidden,
    InvalidInput,
    ServiceError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UpstreamFailed,
    UpstreamTooSlow,
)
from shared.models.mcp import ListToolsRequest, ProtectedResource, ToolList
from shared.services.connectors.mcp_tools import McpToolService
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses
from shared.web.mcp_docs import MCP_REQUEST, MCP_RESPONSES, METADATA_PATH

if TYPE_CHECKING:
    from shared.web.mcp_addresses import McpAddresses

MAX_BODY_BYTES = 1024 * 1024
"""The maximum size of a request body, which contains the arguments of a tool."""
SCOPE = "run"
"""What an API key needs to call tools."""

_REFUSED = -32000
"""The code of an error that comes before the protocol. JSON-RPC leaves it to servers."""

router = APIRouter(route_class=StrictJsonRoute)
_ALWAYS = error_responses(Unauthenticated, Forbidden, Unavailable)


async def _mcp_tool_service(settings: CurrentSettings) -> McpToolService:
    return McpToolService(RateLimitService(Database(settings)), settings)


async def _find_addresses(request: Request) -> "McpAddresses | None":
    module = await import_late("shared.web.mcp_addresses")
    addresses: McpAddresses | None = module.find_addresses(request)
    return addresses


async def _speak_protocol(request: Request) -> None:
    """Has errors contain what MCP clients look for in them."""
    request.state.complete_error = partial(_complete_error, await _find_addresses(request))


def _complete_error(addresses: "McpAddresses | None", error: ServiceError) -> None:
    """Adds an error of the protocol, which clients show to their users; to a 401, where authorization is described."""
    error.body |= {"jsonrpc": "2.0", "id": None, "error": {"code": _REFUSED, "message": error.message}}
    if error.status == 401 and addresses is not None:
        error.headers["WWW-Authenticate"] = f'Bearer resource_metadata="{addresses.metadata}", scope="{SCOPE}"'


@router.post(
    "/mcp/tools",
    responses=_ALWAYS
    | error_responses(BadRequest, TooLarge, InvalidInput, TooManyRequests, UpstreamFailed, UpstreamTooSlow),
)
async def list_tools(
    body: ListToolsRequest, caller: ActiveCaller, service: Annotated[McpToolService, Depends(_mcp_tool_service)]
) -> ToolList:
    """Lists all tools of an MCP server. The token, if there is one, is sent to the server."""
    return await service.list(caller, body)


@router.post(
    "/mcp",
    dependencies=[Depends(_speak_protocol)],
    responses=_ALWAYS | error_responses(TooLarge) | MCP_RESPONSES,
    openapi_extra=MCP_REQUEST,
)
async def serve(caller: ActiveCaller, settings: CurrentSettings, request: Request) -> Response:
    """Serves MCP clients. The published agents that the caller sees are their tools, and a call of a tool is a run.

    The body is one JSON-RPC message of the Model Context Protocol, version 2026-07-28 or, with a handshake, an older
    one. The response is JSON, or a stream of events that ends with the result.
    """
    calls, responses = await asyncio.gather(
        import_late("shared.services.chat.agent_calls"), import_late("shared.web.mcp_response")
    )
    note_run = partial(request.state.access.__setitem__, "run")
    host = calls.AgentCalls(Database(settings), partial(task_queue, settings), settings, caller, note_run)
    response: Response = await responses.respond(host, request, settings, MAX_BODY_BYTES)
    return response


@router.get(METADATA_PATH, responses=error_responses(BadRequest))
@router.get(f"{METADATA_PATH}/mcp", responses=error_responses(BadRequest), include_in_schema=False)
@router.get(f"{METADATA_PATH}/api/mcp", responses=error_responses(BadRequest), include_in_schema=False)
async def describe_authorization(request: Request, response: Response, settings: CurrentSettings) -> ProtectedResource:
    """Describes the authorization of the MCP server (RFC 9728). No token is needed.

    The same document is found below `/mcp` and `/api/mcp`, as the RFC has it for a server at these paths.
    """
    if (addresses := await _find_addresses(request)) is None:
        raise BadRequest("The request's headers name no host that a client could call.")
    # Not for shared caches: the addresses come from the request's headers, so one caller could forge them for others.
    response.headers["Cache-Control"] = "private, max-age=300"
    issuer = f"https://securetoken.google.com/{settings.google_cloud_project}"
    return ProtectedResource(
        resource=addresses.server,
        resource_name="Firebase agents",
        authorization_servers=[issuer] if settings.authentication_required else [],
        bearer_methods_supported=["header"],
        scopes_supported=[SCOPE],
        resource_documentation=addresses.documentation,
    )


app = create_app("mcp", router, Settings.from_environ(), MAX_BODY_BYTES)
finish_startup()


@aio.http
async def mcp(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
