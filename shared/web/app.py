"""Builds a function's application: its routes, within the envelope that all functions share."""

from typing import cast

from fastapi import APIRouter, FastAPI, Response
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import iter_route_contexts
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.log import configure_logging
from shared.settings import Settings
from shared.web.envelope import Envelope
from shared.web.errors import HANDLERS, RenderError, render_detail
from shared.web.routing import Routes
from shared.web.server import switch_off_heartbeats


class _Application(FastAPI):
    """FastAPI with the envelope instead of its own outer middlewares.

    Those respond to unhandled exceptions and to oversized bodies in plain text, and the envelope lets neither through.
    """

    def __init__(
        self,
        function: str,
        settings: Settings,
        max_body_bytes: int,
        open_prefix: str | None,
        render_error: RenderError,
    ) -> None:
        super().__init__(
            title=function,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
            exception_handlers=HANDLERS,
        )
        self.state.settings = settings
        self.state.render_error = render_error
        self._max_body_bytes = max_body_bytes
        self._open_prefix = open_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles the request like FastAPI, without its telemetry and its support for a path above the application."""
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Returns the envelope. Called once, at the first request."""
        routed = ExceptionMiddleware(AsyncExitStackMiddleware(self.router), handlers=self.exception_handlers)
        routes = Routes(iter_route_contexts(self.router.routes))
        settings, render_error = self.state.settings, self.state.render_error
        return Envelope(routed, self.title, settings, routes, self._max_body_bytes, self._open_prefix, render_error)


def create_app(
    function: str,
    router: APIRouter,
    settings: Settings,
    max_body_bytes: int | None = None,
    open_prefix: str | None = None,
    render_error: RenderError = render_detail,
) -> FastAPI:
    """Builds the application of the function named `function`, which serves `router`.

    `max_body_bytes` replaces the limit in the settings. Any origin may call paths that begin with `open_prefix`.
    `render_error` gives errors another form.

    The application lives as long as the process. Its lifespan never runs under functions-framework, so everything that
    needs an event loop, such as a client, is created at first use.
    """
    switch_off_heartbeats()
    configure_logging()
    limit = max_body_bytes or settings.max_body_bytes
    app = _Application(function, settings, limit, open_prefix, render_error)
    app.router.routes.extend(router.routes)  # `include_router` would build each route again, at the first request
    return app


def as_response(app: FastAPI) -> Response:
    """Returns the application as an entry point's response, which functions-framework calls through ASGI."""
    return cast(Response, app)
