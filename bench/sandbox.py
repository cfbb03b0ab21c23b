"""Running an agent's code through HTTP, beside an empty request and beside plain `exec`; and many runs at a time."""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import httpx
import psutil

from bench.served import ROOT, Served, served
from local_platform.firestore_emulator import firestore_emulator
from shared.models.wire import JsonObject
from shared.sandbox import Limits, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_abilities import NoAbilities
from shared.sandbox.workers import end_all
from shared.settings import Settings

_RUNS = 300
_CLIENTS = 8
_RUNS_OF_A_CLIENT = 200
_WAITING = 200
_CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}"
_WAITS = "import asyncio\n\nasync def run(input_dict, tools):\n    await asyncio.sleep(60)"
_COMPUTES = """async def run(input_dict, tools):
    total = 0
    for number in range(input_dict["rounds"]):
        total = (total * 31 + number) % 1_000_003
    return total
"""
_ROUNDS = 3_000_000
_INPUT: JsonObject = {"inputText": "hello"}
_BODY = {"code": _CODE, "inputDict": _INPUT, "tools": {}}


def measure() -> None:
    """Medians over runs one after another; the first run, which starts the sandbox, apart."""
    print(f"A one-line agent, median of {_RUNS} warm runs, one after another")
    with (
        firestore_emulator() as host,
        tempfile.TemporaryDirectory() as fresh,
        served(
            "agents", ROOT / "functions/agents/main.py", {"FIRESTORE_EMULATOR_HOST": host, "TMPDIR": fresh}
        ) as agents,
    ):
        asyncio.run(_measured(agents))
    asyncio.run(_alone())


async def _measured(agents: Served) -> None:
    async with httpx.AsyncClient(base_url=agents.url, trust_env=False, timeout=30) as client:
        empty = await _median(lambda: client.post("/agents/nothing/there", json=_BODY))
        first = await _timed(lambda: _checked(client))
        run = await _median(lambda: _checked(client))
    plain = await _median(_plain)
    print(f"  first run            {first:8.2f} ms   (imports the library, and starts the sandbox)")
    print(f"  empty request        {empty:8.2f} ms")
    print(
        f"  run-code             {run:8.2f} ms   {run - empty:+.2f} ms on top   x{run / empty:.2f} of the empty request"
    )
    print(f"  plain exec           {plain:8.2f} ms   (in the process itself, where it reads every key)")


async def _alone() -> None:
    """Without HTTP: what the sandbox itself can carry."""
    settings = Settings()
    limits = Limits(60, settings.run_cpu_seconds, settings.run_memory_bytes, 10_000, 100_000)
    engine = WasmEngine(_WAITING)

    async def run(code: str, tenant: int, input_dict: JsonObject = _INPUT) -> Any:
        program = Program(code, input_dict, sharers=(f"user:{tenant}",))
        outcome = await engine.run(program, NoAbilities(), limits)
        if outcome.failure:
            raise RuntimeError(outcome.failure.error)
        return outcome.result

    async def client(tenant: int, runs: int) -> None:
        for _ in range(runs):
            await run(_CODE, tenant)

    cold = await _timed(lambda: run(_CODE, 0))
    await asyncio.gather(*[client(tenant, 3) for tenant in range(_CLIENTS)])
    seconds = await _timed(lambda: asyncio.gather(*[client(n, _RUNS_OF_A_CLIENT) for n in range(_CLIENTS)])) / 1000
    computing = await _timed(lambda: run(_COMPUTES, 0, {"rounds": _ROUNDS}))
    natively = await _timed(_natively)
    waiting = [asyncio.create_task(run(_WAITS, 100 + number)) for number in range(_WAITING)]
    await asyncio.sleep(8)
    memory = _memory()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await end_all()
    print("The sandbox alone")
    print(f"  first run            {cold:8.2f} ms   (of a fresh process)")
    print(f"  {_CLIENTS} clients            {_CLIENTS * _RUNS_OF_A_CLIENT / seconds:8.0f} runs a second")
    print(f"  computing            {computing:8.2f} ms   x{computing / natively:.2f} of CPython in this process")
    print(f"  {_WAITING} runs that wait   {memory / 2**20:8.0f} MiB in all", flush=True)


def _memory() -> int:
    """Bytes of the sandbox's processes; what several share is counted once."""
    return sum(process.memory_full_info().pss for process in psutil.Process().children(recursive=True))


async def _natively() -> None:
    names: dict[str, Any] = {}
    exec(compile(_COMPUTES, "agent.py", "exec"), names)  # noqa: S102 - what the sandbox is compared with
    await names["run"]({"rounds": _ROUNDS}, {})


async def _timed(action: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await action()
    return (time.perf_counter() - began) * 1000


async def _checked(client: httpx.AsyncClient) -> None:
    response = await client.post("/agents/run-code", json=_BODY)
    if response.raise_for_status().json()["result"] != {"outputText": "HELLO"}:
        raise RuntimeError(f"a wrong result: {response.text}")


async def _plain() -> None:
    names: dict[str, Any] = {}
    exec(compile(_CODE, "agent.py", "exec"), names)  # noqa: S102 - what the sandbox is compared with
    json.dumps(await names["run"](input_dict=_INPUT, tools={}))


async def _median(action: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds."""
    return median([await _timed(action) for _ in range(_RUNS)])
