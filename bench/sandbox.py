"""Running an agent's code through HTTP, beside an empty request to the same function, and beside plain `exec`."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import httpx

from bench.served import ROOT, served
from local_platform.firestore_emulator import firestore_emulator

_RUNS = 300
_CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}"
_INPUT = {"inputText": "hello"}
_BODY = {"code": _CODE, "inputDict": _INPUT, "tools": {}}


def measure() -> None:
    """Medians over runs one after another; the first run, which starts the engine, apart."""
    print(f"A one-line agent, median of {_RUNS} warm runs, one after another")
    with (
        firestore_emulator() as host,
        served("agents", ROOT / "functions/agents/main.py", {"FIRESTORE_EMULATOR_HOST": host}) as agents,
    ):
        asyncio.run(_measured(agents.url))


async def _measured(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        began = time.perf_counter()
        _right(await client.post("/agents/run-code", json=_BODY))
        print(f"  first run            {(time.perf_counter() - began) * 1000:8.2f} ms (imports and starts the engine)")
        empty = await _median(lambda: client.post("/agents/nothing/there", json=_BODY))
        run = await _median(lambda: _checked(client))
    plain = await _median(_plain)
    print(f"  empty request        {empty:8.2f} ms")
    print(
        f"  run-code             {run:8.2f} ms   {run - empty:+.2f} ms on top   x{run / empty:.2f} of the empty request"
    )
    print(f"  plain exec           {plain:8.2f} ms   (in the process itself, where it reads every key)", flush=True)


async def _checked(client: httpx.AsyncClient) -> None:
    _right(await client.post("/agents/run-code", json=_BODY))


def _right(response: httpx.Response) -> None:
    if response.raise_for_status().json()["result"] != {"outputText": "HELLO"}:
        raise RuntimeError(f"a wrong result: {response.text}")


async def _plain() -> None:
    names: dict[str, Any] = {}
    exec(compile(_CODE, "agent.py", "exec"), names)  # noqa: S102 - what the sandbox is compared with
    json.dumps(await names["run"](input_dict=_INPUT, tools={}))


async def _median(action: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds."""
    times: list[float] = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        await action()
        times.append(time.perf_counter() - began)
    return median(times) * 1000
