"""The scheduled sweep: starts scheduled runs, and takes up tickets and holds that no process is working on.

This function is private. In the cloud, the platform and the function itself admit only the scheduler's service account,
and Hosting has no rewrite to it.
"""

from shared.startup import finish_startup

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.services.chat.sweep import SweepResult, SweepService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.service_tokens import only_from

router = APIRouter(route_class=StrictJsonRoute, dependencies=[Depends(only_from("scheduler"))])


async def _sweep_service(settings: CurrentSettings) -> SweepService:
    return SweepService(Database(settings), task_queue(settings), settings)


@router.post("/")
async def sweep_now(service: Annotated[SweepService, Depends(_sweep_service)]) -> SweepResult:
    """Starts scheduled runs, queues stale tickets again or ends them, and returns the number of each."""
    return await service.sweep()


app = create_app("sweep", router, Settings.from_environ())
finish_startup()


@aio.http
async def sweep(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
