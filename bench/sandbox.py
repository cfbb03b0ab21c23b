"""Measures runs of an agent over HTTP, compared with an empty request and plain `exec`, and concurrent runs."""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from statistics import geometric_mean, median
from typing import Any

import httpx
import psutil

from bench.served import ROOT, Served, serve
from local_platform.firestore_emulator import firestore_emulator
from shared.models.wire import JsonObject
from shared.sandbox import Limits, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from shared.sandbox.workers import end_all
from shared.settings import Settings

_ROUNDS = 7
_RUNS = 100
"""Runs per round. Each round begins with the same number of empty requests, as the machine's load may change."""
_CLIENTS = 8
_RUNS_PER_CLIENT = 200
_WAITING = 200
_CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}"
_WAITS = "import asyncio\n\nasync def run(input_dict, tools):\n    await asyncio.sleep(60)"
_COMPUTATIONS = {
    "numbers": (
        1_500_000,
        """
    total = 0
    for number in range(rounds):
        total = (total * 31 + number) % 1_000_003
    return total""",
    ),
    "calls": (
        1_500_000,
        """
    def larger(one, other):
        return one if one > other else other
    maximum = 0
    for number in range(rounds):
        maximum = larger(maximum, number)
    return maximum""",
    ),
    "dicts": (
        1_000_000,
        """
    counts = {}
    for number in range(rounds):
        counts[number & 1023] = counts.get(number & 1023, 0) + 1
    return len(counts)""",
    ),
    "sorting": (
        600_000,
        """
    numbers = [number * 7919 % 10007 for number in range(rounds)]
    numbers.sort()
    return numbers[0]""",
    ),
    "text": (
        500_000,
        """
    return len(" ".join([f"{number}-x" for number in range(rounds)]).split())""",
    ),
    "objects": (
        500_000,
        """
    class Point:
        def __init__(self, x):
            self.x = x
        def next_x(self):
            return self.x + 1
    total = 0
    for number in range(rounds):
        total += Point(number).next_x()
    return total""",
    ),
    "json": (
        60_000,
        """
    import json
    return len(json.loads(json.dumps([{"id": number, "name": str(number)} for number in range(rounds)])))""",
    ),
    "regex": (
        120_000,
        """
    import re
    return len(re.findall(r"(\\w+)@(\\w+)", "abc@def ghi " * rounds))""",
    ),
}
"""Kinds of computation: the number of rounds for which CPython needs about 0.1 s, and the body of `run`."""
_TIMES = 3
_INPUT: JsonObject = {"inputText": "hello"}
_BODY = {"code": _CODE, "inputDict": _INPUT, "tools": {}}


def measure() -> None:
    """Prints the medians of sequential runs. The first run, which starts the sandbox, is separate."""
    print(f"A one-line agent, {_ROUNDS} rounds of {_RUNS} warm runs: the median, and the range of the rounds")
    with (
        firestore_emulator() as host,
        tempfile.TemporaryDirectory() as temporary_folder,
        serve(
            "agents", ROOT / "functions/agents/main.py", {"FIRESTORE_EMULATOR_HOST": host, "TMPDIR": temporary_folder}
        ) as agents,
    ):
        asyncio.run(_measure_requests(agents))
    asyncio.run(_measure_engine())


async def _measure_requests(agents: Served) -> None:
    async with httpx.AsyncClient(base_url=agents.url, trust_env=False, timeout=30) as client:
        first = await _time(lambda: _check_run(client))
        await _median(lambda: _check_run(client))
        empty: list[float] = []
        runs: list[float] = []
        for _ in range(_ROUNDS):
            empty.append(await _median(lambda: client.post("/agents/nothing/there", json=_BODY)))
            runs.append(await _median(lambda: _check_run(client)))
    added = [run - request for run, request in zip(runs, empty, strict=True)]
    plain = await _median(_plain)
    print(f"  first run            {first:8.2f} ms   (imports the library and starts the sandbox)")
    print(f"  empty request        {_format(empty)}")
    print(f"  run-code             {_format(runs)}   x{median(runs) / median(empty):.2f} of the empty request")
    print(f"  difference           {_format(added)}")
    print(f"  plain exec           {plain:8.2f} ms   (in this process, without a sandbox)")


