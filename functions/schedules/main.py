"""Schedules: runs of agents at the times that a cron expression describes. Webhooks: URLs that are notified of runs."""

from shared.startup import finish_startup

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.models.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from shared.models.schedule import CreateScheduleRequest, Schedule, UpdateScheduleRequest
from shared.services.quotas import QuotaService
from shared.services.schedules.schedules import ScheduleService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses
from shared.web.paging import DEFAULT_LIMIT, PAGED, PageLimit, PageToken, respond_with
from shared.web.webhook_routes import router as webhooks

router = APIRouter(route_class=StrictJsonRoute, prefix="/schedules", responses=error_responses(Unavailable))


async def _schedule_service(settings: CurrentSettings) -> ScheduleService:
    database = Database(settings)
    return ScheduleService(database, QuotaService(database, settings))


Schedules = Annotated[ScheduleService, Depends(_schedule_service)]


@router.post(
    "",
    status_code=201,
    responses=error_responses(BadRequest, Unauthenticated, Forbidden, NotFound, TooLarge, InvalidInput),
)
async def create(body: CreateScheduleRequest, caller: ActiveCaller, service: Schedules) -> Schedule:
    """Creates a schedule: at each due time of its cron expression, a run of the agent starts. The caller owns the runs.

    404 for an agent that does not exist, or belongs to another user and is not shared.
    """
    return await service.create(caller, body)


@router.get("", responses=PAGED | error_responses(BadRequest, Unauthenticated, Forbidden, InvalidInput))
async def list_schedules(
    caller: ActiveCaller,
    service: Schedules,
    response: Response,
    limit: PageLimit = DEFAULT_LIMIT,
    page_token: PageToken = None,
) -> list[Schedule]:
    """Lists the caller's schedules, newest change first. `X-Next-Page-Token` leads to the next page."""
    return respond_with(await service.list(caller, limit, page_token), response)


@router.get("/{schedule_id}", responses=error_responses(Unauthenticated, Forbidden, NotFound))
async def get_schedule(schedule_id: str, caller: ActiveCaller, service: Schedules) -> Schedule:
    """Returns one schedule, with its next due times. 404 if it does not exist or belongs to another user."""
    return await service.get(caller, schedule_id)


@router.put(
    "/{schedule_id}",
    responses=error_responses(BadRequest, Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, InvalidInput),
)
async def update(schedule_id: str, body: UpdateScheduleRequest, caller: ActiveCaller, service: Schedules) -> Schedule:
    """Changes the fields that are sent. 409 for a `_rev` that is not the newest.

    A due time that has passed when `cron`, `timezone` or `enabled` changes makes no run any more.
    """
    return await service.update(caller, schedule_id, body)


@router.delete("/{schedule_id}", status_code=204, responses=error_responses(Unauthenticated, Forbidden, NotFound))
async def delete(schedule_id: str, caller: ActiveCaller, service: Schedules) -> Response:
    """Deletes the schedule. Runs that it has started continue."""
    await service.delete(caller, schedule_id)
    return Response(status_code=204)


router.routes.extend(webhooks.routes)
app = create_app("schedules", router, Settings.from_environ())
finish_startup()


@aio.http
async def schedules(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
