"""Builds a function's application: its routes, and around them what all functions have in common."""

from collections.abc import Callable
from typing import cast

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.log import configure_logging
from shared.settings import Settings
from shared.trace import REQUEST_ID, TRACEPARENT
from shared.web.access_log import AccessLog
from shared.web.body import BodyLimit
from shared.web.errors import CatchAll, add_error_handlers
from shared.web.paths import PathForms
from shared.web.server import switch_off_heartbeats

_OF_EVERY_REQUEST = (REQUEST_ID, TRACEPARENT)
"""Headers that any request may carry, to be found again by."""


class JsonCors(CORSMiddleware):
    """Tells a refused preflight in the shape of all other errors, not in plain text."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        detail = bytes(response.body).decode()
        headers = {name: value for name, value in response.headers.items() if name.startswith(("access-", "vary"))}
        return JSONResponse({"detail": f"{detail}."}, status_code=response.status_code, headers=headers)


class OpenCors:
    """Any origin may call what begins with `prefix`, without cookies: also the opaque one of a sandboxed page.

    `canonical` gives a path as the routes have it.
    """

    def __init__(self, app: ASGIApp, prefix: str, canonical: Callable[[str], str]) -> None:
        self.app = app
        self.prefix = prefix
        self.canonical = canonical
        self.open = JsonCors(
            app,
            allow_origins=["*"],
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", *_OF_EVERY_REQUEST],
            expose_headers=["Idempotent-Replayed", "Retry-After", "X-Run-Id", "warnings", REQUEST_ID],
            max_age=3600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_open = scope["type"] == "http" and self.canonical(scope["path"]).startswith(self.prefix)
        await (self.open if is_open else self.app)(scope, receive, send)


class NoStore:
    """`Cache-Control: no-store` on every answer that does not say otherwise.

    Answers belong to their caller; and Hosting would keep even a 404 for ten minutes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_header)


def create_app(
    function: str,
    router: APIRouter,
    settings: Settings,
    max_body_bytes: int | None = None,
    open_prefix: str | None = None,
) -> FastAPI:
    """The application of the function named `function`, serving `router`.

    `max_body_bytes` replaces the limit that the settings give. What begins with `open_prefix` may be called from any
    origin.

    It lives as long as the process. Its lifespan never runs under functions-framework, so whatever needs an
    event loop (clients above all) is made at first use.
    """
    switch_off_heartbeats()
    configure_logging()
    app = FastAPI(
        title=function,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.include_router(router)
    add_error_handlers(app)

    def is_route(path: str) -> bool:
        scope: Scope = {"type": "http", "path": path, "root_path": "", "method": "GET"}
        return any(route.matches(scope)[0] is not Match.NONE for route in app.router.routes)

    # The last added is the outermost.
    app.add_middleware(PathForms, function=function, is_route=is_route)
    app.add_middleware(BodyLimit, limit=max_body_bytes or settings.max_body_bytes)
    app.add_middleware(CatchAll)
    if settings.cors_origins:
        app.add_middleware(
            JsonCors,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Admin-Password", *_OF_EVERY_REQUEST],
            expose_headers=[
                "Idempotent-Replayed",
                "Retry-After",
                "X-Next-Page-Token",
                "X-Run-Id",
                "warnings",
                REQUEST_ID,
            ],
            max_age=3600,
        )
    if open_prefix:
        app.add_middleware(OpenCors, prefix=open_prefix, canonical=PathForms(app, function, is_route).canonical)
    app.add_middleware(NoStore)
    app.add_middleware(
        AccessLog,
        function=function,
        project=settings.google_cloud_project,
        trusted_proxies=settings.trusted_proxies,
    )
    return app


def as_response(app: FastAPI) -> Response:
    """What a function's entry point returns: functions-framework awaits it as it does any response, by ASGI."""
    return cast(Response, app)
