"""Tests what happens if callers disconnect. The functions run in separate processes, and requests use real HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from bench.served import ROOT, Served, serve
from shared.models.caller import Caller
from shared.settings import Settings
from shared.store import Database
from tests.doubles.api_server import ApiServer
from tests.doubles.model_server import Answer, ModelServer
from tests.services.publishing import publish

ME = Caller(uid="local-dev-user")
QUICK = "async def run(input_dict, tools):\n    return 'quick'"
Start = Callable[[str], AbstractContextManager[Served]]

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def start(settings: Settings, environ: dict[str, str], api_server: ApiServer) -> Start:
    """Returns a function that starts a Cloud Function with one run slot."""
    import os

    variables = {
        **environ,
        "GOOGLE_CLOUD_PROJECT": settings.google_cloud_project,
        "FIRESTORE_EMULATOR_HOST": os.environ["FIRESTORE_EMULATOR_HOST"],
        "OUTBOUND_ALLOWED_HOSTS": api_server.host,
        "RUNS_AT_ONCE": "1",
    }
    return lambda name: serve(name, ROOT / "functions" / name / "main.py", variables)


@asynccontextmanager
async def disconnecting(url: str, path: str, body: dict[str, Any]) -> AsyncGenerator[None]:
    """Sends a request, and closes its connection at the end of the block without waiting for the response."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        request = asyncio.create_task(client.post(path, json=body))
        yield
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)


async def wait_for_call(api_server: ApiServer) -> None:
    async with asyncio.timeout(60):
        while not api_server.paths():  # noqa: ASYNC110 - the call arrives on another thread
            await asyncio.sleep(0.02)


def sleeper(api_server: ApiServer) -> str:
    return (
        "import asyncio\n\nasync def run(input_dict, tools):\n"
        f"    await http_client.get('{api_server.address}/echo')\n    await asyncio.sleep(45)\n    return 'slept'"
    )


async def test_a_test_run_ends_when_its_caller_disconnects(start: Start, api_server: ApiServer) -> None:
    """If the caller disconnects, the run ends and its slot is free. Otherwise, the next run would be refused after ten
    seconds."""
    with start("agents") as function:
        body = {"code": sleeper(api_server), "inputDict": {}, "tools": {}}
        async with disconnecting(function.url, "/agents/run-code", body):
            await wait_for_call(api_server)
        quick = {**body, "code": QUICK}
        async with httpx.AsyncClient(base_url=function.url, trust_env=False, timeout=60) as client:
            response = await client.post("/agents/run-code", json=quick)
    assert (response.status_code, response.json().get("result")) == (200, "quick"), response.text


async def test_a_published_agents_run_ends_when_its_caller_disconnects(
    start: Start, database: Database, api_server: ApiServer
) -> None:
    """A run of a published agent ends as well, whichever of the agent's paths was called."""
    await publish(database, ME, "sleeper", sleeper(api_server))
    await publish(database, ME, "quick", QUICK)
    with start("deployments") as function:
        async with disconnecting(function.url, "/api/rest/sleeper", {}):
            await wait_for_call(api_server)
        async with httpx.AsyncClient(base_url=function.url, trust_env=False, timeout=60) as client:
            response = await client.post("/rest/quick", json={})
    assert (response.status_code, response.json()) == (200, "quick"), response.text


async def test_a_model_call_is_charged_even_if_the_caller_disconnects(
    start: Start, database: Database, model_server: ModelServer
) -> None:
    """A model call continues after the caller has disconnected, because the provider bills it anyway. It is charged
    once, and its hold is released."""
    model_server.script("hi", Answer("hello", delay=3, prompt_tokens=1000, completion_tokens=100))
    code = "async def run(input_dict, tools):\n    await call_llm('openai', 'gpt-4.1-mini', 'hi', {'max_tokens': 100})"
    body = {"code": code, "inputDict": {}, "tools": {}}
    with start("agents") as function:
        async with disconnecting(function.url, "/agents/run-code", body):
            async with asyncio.timeout(60):
                await model_server.called()
        async with asyncio.timeout(60):
            while not (amounts := await charged_amounts(database)):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.2)
    assert amounts == [560]
    account = await database.accounts.get(ME.uid)
    assert account is not None
    assert account.held == 0
    assert len(model_server.calls) == 1


async def charged_amounts(database: Database) -> list[int]:
    entries = await database._client.collection("users").document(ME.uid).collection("usage").get()  # pyright: ignore[reportPrivateUsage]
    return [(entry.to_dict() or {})["charged"] for entry in entries]
