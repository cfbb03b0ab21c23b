"""Demos: web pages that call published agents. Have a model write them; save and open them."""

from shared.startup import finish_startup

import secrets
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from functions_framework import aio

from shared.late_imports import import_late
from shared.models.demo import CreateDemoRequest, Demo, GeneratedDemo, GenerateDemoRequest, ReplaceDemoRequest
from shared.models.errors import (
    AllowanceSpent,
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UpstreamFailed,
    UpstreamTooSlow,
)
from shared.services.demos.demos import DemoService
from shared.services.demos.page import render_page, write_policy
from shared.services.quotas import QuotaService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.active_callers import ActiveCaller, ActiveCallerIfAny
from shared.web.api_base import find_api_base
from shared.web.authentication import TOKEN_OPTIONAL
from shared.web.error_responses import error_responses
from shared.web.paging import DEFAULT_LIMIT, PAGED, PageLimit, PageToken, respond_with

if TYPE_CHECKING:
    from shared.services.generation.demo_writing import DemoWritingService

MAX_BODY_BYTES = 2 * 1024 * 1024
"""More than a demo's maximum size, so that the error for a larger demo can name the demo's own limit."""

router = APIRouter(route_class=StrictJsonRoute, prefix="/demos", responses=error_responses(Unavailable))


async def _demo_service(settings: CurrentSettings) -> DemoService:
    database = Database(settings)
    return DemoService(database, QuotaService(database, settings))


async def _demo_writing_service(settings: CurrentSettings) -> "DemoWritingService":
    wiring = await import_late("shared.web.wiring.demo_writing")
    return wiring.wire_demo_writing(Database(settings), settings)


Demos = Annotated[DemoService, Depends(_demo_service)]


@router.post("", status_code=201, responses=error_responses(Unauthenticated, Forbidden, TooLarge, InvalidInput))
async def create(body: CreateDemoRequest, caller: ActiveCaller, service: Demos) -> Demo:
    """Saves a demo."""
    return await service.create(caller, body)


@router.get("", responses=PAGED | error_responses(BadRequest, Unauthenticated, Forbidden, InvalidInput))
async def list_demos(
    caller: ActiveCaller,
    service: Demos,
    response: Response,
    limit: PageLimit = DEFAULT_LIMIT,
    page_token: PageToken = None,
) -> list[Demo]:
    """Lists the caller's own and the shared demos, newest change first. `X-Next-Page-Token` leads to the next page."""
    return respond_with(await service.list(caller, limit, page_token), response)


@router.post(
    "/generate-code",
    responses=error_responses(
        BadRequest, Unauthenticated, Forbidden, AllowanceSpent, TooLarge, InvalidInput, UpstreamFailed, UpstreamTooSlow
    ),
)
async def generate_code(
    body: GenerateDemoRequest,
    caller: ActiveCaller,
    service: Annotated["DemoWritingService", Depends(_demo_writing_service)],
) -> GeneratedDemo:
    """Has a model write a page that calls deployments, and checks that it works."""
    return await service.write(caller, body)


@router.get("/{demo_id}", responses=error_responses(Unauthenticated, Forbidden, NotFound))
async def get_demo(demo_id: str, caller: ActiveCaller, service: Demos) -> Demo:
    """Returns one demo. 404 if it does not exist, or belongs to another user and is not shared."""
    return await service.get(caller, demo_id)


@router.put(
    "/{demo_id}", responses=error_responses(Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, InvalidInput)
)
async def replace(demo_id: str, body: ReplaceDemoRequest, caller: ActiveCaller, service: Demos) -> Demo:
    """Replaces a demo. 409 for a `_rev` that is not the newest."""
    return await service.replace(caller, demo_id, body)


@router.delete("/{demo_id}", status_code=204, responses=error_responses(Unauthenticated, Forbidden, NotFound))
async def delete(demo_id: str, caller: ActiveCaller, service: Demos) -> Response:
    """Deletes the demo."""
    await service.delete(caller, demo_id)
    return Response(status_code=204)


@router.get(
    "/{demo_id}/page",
    response_class=HTMLResponse,
    responses=error_responses(BadRequest, Forbidden, NotFound),
    openapi_extra=TOKEN_OPTIONAL,
)
async def open_page(
    demo_id: str, caller: ActiveCallerIfAny, service: Demos, settings: CurrentSettings, request: Request
) -> Response:
    """Returns the demo as a web page. Shared demos need no token, because browsers send none when they open a page."""
    demo = await service.open(caller, demo_id)
    base, nonce = _api_base(request), secrets.token_hex(16)
    embedders = [origin for origin in settings.cors_origins if origin != "*"]  # any origin may call, but not embed
    headers = {
        "Content-Security-Policy": write_policy(base, nonce, embedders),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(render_page(demo.name, demo.generated_code, base, nonce), media_type="text/html", headers=headers)


def _api_base(request: Request) -> str:
    """The URL of the API. Raises `BadRequest` if the request's headers name no host."""
    scheme, forwarded_host = (
        request.headers.get(f"x-forwarded-{part}", "").partition(",")[0].strip() for part in ("proto", "host")
    )
    base = find_api_base(scheme or request.url.scheme, request.headers.get("host", ""), forwarded_host, "demos")
    if base is None:
        raise BadRequest("The request's headers name no host that a page could call.")
    return base


app = create_app("demos", router, Settings.from_environ(), MAX_BODY_BYTES)
finish_startup()


@aio.http
async def demos(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
