"""Client logs: events that frontends report, with or without a signed-in user, are written to the service's log."""

from shared.startup import finish_startup

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from functions_framework import aio

from shared.models.errors import Forbidden, InvalidInput, TooLarge, TooManyRequests, Unavailable
from shared.services.client_logs import ClientLog, Logged, write_client_log
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database
from shared.web import ClientAddress, CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCallerIfAny
from shared.web.address import address_block
from shared.web.authentication import TOKEN_OPTIONAL
from shared.web.error_responses import error_responses

MAX_BODY_BYTES = 32 * 1024

router = APIRouter(route_class=StrictJsonRoute)


@router.post(
    "/log/client",
    status_code=202,
    responses=error_responses(Forbidden, TooLarge, InvalidInput, TooManyRequests, Unavailable),
    openapi_extra=TOKEN_OPTIONAL,
)
async def log_client(
    body: ClientLog,
    caller: ActiveCallerIfAny,
    address: ClientAddress,
    settings: CurrentSettings,
    user_agent: Annotated[str, Header()] = "",
) -> Logged:
    """Writes one line to the log. The number of requests per minute is limited for each user or address."""
    key = f"log:user:{caller.uid}" if caller else f"log:address:{address_block(address)}"
    await RateLimitService(Database(settings)).acquire(key, settings.public_rate_per_minute)
    return write_client_log(body, address, user_agent[:500], caller.uid if caller else None)


app = create_app("logs", router, Settings.from_environ(), MAX_BODY_BYTES)
finish_startup()


@aio.http
async def logs(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
