"""Specs: API descriptions fetched from where they are published."""

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
"""A URL."""

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
    """An OpenAPI or Swagger document as it was published, with whole server addresses, and its name."""
    return await service.fetch(caller, body)


app = create_app("specs", router, Settings.from_environ(), MAX_BODY_BYTES)


@aio.http
async def specs(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
