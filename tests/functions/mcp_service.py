"""The service as MCP clients see it: over real HTTP, with a worker that works off the runs while a request waits."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from starlette.types import Receive, Scope, Send

from shared.models.caller import LOCAL_USER, Caller
from shared.models.ticket import Ticket
from shared.settings import Settings
from shared.store import Database
from tests.clients.hosted import HostedService
from tests.doubles.cloud_tasks import CloudTasksServer

ME = Caller(uid=LOCAL_USER)
SLOW = """
import asyncio

async def run(input_dict, tools):
    for n in range(input_dict["n"]):
        print("step", n)
        await asyncio.sleep(0.5)
    return {"outputText": "slept"}
"""
_PAUSE = 0.02


class WorkedService(HostedService):
    """The service, with a worker that takes tasks also while the request that has queued them lasts."""

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        working = asyncio.create_task(self._work())
        try:
            await super()._respond(scope, receive, send)
        finally:
            working.cancel()

    async def _work(self) -> None:
        while True:
            delivery = asyncio.create_task(self._deliver())
            self._deliveries.add(delivery)
            delivery.add_done_callback(self._deliveries.discard)
            await asyncio.sleep(_PAUSE)


ServeMcp = Callable[..., WorkedService]


@pytest.fixture
def serve_mcp(
    settings: Settings, environ: dict[str, str], cloud_tasks: CloudTasksServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServeMcp]:
    """Returns a function that serves the whole service: `serve_mcp(app_env="firebase")`."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL", "_API_BASE")):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:

        def start(**fields: object) -> WorkedService:
            service = WorkedService(settings.model_copy(update=fields), cloud_tasks)
            service.start()
            stack.callback(service.stop)
            return service

        yield start


@pytest.fixture
def service(serve_mcp: ServeMcp) -> WorkedService:
    """The service, which needs no tokens."""
    return serve_mcp()


async def runs_of(database: Database, uid: str = LOCAL_USER) -> list[Ticket]:
    """Returns the user's runs."""
    return (await database.tickets.page(uid, 10, None, None))[0]


async def only_run(database: Database, uid: str = LOCAL_USER) -> Ticket:
    """Returns the user's only run."""
    (run,) = await runs_of(database, uid)
    return run


async def ended_run(database: Database) -> Ticket:
    """Waits until the only run has ended."""
    async with asyncio.timeout(30):
        while not (run := await only_run(database)).status.finished:  # noqa: ASYNC110 - a worker ends it
            await asyncio.sleep(0.05)
    return run
