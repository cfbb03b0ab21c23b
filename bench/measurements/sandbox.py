"""Agents in the sandbox: one client's runs over HTTP, the engine without HTTP, computing, and the memory of waiting."""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import geometric_mean, median
from typing import Any

import psutil

from bench.backends import Backends, start_backends
from bench.http import write_request
from bench.load import Load
from bench.loop import run as run_to_end
from bench.measurements.run_code import BODY, CODE
from bench.progress import count_rounds, say
from bench.rows import Row
from bench.served import Served, serve_function
from bench.watching import MeasurementFailed
from shared.models.wire import JsonObject
from shared.sandbox import Limits, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from shared.sandbox.workers import end_all
from shared.settings import Settings

_RUNS = 100
"""Runs per round."""
_CLIENTS = 8
_RUNS_PER_CLIENT = 200
_WAITING = 200
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


def measure(rounds: int) -> Iterator[Row]:
    """Yields the durations over HTTP and the sandbox's capacity without HTTP. `rounds` of each."""
    with (
        tempfile.TemporaryDirectory() as folder,
        start_backends(TMPDIR=folder) as backends,
        serve_function("agents", backends.environ) as agents,
    ):
        yield from _measure_requests(backends, agents, rounds)
    yield from run_to_end(_measure_engine(rounds), timeout=120 + 60 * rounds)


def _measure_requests(backends: Backends, agents: Served, rounds: int) -> Iterator[Row]:
    run, empty = write_request("POST", "/agents/run-code", body=BODY), write_request("POST", "/agents/none", body=BODY)
    first = _send(backends, agents, run, 1)
    _send(backends, agents, run, _RUNS)
    empties: list[float] = []
    runs: list[float] = []
    for _ in count_rounds(rounds, "over HTTP"):
        empties.append(_send(backends, agents, empty, _RUNS))
        runs.append(_send(backends, agents, run, _RUNS))
    yield Row("first run of an agent", "ms", [first], note="imports the library and starts the sandbox")
    yield Row("run-code, one client", "ms", runs, empties, note="the floor is a request to an unknown route")
    plain = [run_to_end(_median(_plain)) for _ in range(rounds)]
    yield Row("the same code with exec", "ms", plain, note="in the process of the measurement, without a sandbox")


def _send(backends: Backends, agents: Served, request: bytes, times: int) -> float:
    """Returns the median duration in milliseconds of sequential requests, whatever their responses."""
    load: Load = backends.load.call("send_at_once", agents.port, [request] * times, 1, True)
    return 1000 * median(load.latencies)


async def _measure_engine(rounds: int) -> list[Row]:
    """Measures the sandbox's capacity, without HTTP."""
    settings = Settings()
    limits = Limits(60, settings.run_cpu_seconds, settings.run_memory_bytes, 10_000, 100_000)
    engine = WasmEngine(_WAITING)

    async def run(code: str, tenant: int, input_dict: JsonObject = _INPUT) -> Any:
        program = Program(code, input_dict, sharers=(f"user:{tenant}",))
        outcome = await engine.run(program, NoHostFunctions(), limits)
        if outcome.failure:
            raise MeasurementFailed(outcome.failure.error)
        return outcome.result

    async def client(tenant: int, runs: int) -> None:
        for _ in range(runs):
            await run(CODE, tenant)

    await asyncio.gather(*[client(tenant, 3) for tenant in range(_CLIENTS)])
    rates: list[float] = []
    for _ in count_rounds(rounds, "without HTTP"):
        milliseconds = await _time(lambda: asyncio.gather(*[client(n, _RUNS_PER_CLIENT) for n in range(_CLIENTS)]))
        rates.append(1000 * _CLIENTS * _RUNS_PER_CLIENT / milliseconds)
    say("  computing")
    computing = {kind: await _compare(run, number, body) for kind, (number, body) in _COMPUTATIONS.items()}
    say(f"  {_WAITING} runs that wait")
    waiting = [asyncio.create_task(run(_WAITS, 100 + number)) for number in range(_WAITING)]
    await asyncio.sleep(8)
    memory = _memory()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await end_all()
    each = ", ".join(f"{kind} {ratio:.2f}" for kind, ratio in computing.items())
    return [
        Row(f"the engine without HTTP, {_CLIENTS} clients", "/s", rates),
        Row("computing, compared with CPython", "×", [geometric_mean(computing.values())], note=each, raw=computing),
        Row(f"memory of {_WAITING} runs that wait", "MiB", [memory / 2**20]),
    ]


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


async def _plain() -> None:
    names: dict[str, Any] = {}
    exec(compile(CODE, "agent.py", "exec"), names)  # noqa: S102 - the baseline of the comparison
    json.dumps(await names["run"](input_dict=_INPUT, tools={}))


async def _median(action: Callable[[], Awaitable[Any]]) -> float:
    """Returns the median duration in milliseconds."""
    return median([await _time(action) for _ in range(_RUNS)])
