"""Runs: start agents' runs, look them up, watch their steps, answer their questions, and cancel them."""

from shared.startup import finish_startup

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from functions_framework import aio

from shared.late_imports import import_late
from shared.models.agent_run import AnswerRequest, Run, StartedRun, StartRunRequest, Step
from shared.models.chat import TicketStatus
from shared.models.errors import (
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
from shared.services.chat.cancelling import CancelService
from shared.services.chat.run_answers import AnswerService
from shared.services.chat.run_submission import RunSubmission
from shared.services.chat.run_views import RunViews
from shared.services.chat.turns import TurnService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import ClientAddress, CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller, ActiveCallerIfAny
from shared.web.address import address_block
from shared.web.error_responses import error_responses
from shared.web.idempotency import REPLAYED, REPLAYED_HEADER, IdempotencyKey
from shared.web.paging import LIMIT_DESCRIPTION, PAGED, PageToken, respond_with
from shared.web.run_event_docs import RUN_EVENT_RESPONSES
from shared.web.sse import EventCursor, EventStream, MaxWait

MAX_LIMIT = 100
"""The maximum number of runs on a page. Results are large."""

router = APIRouter(route_class=StrictJsonRoute, responses=error_responses(Unauthenticated, Forbidden, Unavailable))


async def _submission(settings: CurrentSettings) -> RunSubmission:
    return RunSubmission(Database(settings), task_queue(settings), settings)


async def _views(settings: CurrentSettings) -> RunViews:
    return RunViews(Database(settings), settings)


async def _cancel_service(settings: CurrentSettings) -> CancelService:
    database = Database(settings)
    return CancelService(database, TurnService(database, partial(task_queue, settings), settings), settings)


async def _answer_service(settings: CurrentSettings) -> AnswerService:
    return AnswerService(RunViews(Database(settings), settings), task_queue(settings))


Submission = Annotated[RunSubmission, Depends(_submission)]
Views = Annotated[RunViews, Depends(_views)]
Cancels = Annotated[CancelService, Depends(_cancel_service)]
Answers = Annotated[AnswerService, Depends(_answer_service)]
Status = Annotated[TicketStatus | None, Query(description="Lists only runs with this status.")]
AgentId = Annotated[str | None, Query(alias="agentId", max_length=1500, description="Lists only runs of this agent.")]


@router.post(
    "/runs",
    responses=REPLAYED
    | error_responses(
        BadRequest, AllowanceSpent, NotFound, Conflict, TooLarge, InvalidInput, TooManyRequests, OutcomeUnknown
    ),
)
async def start(
    body: StartRunRequest,
    caller: ActiveCaller,
    submission: Submission,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> StartedRun:
    """Starts a run of an agent, and responds once the run can no longer be lost.

    For 24 hours, the same request with the same `Idempotency-Key` gets the same run. Another one with this key gets
    409.
    """
    try:
        started, replayed = await submission.start(caller, body, idempotency_key)
    except OutcomeUnknown as error:
        request.state.access["run"] = error.body["ticket_id"]
        raise
    request.state.access["run"] = started.run_id
    if replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return started


@router.get("/runs", responses=PAGED | error_responses(BadRequest, InvalidInput))
async def list_runs(
    caller: ActiveCaller,
    views: Views,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description=LIMIT_DESCRIPTION)] = MAX_LIMIT,
    page_token: PageToken = None,
    status: Status = None,
    agent_id: AgentId = None,
) -> list[Run]:
    """Lists the caller's runs, the newest first, without their `input` and `logs`. Chats with agents are runs, too.

    `X-Next-Page-Token` leads to the next page. `status` and `agentId` select the runs that have them; a chat has no
    `agentId`.
    """
    return respond_with(await views.list(caller, limit, page_token, status, agent_id), response)


@router.get("/runs/{run_id}", responses=error_responses(NotFound, TooManyRequests))
async def look_up(
    run_id: str, caller: ActiveCallerIfAny, address: ClientAddress, views: Views, request: Request
) -> Run:
    """Returns the run's status, what it has printed and asks, and its result or error once it is finished.

    If the run was started by calling a published agent, anybody who knows its id may look up its status and its result,
    without a token, and nothing else.
    """
    run = await views.look_up_public(caller, run_id, address_block(address))
    request.state.access["run"] = run.run_id
    return run


@router.get("/runs/{run_id}/steps", responses=error_responses(NotFound))
async def list_steps(run_id: str, caller: ActiveCaller, views: Views, request: Request) -> list[Step]:
    """Lists what the run has done outside its sandbox, such as model calls and HTTP requests.

    Of an agent that belongs to somebody else, the steps have neither names nor results.
    """
    steps = await views.list_steps(caller, run_id)
    request.state.access["run"] = run_id
    return steps


@router.get(
    "/runs/{run_id}/events",
    status_code=200,
    response_class=EventStream,
    responses=RUN_EVENT_RESPONSES | error_responses(NotFound, InvalidInput, TooManyRequests),
)
async def watch(
    run_id: str,
    caller: ActiveCaller,
    views: Views,
    request: Request,
    cursor: EventCursor,
    wait: MaxWait = None,
) -> EventStream:
    """Streams what the run does and prints, and the run itself at the end.

    Some events have an `id`, which is a cursor. A client that was disconnected continues after the last one that it
    has, on any instance, also after the run has ended. The response ends after 280 seconds at the latest, and through
    Hosting, which holds it back until its end, after 25; the client then continues with its cursor.
    """
    ticket = await views.get(caller, run_id)
    request.state.access["run"] = ticket.id
    following = await import_late("shared.services.chat.run_following")
    return EventStream(lambda: following.follow_run(views, ticket, cursor), request, wait)


@router.post("/runs/{run_id}/cancel", responses=error_responses(NotFound))
async def cancel(run_id: str, caller: ActiveCaller, views: Views, cancels: Cancels, request: Request) -> Run:
    """Stops the run, and returns it as it ended. A run that had already ended stays as it is.

    What it has done and cost so far stays. If its worker has died, the response has the status `processing`; the run
    ends within a minute or two.
    """
    ticket = await views.get(caller, run_id)
    request.state.access["run"] = ticket.id
    return await views.show(await cancels.cancel(caller, ticket.id))


@router.post("/runs/{run_id}/answer", responses=error_responses(NotFound, Conflict, TooLarge, InvalidInput))
async def answer(
    run_id: str, body: AnswerRequest, caller: ActiveCaller, views: Views, answers: Answers, request: Request
) -> Run:
    """Answers a question of the run, which then continues, and returns the run. Each question is answered once.

    409 if the run does not ask this, or not any more; with `Retry-After` while it is not waiting yet. 422 if the answer
    is not one of the choices, does not fit the schema, or is larger than 64 KB.
    """
    ticket = await answers.answer(caller, run_id, body)
    request.state.access["run"] = ticket.id
    return await views.show(ticket)


app = create_app("runs", router, Settings.from_environ())
finish_startup()


@aio.http
async def runs(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
