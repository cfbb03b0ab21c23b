"""One user's chats and REST calls, both without load and while another user has 300 sleeping agents."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx

from bench.backends import Backends, start_backends
from bench.loop import run
from bench.progress import say
from bench.rows import Row
from bench.served import serve_function
from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest
from shared.settings import Settings
from tests.services.harness import Harness, chat
from tests.services.publishing import ECHO, publish

_FLOOD = 300
_MAX_RUNNING = 20
"""The maximum number of tasks that one worker gets at a time: its share of the queue's 200."""
_MODEL_SECONDS = 1.0
_FLOODER, _OTHER = Caller(uid="flooder"), Caller(uid="other")
_SLEEPER = "async def run(input_dict, tools):\n    await asyncio.sleep(1000)"


def measure(rounds: int) -> Iterator[Row]:
    """Yields the durations under load, with those without load as their floor."""
    defaults = Settings()
    limits = {
        "AGENT_CHATS_AT_ONCE": str(defaults.agent_chats_at_once),
        "MODEL_CHATS_AT_ONCE": str(defaults.model_chats_at_once),
        "MAX_WAITING_CHATS": str(defaults.max_waiting_chats),
        "RUN_SECONDS_PER_MINUTE": str(defaults.run_seconds_per_minute),
    }
    with start_backends(**limits) as backends:
        backends.model.call("set_delay", _MODEL_SECONDS)
        harness = run(_prepare(backends))
        yield _measure_chats(backends, harness, 2 * rounds)
        yield _measure_calls(backends, 4 * rounds)


async def _prepare(backends: Backends) -> Harness:
    harness = Harness(Settings.from_environ(backends.environ), Catalog.load(backends.environ))
    await publish(harness.database, _FLOODER, "sleeper", _SLEEPER)
    await publish(harness.database, _OTHER, "echo", ECHO)
    return harness


def _measure_chats(backends: Backends, harness: Harness, chats: int) -> Row:
    with serve_function("worker", backends.environ) as worker:
        backends.tasks.call("deliver_to", [worker.port], _MAX_RUNNING)

        async def measure() -> tuple[list[float], list[float]]:
            await _chat(harness)  # the first chat imports litellm
            say("  chats without load, then during the flood")
            unloaded = await _time(chats, lambda: _chat(harness))
            body = {"messages": [{"role": "user", "content": "x"}], "provider": GOFANNON, "model": "sleeper"}
            for _ in range(_FLOOD):
                await harness.chat.submit(_FLOODER, ChatRequest.model_validate(body))
            return unloaded, await _time(chats, lambda: _chat(harness))

        unloaded, loaded = run(measure(), timeout=120 + 30 * chats)
        backends.tasks.call("deliver_to", [], 0)
    note = f"{_FLOOD} sleeping agents of another user; one worker that gets {_MAX_RUNNING} tasks at a time"
    return Row("a chat during a flood", "s", loaded, unloaded, note=note)


def _measure_calls(backends: Backends, calls: int) -> Row:
    with serve_function("deployments", backends.environ) as function:

        async def measure() -> tuple[list[float], list[float]]:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(base_url=function.url, timeout=60, trust_env=False, limits=limits) as client:
                await _call(client)
                say("  calls without load, then during the flood")
                unloaded = await _time(calls, lambda: _call(client))
                flood = [asyncio.create_task(client.post("/rest/sleeper", json={})) for _ in range(_FLOOD)]
                await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)  # until one is refused
                loaded = await _time(calls, lambda: _call(client))
                for call in flood:
                    call.cancel()
                await asyncio.gather(*flood, return_exceptions=True)
            return unloaded, loaded

        unloaded, loaded = run(measure(), timeout=120 + 10 * calls)
    return Row("POST /rest/{name} during a flood", "s", loaded, unloaded, note=f"{_FLOOD} calls of a sleeping agent")


async def _chat(harness: Harness) -> None:
    ticket_id = (await harness.chat.submit(_OTHER, chat("hi"))).ticket_id
    while not (await harness.tickets.look_up(_OTHER, ticket_id)).status.finished:  # noqa: ASYNC110 - another process ends it
        await asyncio.sleep(0.02)


async def _call(client: httpx.AsyncClient) -> None:
    (await client.post("/rest/echo", json={"inputText": "x"})).raise_for_status()


async def _time(times: int, action: Callable[[], Awaitable[None]]) -> list[float]:
    """Returns the durations in seconds."""
    durations: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await action()
        durations.append(time.perf_counter() - began)
    return durations
