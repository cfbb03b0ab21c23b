"""All public functions behind one address, over real HTTP: each path goes where Hosting's rewrites send it."""

from starlette.types import ASGIApp, Receive, Scope, Send

from contract.functions import PRIVATE, functions
from shared.settings import Settings
from shared.web import create_app
from tests.contract.rewrites import first_for
from tests.doubles.served import ServedInThread
from tests.sandbox_workers import end_workers


class Composed(ServedInThread):
    """Lives as long as the tests that share it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(_composed(settings))
        self._server.config.lifespan = "on"  # at whose end is ended what must not outlive its event loop


def _composed(settings: Settings) -> ASGIApp:
    apps: dict[str, ASGIApp] = {
        function.name: create_app(
            function.name,
            function.router,
            settings,
            getattr(function.module, "MAX_BODY_BYTES", None),
            getattr(function.module, "OPEN_PREFIX", None),
        )
        for function in functions()
        if function.name not in PRIVATE
    }

    async def composed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await end_workers()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            path = scope["raw_path"].decode("ascii")  # Hosting looks at it as it was sent
            await apps[first_for(path).function](scope, receive, send)

    return composed
