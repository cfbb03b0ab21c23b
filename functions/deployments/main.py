"""Deployments: publish agents under a name, list them, and call them, without a token if they are public."""

from shared.startup import finish_startup

import json
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.responses import JSONResponse
from functions_framework import aio

from shared.late_imports import import_late
from shared.models.agent_run import StartedRun
from shared.models.caller import Caller
from shared.models.deployment import Deployed, DeployedApi, DeploymentInfo, DeployRequest
from shared.models.errors import (
    AgentFailed,
    AllowanceSpent,
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from shared.models.wire import JsonObject
from shared.services.agents.deployments import DeploymentService
from shared.services.chat.run_submission import RunSubmission
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import ClientAddress, CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.address import address_block
from shared.web.authentication import TOKEN_SOMETIMES, identify
from shared.web.disconnects import while_connected
from shared.web.error_responses import Responses, error_responses, headers
from shared.web.idempotency import REPLAYED_HEADER, REPLAYED_TEXT, IdempotencyKey
from shared.web.paging import DEFAULT_LIMIT, PAGED, PageLimit, PageToken, respond_with
from shared.web.paths import PREFIX
from shared.web.preferences import PREFER, PREFERENCE_APPLIED, RESPOND_ASYNC, parse_preferences

if TYPE_CHECKING:
    from shared.services.agents.published import PublishedService

OPEN_PREFIX = "/rest/"
"""The prefix of published agents, which pages of any origin may call, including the sandboxed pages of demos."""

router = APIRouter(route_class=StrictJsonRoute, responses=error_responses(Unavailable))
_RESULT: Responses = {
    200: headers(
        {
            "X-Run-Id": "The id of the run, which the log contains.",
            REPLAYED_HEADER: REPLAYED_TEXT,
            "warnings": "How the result violates the agent's output schema: a JSON list of sentences.",
        }
    )
    | {
        "description": "The result, which may be any JSON value.",
        "content": {"application/json": {"example": {"outputText": "Hello, Ada!"}}},
    },
    202: headers(
        {
            "Location": "The path of the run.",
            PREFERENCE_APPLIED: "`respond-async`",
            REPLAYED_HEADER: REPLAYED_TEXT,
        }
    )
    | {"description": "The run has been started.", "model": StartedRun},
}


async def _deployment_service(settings: CurrentSettings) -> DeploymentService:
    return DeploymentService(Database(settings), settings)


async def _run_submission(settings: CurrentSettings) -> RunSubmission:
    return RunSubmission(Database(settings), task_queue(settings), settings)


async def _published_service(settings: Settings) -> "PublishedService":
    wiring = await import_late("shared.web.wiring.published")
    return await wiring.wire_published(Database(settings), settings)


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
    """Publishes the agent under its friendly name. 409 if another agent has this name.

    The body says who may call the agent, who pays, and how much that may be. By default, everyone may call it, and its
    owner pays; then `warnings` says so. If the agent is already published, the response is also 201, and only what the
    body has changes.
    """
    return await service.deploy(caller, agent_id, body)


@router.delete(
    "/agents/{agent_id}/undeploy", status_code=204, responses=error_responses(Unauthenticated, Forbidden, NotFound)
)
async def undeploy(agent_id: str, caller: ActiveCaller, service: Deployments) -> Response:
    """Undeploys the agent and frees its name."""
    await service.undeploy(caller, agent_id)
    return Response(status_code=204)


@router.get("/agents/{agent_id}/deployment", responses=error_responses(Unauthenticated, Forbidden, NotFound))
async def deployment(agent_id: str, caller: ActiveCaller, service: Deployments) -> DeploymentInfo:
    """Returns the agent's deployment. 404 if it is not published."""
    return await service.get(caller, agent_id)


@router.get("/deployments", responses=PAGED | error_responses(BadRequest, Unauthenticated, Forbidden, InvalidInput))
async def list_deployments(
    caller: ActiveCaller,
    service: Deployments,
    response: Response,
    limit: PageLimit = DEFAULT_LIMIT,
    page_token: PageToken = None,
) -> list[DeployedApi]:
    """Lists the caller's own and the shared deployments by name. `X-Next-Page-Token` leads to the next page."""
    return respond_with(await service.list(caller, limit, page_token), response)


@router.post(
    "/rest/{friendly_name}",
    openapi_extra=TOKEN_SOMETIMES,
    responses=_RESULT
    | error_responses(
        Unauthenticated,
        AllowanceSpent,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        InvalidInput,
        TooManyRequests,
        AgentFailed,
    ),
)
async def call(
    friendly_name: str,
    address: ClientAddress,
    submission: Annotated[RunSubmission, Depends(_run_submission)],
    settings: CurrentSettings,
    request: Request,
    body: Annotated[JsonObject, Body(examples=[{"inputText": "Ada"}])],
    idempotency_key: IdempotencyKey = None,
    _prefer: Annotated[str | None, PREFER] = None,
) -> Response:
    """Runs a published agent. The request body is its input, the response body its result.

    A public agent needs no token and ignores any, and its owner is charged. For other agents, the caller must be
    allowed to call it, and is charged if its owner has decided so: 401 without a valid token, 403 or 404 for a caller
    who may not call it.

    For 24 hours, the same input from the same user, or from the same address for a public agent, with the same
    `Idempotency-Key` is run only once, and gets the same result. 409 for another input with this key, and, with a
    `Retry-After`, while the first request is running.

    With `Prefer: respond-async`, the response is 202 as soon as the run can no longer be lost, and `Location` leads to
    the run (`GET /runs/{run_id}`). Such a run may last long. Its keys are separate from those of other calls.
    """
    block = address_block(address)

    async def find_caller() -> Caller:
        return await identify(request, settings)

    if RESPOND_ASYNC in parse_preferences(request.headers.getlist("prefer")):
        starting = submission.start_public(friendly_name, body, block, idempotency_key, find_caller)
        return await _start(request, starting)
    service = await _published_service(settings)
    work = service.call(friendly_name, body, block, idempotency_key, find_caller)
    # A caller with a key can get the result with a later request, so the run continues after a disconnect.
    outcome = await (work if idempotency_key else while_connected(request, work))
    request.state.access["run"] = outcome.run_id
    headers = {"X-Run-Id": outcome.run_id}
    if outcome.replayed:
        headers[REPLAYED_HEADER] = "true"
    if outcome.warnings:
        headers["warnings"] = _encode_warnings(outcome.warnings)
    result: Any = outcome.result
    return JSONResponse(result, headers=headers)


async def _start(request: Request, starting: Awaitable[tuple[StartedRun, bool]]) -> Response:
    """Returns the response for a run that was started. The path is in the form that the caller uses."""
    try:
        started, replayed = await starting
    except OutcomeUnknown as error:
        request.state.access["run"] = error.body["ticket_id"]
        raise
    request.state.access["run"] = started.run_id
    original: str = request.state.original_path
    prefix = PREFIX if original.startswith(f"{PREFIX}/") else ""
    headers = {"Location": f"{prefix}/runs/{started.run_id}", PREFERENCE_APPLIED: RESPOND_ASYNC}
    if replayed:
        headers[REPLAYED_HEADER] = "true"
    return JSONResponse(started.model_dump(mode="json"), status_code=202, headers=headers)


_MAX_HEADER_LENGTH = 4_000
"""The maximum length of the header with warnings. Servers and clients refuse headers of more than a few kilobytes."""
_MAX_WARNING_LENGTH = 200


def _encode_warnings(warnings: list[str]) -> str:
    """Encodes as many warnings as fit, each shortened, as a JSON list in ASCII."""
    header = ""
    for count in range(1, len(warnings) + 1):
        shortened = [warning[:_MAX_WARNING_LENGTH] for warning in warnings[:count]]
        longer = json.dumps(shortened)
        if len(longer) > _MAX_HEADER_LENGTH:
            break
        header = longer
    return header


app = create_app("deployments", router, Settings.from_environ(), open_prefix=OPEN_PREFIX)
finish_startup()


@aio.http
async def deployments(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
