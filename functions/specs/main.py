"""Specs: fetch API descriptions from their URLs."""

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
from shared.models.spec import FetchedSpec, FetchSpecRequest
from shared.services.connectors.specs import SpecService
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller
from shared.web.error_responses import error_responses

MAX_BODY_BYTES = 64 * 1024
"""The maximum size of a request body, which contains a URL."""

router = APIRouter(
    route_class=StrictJsonRoute, prefix="/specs", responses=error_responses(Unauthenticated, Forbidden, Unavailable)
)


async def _spec_service(settings: CurrentSettings) -> SpecService:
    return SpecService(RateLimitService(Database(settings)), settings)


@router.post(
    "/fetch",
    responses=error_responses(BadRequest, TooLarge, InvalidInput, TooManyRequests, UpstreamFailed, UpstreamTooSlow),
)
async def fetch(
    body: FetchSpecRequest, caller: ActiveCaller, service: Annotated[SpecService, Depends(_spec_service)]
) -> FetchedSpec:
    """Fetches an OpenAPI or Swagger document, and names it. Relative server addresses become absolute."""
    return await service.fetch(caller, body)


app = create_app("specs", router, Settings.from_environ(), MAX_BODY_BYTES)
finish_startup()


@aio.http
async def specs(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
