"""Agents: save, change, read and run them, and have a model write their code."""

from shared.startup import finish_startup

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.late_imports import import_late
from shared.models.agent import Agent, CreateAgentRequest, UpdateAgentRequest
from shared.models.code_writing import GenerateCodeRequest, GenerateCodeResponse
from shared.models.errors import (
    AllowanceSpent,
    BadRequest,
    CodeFailed,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UpstreamFailed,
    UpstreamTooSlow,
)
from shared.models.run import RunCodeRequest, RunCodeResponse
from shared.services.agents.agents import AgentService
from shared.services.quotas import QuotaService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.disconnects import while_connected
from shared.web.error_responses import error_responses
from shared.web.paging import DEFAULT_LIMIT, PAGED, PageLimit, PageToken, respond_with

if TYPE_CHECKING:
    from shared.services.agents.runs import RunService
    from shared.services.generation.code_writing import CodeWritingService

MAX_BODY_BYTES = 2 * 1024 * 1024
"""More than an agent's maximum size, so that the error for a larger agent can name the agent's own limit."""

router = APIRouter(
    route_class=StrictJsonRoute, prefix="/agents", responses=error_responses(Unauthenticated, Forbidden, Unavailable)
)


async def _agent_service(settings: CurrentSettings) -> AgentService:
    database = Database(settings)
    return AgentService(database, QuotaService(database, settings))


async def _run_service(settings: CurrentSettings) -> "RunService":
    wiring = await import_late("shared.web.wiring.runs")
    return await wiring.wire_runs(Database(settings), settings)


async def _code_writing_service(settings: CurrentSettings) -> "CodeWritingService":
    wiring = await import_late("shared.web.wiring.code_writing")
    return await wiring.wire_code_writing(Database(settings), settings)


Agents = Annotated[AgentService, Depends(_agent_service)]


@router.post("", status_code=201, responses=error_responses(BadRequest, TooLarge, InvalidInput))
async def create(body: CreateAgentRequest, caller: ActiveCaller, service: Agents) -> Agent:
    """Saves an agent. `warnings` lists the parts of its code that will not run."""
    return await service.create(caller, body)


@router.get("", responses=PAGED | error_responses(BadRequest, InvalidInput))
async def list_agents(
    caller: ActiveCaller,
    service: Agents,
    response: Response,
    limit: PageLimit = DEFAULT_LIMIT,
    page_token: PageToken = None,
) -> list[Agent]:
    """Lists the caller's own and the shared agents, newest change first. `X-Next-Page-Token` leads to the next page."""
    return respond_with(await service.list(caller, limit, page_token), response)


@router.post(
    "/generate-code",
    responses=error_responses(BadRequest, AllowanceSpent, TooLarge, InvalidInput, UpstreamFailed, UpstreamTooSlow),
)
async def generate_code(
    body: GenerateCodeRequest,
    caller: ActiveCaller,
    service: Annotated["CodeWritingService", Depends(_code_writing_service)],
) -> GenerateCodeResponse:
    """Has a model write an agent's code, checks that the code can run, and names the agent."""
    return await service.write(caller, body)


@router.post(
    "/run-code", responses=error_responses(CodeFailed, AllowanceSpent, TooLarge, InvalidInput, TooManyRequests)
)
async def run_code(
    body: RunCodeRequest,
    caller: ActiveCaller,
    service: Annotated["RunService", Depends(_run_service)],
    request: Request,
) -> RunCodeResponse:
    """Runs code in the sandbox, charged to the caller. If the code fails: 400 with its error, logs and traceback."""
    return await while_connected(request, service.run_code(caller, body))


@router.get("/{agent_id}", responses=error_responses(NotFound))
async def get_agent(agent_id: str, caller: ActiveCaller, service: Agents) -> Agent:
    """Returns one agent. 404 if it does not exist, or belongs to another user and is not shared."""
    return await service.get(caller, agent_id)


@router.put("/{agent_id}", responses=error_responses(BadRequest, NotFound, Conflict, TooLarge, InvalidInput))
async def update(agent_id: str, body: UpdateAgentRequest, caller: ActiveCaller, service: Agents) -> Agent:
    """Changes the fields that are sent. 409 for a `_rev` that is not the newest."""
    return await service.update(caller, agent_id, body)


@router.delete("/{agent_id}", status_code=204, responses=error_responses(NotFound))
async def delete(agent_id: str, caller: ActiveCaller, service: Agents) -> Response:
    """Deletes the agent and its deployment."""
    await service.delete(caller, agent_id)
    return Response(status_code=204)


app = create_app("agents", router, Settings.from_environ(), MAX_BODY_BYTES)
finish_startup()


@aio.http
async def agents(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
