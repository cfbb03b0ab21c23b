"""The service itself: its name, its health, its API description, and the response to unknown paths."""

from shared.startup import finish_startup

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from functions_framework import aio

from shared.models.errors import NotFound
from shared.models.wire import SnakeModel, with_example
from shared.settings import Settings
from shared.web import StrictJsonRoute, as_response, create_app
from shared.web.error_responses import Responses, headers
from shared.web.files import serve_file

SERVICE = "user-service"
HERE = Path(__file__).resolve().parent
CACHE_SECONDS = 300
PAGE = HERE / "docs"
VENDOR = PAGE / "vendor"
"""Files that `make setup` copies from npm."""
PAGE_PARTS = {
    path.name: path
    for path in (
        PAGE / "page.js",
        VENDOR / "swagger-ui-bundle.js",
        VENDOR / "swagger-ui.css",
        VENDOR / "favicon-32x32.png",
    )
}
PAGE_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The page runs only its own scripts, and calls only this service."""


class Heartbeat(SnakeModel):
    """The service is running. `docs` is the path of its API description, relative to the service's address."""

    model_config = with_example(service=SERVICE, status="running", docs="/docs")

    service: str = SERVICE
    status: str = "running"
    docs: str = "/docs"


class Health(SnakeModel):
    """The service responds."""

    model_config = with_example(status="healthy", service=SERVICE)

    status: str = "healthy"
    service: str = SERVICE


router = APIRouter(route_class=StrictJsonRoute)


@router.get("/")
async def heartbeat() -> Heartbeat:
    """Returns the service's name and the path of its API description."""
    return Heartbeat()


@router.get("/health")
async def health() -> Health:
    """Reports that the service is running, for readiness probes. Calls no other service."""
    return Health()


_FILE = headers({"ETag": "A digest of the contents.", "Cache-Control": "How long it may be cached."})
_NOT_MODIFIED: Responses = {304: {"description": "The version that `If-None-Match` names is current."}}
_DOCUMENT: Responses = {
    200: _FILE | {"content": {"application/json": {"example": {"openapi": "3.1.0", "paths": {}}}}},
    **_NOT_MODIFIED,
}
_PAGE: Responses = {
    200: _FILE,
    **_NOT_MODIFIED,
    308: {"description": "Redirects to the path without a trailing slash."},
}


@router.get("/openapi.json", responses=_DOCUMENT)
async def api_document(request: Request) -> Response:
    """Returns this document, in OpenAPI 3.1."""
    return serve_file(request, HERE / "openapi.json", CACHE_SECONDS)


@router.get("/docs", response_class=HTMLResponse, responses=_PAGE)
async def api_page(request: Request) -> Response:
    """Returns this document as a page from which requests can be sent."""
    if request.state.original_path.endswith("/"):  # the page refers to its parts by relative URLs
        return RedirectResponse("../docs", 308)
    return serve_file(request, PAGE / "index.html", CACHE_SECONDS, {"Content-Security-Policy": PAGE_POLICY})


@router.get("/docs/{name}", include_in_schema=False)
async def part_of_api_page(name: str, request: Request) -> Response:
    """Returns a script, a style sheet or an icon of the page."""
    part = PAGE_PARTS.get(name)
    if part is None:
        raise NotFound(f"The page has no part {name[:100]!r}.")
    return serve_file(request, part, CACHE_SECONDS)


app = create_app("meta", router, Settings.from_environ())
finish_startup()


@aio.http
async def meta(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
