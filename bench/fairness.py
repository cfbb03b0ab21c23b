"""Measures one user's chats and REST calls, both without load and while another user has 300 sleeping agents."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from statistics import median
from uuid import uuid4

import httpx

from bench.served import ROOT, serve
from local_platform.firestore_emulator import firestore_emulator
from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest
from shared.settings import Settings
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.dispatcher import Dispatcher
from tests.doubles.model_server import Answer, ModelServer
from tests.services.harness import Harness, chat
from tests.services.publishing import ECHO, publish

_FLOOD = 300
_DISPATCHES = 20
"""The maximum number of tasks that one worker gets at a time: its share of the queue's 200."""
_CHATS = 10
_CALLS = 20
_MODEL_SECONDS = 1.0
_FLOODER, _OTHER = Caller(uid="flooder"), Caller(uid="other")
_SLEEPER = "async def run(input_dict, tools):\n    await asyncio.sleep(1000)"


def measure() -> None:
    """Prints the median durations of sequential requests, and the number of deliveries that the flood caused."""
    print(f"While another user has {_FLOOD} sleeping agents (one worker that gets {_DISPATCHES} tasks at a time)")
    tasks, model = CloudTasksServer(), ModelServer()
    tasks.start()
    model.start()
    with firestore_emulator() as host:
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        environ = {
            "FIRESTORE_EMULATOR_HOST": host,
            "CLOUD_TASKS_ENDPOINT": tasks.endpoint,
            "GOOGLE_CLOUD_PROJECT": f"demo-bench-{uuid4().hex[:8]}",
            "OPENAI_API_KEY": "sk-bench",
            "OPENAI_BASE_URL": model.base_url,
            "REST_RATE_PER_MINUTE": "0",
            "CHAT_RATE_PER_MINUTE": "0",
        }
        asyncio.run(_measure(environ, tasks, model))
    model.stop()
    tasks.stop()


async def _measure(environ: dict[str, str], tasks: CloudTasksServer, model: ModelServer) -> None:
    harness = Harness(Settings.from_environ(environ), Catalog.load(environ))
    await publish(harness.database, _FLOODER, "sleeper", _SLEEPER)
    await publish(harness.database, _OTHER, "echo", ECHO)
    model.script("hi", *[Answer("hello", delay=_MODEL_SECONDS) for _ in range(3 * _CHATS)])
    with serve("worker", ROOT / "functions/worker/main.py", environ) as worker:
        dispatcher = Dispatcher(tasks, worker.url, _DISPATCHES)
        async with dispatcher.dispatching():
            await _chat(harness)  # the first chat imports litellm
            unloaded = await _median(_CHATS, lambda: _chat(harness))
            body = {"messages": [{"role": "user", "content": "x"}], "provider": GOFANNON, "model": "sleeper"}
            deliveries_before = len(dispatcher.delivered)
            for _ in range(_FLOOD):
                await harness.chat.submit(_FLOODER, ChatRequest.model_validate(body))
            loaded = await _median(_CHATS, lambda: _chat(harness))
    flood = len(dispatcher.delivered) - deliveries_before - _CHATS
    _print_row(
        "POST /chat to its answer",
        unloaded,
        loaded,
        f"{flood} deliveries for the flood, {len(dispatcher.refused)} errors",
    )
    with serve("deployments", ROOT / "functions/deployments/main.py", environ) as function:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=function.url, timeout=60, trust_env=False, limits=limits) as client:
            await _call(client)
            unloaded = await _median(_CALLS, lambda: _call(client))
            flood_of_calls = [asyncio.create_task(client.post("/rest/sleeper", json={})) for _ in range(_FLOOD)]
            await asyncio.wait(flood_of_calls, return_when=asyncio.FIRST_COMPLETED)  # until one is refused
            loaded = await _median(_CALLS, lambda: _call(client))
            for call in flood_of_calls:
                call.cancel()
            await asyncio.gather(*flood_of_calls, return_exceptions=True)
    _print_row("POST /rest/{name}", unloaded, loaded, "")


def _print_row(name: str, unloaded: float, loaded: float, note: str) -> None:
    ratio = loaded / unloaded
    print(f"  {name:26} unloaded {unloaded:7.3f} s   loaded {loaded:7.3f} s   x{ratio:.2f}   {note}", flush=True)


async def _chat(harness: Harness) -> None:
    ticket_id = (await harness.chat.submit(_OTHER, chat("hi"))).ticket_id
    while not (await harness.chat.look_up(_OTHER, ticket_id)).status.finished:  # noqa: ASYNC110 - another process ends it
        await asyncio.sleep(0.02)


async def _call(client: httpx.AsyncClient) -> None:
    (await client.post("/rest/echo", json={"inputText": "x"})).raise_for_status()


async def _median(times: int, action: Callable[[], Awaitable[None]]) -> float:
    """Returns the median duration in seconds."""
    durations: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await action()
        durations.append(time.perf_counter() - began)
    return median(durations)
