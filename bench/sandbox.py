"""Running an agent's code through HTTP, in either engine, beside an empty request and beside plain `exec`."""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import httpx
import psutil

from bench.served import ROOT, served
from local_platform.firestore_emulator import firestore_emulator

_RUNS = 300
_FULL_RUNS = 20
_NEXT_SECONDS = 1.5
"""Until the next interpreter is ready."""
_CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}"
_INPUT = {"inputText": "hello"}
_BODY = {"code": _CODE, "inputDict": _INPUT, "tools": {}}
_FULL_BODY = {**_BODY, "code": f"import enum\n{_CODE}"}


def measure() -> None:
    """Medians over runs one after another; the first run, which starts the engine, apart."""
    print(f"A one-line agent, median of {_RUNS} warm runs, one after another")
    with (
        firestore_emulator() as host,
        tempfile.TemporaryDirectory() as fresh,
        served(
            "agents", ROOT / "functions/agents/main.py", {"FIRESTORE_EMULATOR_HOST": host, "TMPDIR": fresh}
        ) as agents,
    ):
        asyncio.run(_measured(agents.url))


async def _measured(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        began = time.perf_counter()
        _right(await client.post("/agents/run-code", json=_BODY))
        print(f"  first run            {(time.perf_counter() - began) * 1000:8.2f} ms (imports and starts the engine)")
        empty = await _median(lambda: client.post("/agents/nothing/there", json=_BODY))
        run = await _median(lambda: _checked(client))
        cold = await _timed(lambda: _checked(client, _FULL_BODY))
        interpreters = _memory()
        full = await _full(client)
    plain = await _median(_plain)
    print(f"  empty request        {empty:8.2f} ms")
    print(
        f"  run-code             {run:8.2f} ms   {run - empty:+.2f} ms on top   x{run / empty:.2f} of the empty request"
    )
    print(f"  plain exec           {plain:8.2f} ms   (in the process itself, where it reads every key)")
    print(f"The same in the full engine, median of {_FULL_RUNS} runs with an interpreter ready")
    print(f"  first run            {cold:8.2f} ms (lays out its folder, makes the snapshot, boots)")
    print(
        f"  run-code             {full:8.2f} ms   {full - empty:+.2f} ms on top   x{full / run:.1f} of the fast engine"
    )
    print(f"  an interpreter       {interpreters / 2**20:8.0f} MiB of its own", flush=True)


async def _full(client: httpx.AsyncClient) -> float:
    """Milliseconds, of runs that need not wait for an interpreter."""
    times: list[float] = []
    for _ in range(_FULL_RUNS):
        await asyncio.sleep(_NEXT_SECONDS)
        times.append(await _timed(lambda: _checked(client, _FULL_BODY)))
    return median(times)


def _memory() -> int:
    """Bytes that an interpreter shares with no other process."""
    time.sleep(_NEXT_SECONDS)
    ready = [
        process for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [""])[-1] == "boot.mjs"
    ]
    return max((process.memory_full_info().uss for process in ready), default=0)


async def _timed(action: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await action()
    return (time.perf_counter() - began) * 1000


async def _checked(client: httpx.AsyncClient, body: dict[str, Any] = _BODY) -> None:
    _right(await client.post("/agents/run-code", json=body))


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
