"""Deployments: agents published under a name, listed, and called without a token."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.responses import JSONResponse
from functions_framework import aio

from shared.models.deployment import Deployed, DeployedApi, DeploymentInfo, DeployRequest
from shared.models.errors import (
    AgentFailed,
    AllowanceSpent,
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from shared.models.wire import JsonObject
from shared.services.agents.deployments import DeploymentService
from shared.services.agents.published import PublishedService
from shared.settings import Settings
from shared.store import Database
from shared.web import ClientAddress, CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.address import address_block
from shared.web.disconnects import while_connected
from shared.web.error_responses import Responses, error_responses, headers
from shared.web.idempotency import REPLAYED_HEADER, REPLAYED_TEXT, IdempotencyKey
from shared.web.paging import DEFAULT_LIMIT, PAGED, PageLimit, PageToken, respond_with
from shared.web.wiring.runs import wire_runs

OPEN_PREFIX = "/rest/"
"""Published agents are called from pages of any origin, demos' sandboxed ones among them."""

router = APIRouter(route_class=StrictJsonRoute, responses=error_responses(Unavailable))
_RESULT: Responses = {
    200: headers(
        {
            "X-Run-Id": "The run, as the log names it.",
            REPLAYED_HEADER: REPLAYED_TEXT,
            "warnings": "Where the result breaks the agent's own output schema, how: a JSON list of sentences.",
        }
    )
    | {
        "description": "The result, of whatever kind.",
        "content": {"application/json": {"example": {"outputText": "Hello, Ada!"}}},
    }
}


async def _deployment_service(settings: CurrentSettings) -> DeploymentService:
    return DeploymentService(Database(settings), settings)


async def _published_service(settings: CurrentSettings) -> PublishedService:
    database = Database(settings)
    return PublishedService(database, await wire_runs(database, settings), settings)


_NO_CHANGE = DeployRequest()
Deployments = Annotated[DeploymentService, Depends(_deployment_service)]


@router.post(
    "/agents/{agent_id}/deploy",
    status_code=201,
    responses=error_responses(BadRequest, Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, InvalidInput),
)
async def deploy(
    agent_id: str,
    caller: ActiveCaller,
    service: Deployments,
    body: DeployRequest = _NO_CHANGE,
) -> Deployed:
    """Publishes the agent under its friendly name; 409 when another agent has it.

    Again: 201, and nothing changes but the budget, if the body has another.
    """
    return await service.deploy(caller, agent_id, body)


@router.delete(
    "/agents/{agent_id}/undeploy", status_code=204, responses=error_responses(Unauthenticated, Forbidden, NotFound)
)
async def undeploy(agent_id: str, caller: ActiveCaller, service: Deployments) -> Response:
    """Undeploys the agent, and frees its name."""
    await service.undeploy(caller, agent_id)
    return Response(status_code=204)


@router.get("/agents/{agent_id}/deployment", responses=error_responses(Unauthenticated, Forbidden, NotFound))
async def deployment(agent_id: str, caller: ActiveCaller, service: Deployments) -> DeploymentInfo:
    """What the agent is published as; 404 when it is not."""
    return await service.get(caller, agent_id)


@router.get("/deployments", responses=PAGED | error_responses(BadRequest, Unauthenticated, Forbidden, InvalidInput))
async def list_deployments(
    caller: ActiveCaller,
    service: Deployments,
    response: Response,
    limit: PageLimit = DEFAULT_LIMIT,
    page_token: PageToken = None,
) -> list[DeployedApi]:
    """The caller's own deployments and the shared ones, by name. `X-Next-Page-Token`: the next page's."""
    return respond_with(await service.list(caller, limit, page_token), response)


@router.post(
    "/rest/{friendly_name}",
    responses=_RESULT
    | error_responses(
        AllowanceSpent, Forbidden, NotFound, Conflict, TooLarge, InvalidInput, TooManyRequests, AgentFailed
    ),
)
async def call(
    friendly_name: str,
    address: ClientAddress,
    service: Annotated[PublishedService, Depends(_published_service)],
    request: Request,
    body: Annotated[JsonObject, Body(examples=[{"inputText": "Ada"}])],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Runs a published agent; the body is its input, its result the answer. Open to everyone; charged to its owner.

    The same input from the same address under the same `Idempotency-Key` is run once in 24 hours, and gets the same
    answer. 409 for another input under the key, and while the first request is running: that has a `Retry-After`.
    """
    called = service.call(friendly_name, body, address_block(address), idempotency_key)
    # A caller with a key can come back for the answer, so the run goes on.
    answer = await (called if idempotency_key else while_connected(request, called))
    request.state.access["run"] = answer.run_id
    headers = {"X-Run-Id": answer.run_id}
    if answer.replayed:
        headers[REPLAYED_HEADER] = "true"
    if answer.warnings:
        headers["warnings"] = _encode_warnings(answer.warnings)
    result: Any = answer.result
    return JSONResponse(result, headers=headers)


_MAX_HEADER_LENGTH = 4_000
"""Servers and clients refuse headers of more than a few kilobytes."""
_MAX_WARNING_LENGTH = 200


def _encode_warnings(warnings: list[str]) -> str:
    """The first of them, shortened, as a JSON list, which is in ASCII."""
    header = ""
    for number in range(1, len(warnings) + 1):
        shown = [warning[:_MAX_WARNING_LENGTH] for warning in warnings[:number]]
        longer = json.dumps(shown)
        if len(longer) > _MAX_HEADER_LENGTH:
            break
        header = longer
    return header


app = create_app("deployments", router, Settings.from_environ(), open_prefix=OPEN_PREFIX)


@aio.http
async def deployments(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
