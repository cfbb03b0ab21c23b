"""Serves all public functions at one address over HTTP, and routes paths according to Hosting's rewrites."""

from starlette.types import ASGIApp, Receive, Scope, Send

from contract.functions import PRIVATE, functions
from shared.settings import Settings
from shared.web import create_app
from shared.web.errors import render_detail
from tests.contract.rewrites import first_match
from tests.doubles.served import ThreadedServer
from tests.sandbox_workers import end_workers


class ComposedService(ThreadedServer):
    """The server for all functions, shared by the tests of a module."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(_compose(settings))
        self._server.config.lifespan = "on"  # stops the workers, which must not outlive their event loop


def _compose(settings: Settings) -> ASGIApp:
    apps: dict[str, ASGIApp] = {
        function.name: create_app(
            function.name,
            function.router,
            settings,
            getattr(function.module, "MAX_BODY_BYTES", None),
            getattr(function.module, "OPEN_PREFIX", None),
            getattr(function.module, "RENDER_ERROR", render_detail),
        )
        for function in functions()
        if function.name not in PRIVATE
    }

    async def route_request(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await end_workers()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            path = scope["raw_path"].decode("ascii")  # Hosting matches the path as it was sent
            await apps[first_match(path).function](scope, receive, send)

    return route_request
