"""The service itself: its name, its health, and the answer to every path that no function serves."""

from fastapi import APIRouter, Request, Response
from functions_framework import aio

from shared.settings import Settings
from shared.web import StrictJsonRoute, as_response, create_app

SERVICE = "user-service"

router = APIRouter(route_class=StrictJsonRoute)


@router.api_route("/", methods=["GET", "HEAD"])
async def heartbeat() -> dict[str, str]:
    """The service's name."""
    return {"service": SERVICE, "status": "running"}


@router.api_route("/health", methods=["GET", "HEAD"])
async def health() -> dict[str, str]:
    """For readiness probes. It asks nothing of other services, so it tells of this one alone."""
    return {"status": "healthy", "service": SERVICE}


app = create_app("meta", router, Settings.from_environ())


@aio.http
async def meta(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
