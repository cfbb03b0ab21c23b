"""The sweep, on a schedule: takes care of tickets whose worker never came back.

Private: in the cloud only the scheduler's service account may call it, by the platform's check and by ours, and Hosting
has no way to it.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio

from shared.services.chat.sweep import SweepService, Swept
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.service_tokens import only_from

router = APIRouter(route_class=StrictJsonRoute, dependencies=[Depends(only_from("scheduler"))])


async def _sweep_service(settings: CurrentSettings) -> SweepService:
    return SweepService(Database(settings), task_queue(settings), settings)


@router.post("/")
async def sweep_now(service: Annotated[SweepService, Depends(_sweep_service)]) -> Swept:
    """Enqueues again or ends what lies untouched; answers how many."""
    return await service.sweep()


app = create_app("sweep", router, Settings.from_environ())


@aio.http
async def sweep(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