def _format(rounds: list[float]) -> str:
    return f"{median(rounds):8.2f} ms   ({min(rounds):.2f} to {max(rounds):.2f})"


async def _measure_engine() -> None:
    """Measures the sandbox's capacity, without HTTP."""
    settings = Settings()
    limits = Limits(60, settings.run_cpu_seconds, settings.run_memory_bytes, 10_000, 100_000)
    engine = WasmEngine(_WAITING)

    async def run(code: str, tenant: int, input_dict: JsonObject = _INPUT) -> Any:
        program = Program(code, input_dict, sharers=(f"user:{tenant}",))
        outcome = await engine.run(program, NoHostFunctions(), limits)
        if outcome.failure:
            raise RuntimeError(outcome.failure.error)
        return outcome.result

    async def client(tenant: int, runs: int) -> None:
        for _ in range(runs):
            await run(_CODE, tenant)

    cold = await _time(lambda: run(_CODE, 0))
    await asyncio.gather(*[client(tenant, 3) for tenant in range(_CLIENTS)])
    seconds = await _time(lambda: asyncio.gather(*[client(n, _RUNS_PER_CLIENT) for n in range(_CLIENTS)])) / 1000
    ratios = {kind: await _compare(run, rounds, body) for kind, (rounds, body) in _COMPUTATIONS.items()}
    waiting = [asyncio.create_task(run(_WAITS, 100 + number)) for number in range(_WAITING)]
    await asyncio.sleep(8)
    memory = _memory()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await end_all()
    print("The sandbox without HTTP")
    print(f"  first run            {cold:8.2f} ms   (in a fresh process)")
    print(f"  {_CLIENTS} clients            {_CLIENTS * _RUNS_PER_CLIENT / seconds:8.0f} runs per second")
    each = ", ".join(f"{kind} x{ratio:.2f}" for kind, ratio in ratios.items())
    computing = geometric_mean(ratios.values())
    print(f"  computing            {computing:8.2f} times as long as CPython in this process: {each}")
    print(f"  {_WAITING} runs that wait   {memory / 2**20:8.0f} MiB in total", flush=True)


def _memory() -> int:
    """Returns the memory of the sandbox's processes in bytes. Shared memory is counted once."""
    return sum(process.memory_full_info().pss for process in psutil.Process().children(recursive=True))


async def _compare(run: Callable[[str, int, JsonObject], Awaitable[Any]], rounds: int, body: str) -> float:
    """Returns the ratio of the shortest time in the sandbox to the shortest time in this process."""
    code = f'async def run(input_dict, tools):\n    rounds = input_dict["rounds"]{body}'
    names: dict[str, Any] = {}
    exec(compile(code, "agent.py", "exec"), names)  # noqa: S102 - the baseline of the comparison
    in_sandbox = min([await _time(lambda: run(code, 0, {"rounds": rounds})) for _ in range(_TIMES)])
    in_process = min([await _time(lambda: names["run"]({"rounds": rounds}, {})) for _ in range(_TIMES)])
    return in_sandbox / in_process


async def _time(action: Callable[[], Awaitable[Any]]) -> float:
    """Returns the duration in milliseconds."""
    began = time.perf_counter()
    await action()
    return (time.perf_counter() - began) * 1000


async def _check_run(client: httpx.AsyncClient) -> None:
    response = await client.post("/agents/run-code", json=_BODY)
    if response.raise_for_status().json()["result"] != {"outputText": "HELLO"}:
        raise RuntimeError(f"The run returned a wrong result: {response.text}")


async def _plain() -> None:
    names: dict[str, Any] = {}
    exec(compile(_CODE, "agent.py", "exec"), names)  # noqa: S102 - the baseline of the comparison
    json.dumps(await names["run"](input_dict=_INPUT, tools={}))


async def _median(action: Callable[[], Awaitable[Any]]) -> float:
    """Returns the median duration in milliseconds."""
    return median([await _time(action) for _ in range(_RUNS)])
