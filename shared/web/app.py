"""Builds a function's application: its routes, within the middleware that all functions share."""

from typing import cast

from fastapi import APIRouter, FastAPI, Response
from starlette.routing import Match
from starlette.types import Scope

from shared.log import configure_logging
from shared.settings import Settings
from shared.web.access_log import AccessLog
from shared.web.body import BodyLimit
from shared.web.cors import Cors
from shared.web.errors import CatchAll, add_error_handlers
from shared.web.head_requests import HeadAsGet
from shared.web.paths import PathForms
from shared.web.response_headers import NoStore
from shared.web.server import switch_off_heartbeats


def create_app(
    function: str,
    router: APIRouter,
    settings: Settings,
    max_body_bytes: int | None = None,
    open_prefix: str | None = None,
) -> FastAPI:
    """Builds the application of the function named `function`, which serves `router`.

    `max_body_bytes` replaces the limit in the settings. Any origin may call paths that begin with `open_prefix`.

    The application lives as long as the process. Its lifespan never runs under functions-framework, so everything that
    needs an event loop, such as a client, is created at first use.
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
    app.router.routes.extend(router.routes)  # `include_router` would build each route again, at the first request
    add_error_handlers(app)

    def is_route(path: str) -> bool:
        scope: Scope = {"type": "http", "path": path, "root_path": "", "method": "GET"}
        return any(route.matches(scope)[0] is not Match.NONE for route in app.router.routes)

    # The middleware added last is the outermost.
    app.add_middleware(PathForms, function=function, is_route=is_route)
    app.add_middleware(BodyLimit, limit=max_body_bytes or settings.max_body_bytes)
    app.add_middleware(CatchAll)
    app.add_middleware(
        Cors,
        settings=settings,
        open_prefix=open_prefix,
        canonical=PathForms(app, function, is_route).canonical,
    )
    app.add_middleware(NoStore)
    app.add_middleware(HeadAsGet)
    app.add_middleware(AccessLog, function=function, settings=settings)
    return app


def as_response(app: FastAPI) -> Response:
    """Returns the application as an entry point's response, which functions-framework calls through ASGI."""
    return cast(Response, app)
