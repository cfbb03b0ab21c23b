"""The service itself: its name, its health, and the answer to every path that no function serves."""

from fastapi import APIRouter, Request, Response
from functions_framework import aio

from shared.models.wire import SnakeModel, shown_as
from shared.settings import Settings
from shared.web import StrictJsonRoute, as_response, create_app

SERVICE = "user-service"


class Heartbeat(SnakeModel):
    """That the service runs."""

    model_config = shown_as(service=SERVICE, status="running")

    service: str = SERVICE
    status: str = "running"


class Health(SnakeModel):
    """That the service can be asked."""

    model_config = shown_as(status="healthy", service=SERVICE)

    status: str = "healthy"
    service: str = SERVICE


router = APIRouter(route_class=StrictJsonRoute)


@router.head("/", include_in_schema=False)
@router.get("/")
async def heartbeat() -> Heartbeat:
    """The service's name."""
    return Heartbeat()


@router.head("/health", include_in_schema=False)
@router.get("/health")
async def health() -> Health:
    """Whether the service runs, for readiness probes. It asks nothing of other services."""
    return Health()


app = create_app("meta", router, Settings.from_environ())


@aio.http
async def meta(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
