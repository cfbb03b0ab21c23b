"""Session configuration: the model that a conversation uses."""

from shared.startup import finish_startup

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from functions_framework import aio

from shared.models.errors import Forbidden, InvalidInput, NotFound, TooLarge, Unauthenticated, Unavailable
from shared.models.session import ProviderConfig, SessionConfigured, SessionDeleted
from shared.services.catalog.sessions import SessionService
from shared.services.quotas import QuotaService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses

router = APIRouter(
    route_class=StrictJsonRoute,
    prefix="/sessions/{session_id}",
    responses=error_responses(Unauthenticated, Forbidden, InvalidInput, Unavailable),
)
SessionId = Annotated[str, Path(min_length=1, max_length=500)]


async def _session_service(settings: CurrentSettings) -> SessionService:
    database = Database(settings)
    return SessionService(database, QuotaService(database, settings))


Sessions = Annotated[SessionService, Depends(_session_service)]


@router.post("/config", responses=error_responses(TooLarge))
async def configure(
    session_id: SessionId, body: ProviderConfig, caller: ActiveCaller, service: Sessions
) -> SessionConfigured:
    """Creates the session, or replaces its configuration."""
    return await service.configure(caller, session_id, body)


@router.get("/config", responses=error_responses(NotFound))
async def get_config(session_id: SessionId, caller: ActiveCaller, service: Sessions) -> ProviderConfig:
    """Returns the session's stored configuration."""
    return await service.get_config(caller, session_id)


@router.delete("", responses=error_responses(NotFound))
async def delete(session_id: SessionId, caller: ActiveCaller, service: Sessions) -> SessionDeleted:
    """Deletes the session."""
    return await service.delete(caller, session_id)


app = create_app("sessions", router, Settings.from_environ())
finish_startup()


@aio.http
async def sessions(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
