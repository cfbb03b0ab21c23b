"""The limits of a run, and the failures of runs that exceed them."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import JsonValue

from shared.models.wire import JsonObject
from shared.sandbox import Failure, Limits, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.conftest import LIMITS, Run
from tests.sandbox.gate import CALL, Gate
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions

RUN = "async def run(input_dict, tools):\n"


@pytest.mark.parametrize(
    ("code", "limits", "error"),
    [
        (
            "    while True:\n        pass",
            {"cpu_seconds": 0.2},
            "TimeoutError: The code used more than 0.2 s of CPU time, the limit for a run.",
        ),
        ("    await asyncio.sleep(60)", {"seconds": 0.3}, "TimeoutError: The run took longer than 0.3 s."),
        ("    import time\n    time.sleep(60)", {"seconds": 0.3}, "TimeoutError: The run took longer than 0.3 s."),
        (
            "    return 'x' * 100",
            {"result_bytes": 50},
            "TypeError: The result is 102 bytes long as JSON; the limit is 50.",
        ),
    ],
)
async def test_the_failure_names_the_limit(code: str, limits: dict[str, Any], error: str, run: Run) -> None:
    """The failure names the limit and its value."""
    outcome = await run(RUN + code, **limits)
    assert outcome.failure
    assert outcome.failure.error == error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (RUN + "    while True: pass", "TimeoutError: The code used more than 1 s"),
        (RUN + "    kept = []\n    while True: kept.append(bytearray(10**6))", "MemoryError"),
        (
            RUN + "    text = ''\n    while True: text += 'x' * 1000",
            "MemoryError: The run used more memory than allowed.",
        ),
        (RUN + "    text = 'x'\n    while True: text += text", "MemoryError: The run used more memory than allowed."),
        (RUN + "    return 'x' * 200_000", "TypeError: The result is 200002 bytes long as JSON"),
        (RUN + "    return float('nan')", "TypeError: The result is not JSON: NaN and Infinity are not valid JSON"),
        (RUN + "    return {1, 2}", "TypeError: The result must be JSON, and a set is not. Return dicts, lists"),
        (
            RUN + "    return {'a': [0, {'b': object}]}",
            "TypeError: The result must be JSON, and a type is not, at result['a'][1]['b'].",
        ),
        (RUN + "    return [{(1, 2): 3}]", "TypeError: The result is not JSON: keys must be str"),
        (
            RUN + "    return [float('inf')]",
            "TypeError: The result is not JSON: NaN and Infinity are not valid JSON, at",
        ),
        (RUN + "    return {'\\ud800': 1}", "TypeError: The result is not JSON: a lone surrogate is not valid te"),
        (RUN + "    a = []\n    a.append(a)\n    return a", "TypeError: The result is not JSON: Circular reference"),
        (RUN + "    import sys\n    sys.exit(3)", "SystemExit: 3"),
        (RUN + "    raise KeyboardInterrupt", "KeyboardInterrupt"),
        (RUN + "    def f(): f()\n    f()", "RecursionError: maximum recursion depth exceeded"),
        ("def run(", "SyntaxError: line 1: This is not valid Python: '(' was never closed."),
        ("x = 1", "NotImplementedError: line 1: The code defines no `async def run(input_dict, tools)`"),
        ("if 0:\n    def run(): pass", "NotImplementedError: The code defines no `async def run(input_dict, tools)`"),
        ("def run(*_): return 1", "NotImplementedError: line 1: `run` must be `async def run(input_dict, tools)`."),
        ("import abc\nrun = abc.ABC", "NotImplementedError: `run` must be `async def run(input_dict, tools)`."),
    ],
)
@pytest.mark.timeout(60)
async def test_reaching_a_limit_ends_the_run(run: Run, code: str, error: str) -> None:
    """A run that exceeds a limit or is invalid has no result, and its error states the reason."""
    outcome = await run(code, seconds=50, cpu_seconds=1)
    assert outcome.result is None
    assert outcome.failure
    assert outcome.failure.error.startswith(error)


@pytest.mark.parametrize(
    "waits", ["await asyncio.sleep(60)", "import time\n    time.sleep(60)", "await asyncio.Future()"]
)
async def test_a_run_that_waits_too_long_ends(run: Run, waits: str) -> None:
    """A run ends when its time limit is reached, no matter what it waits for."""
    outcome = await run(RUN + f"    {waits}", seconds=3)
    assert outcome.failure
    assert outcome.failure.error == "TimeoutError: The run took longer than 3 s."


async def test_an_input_that_is_nested_too_deeply_is_refused(
    engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """An input that cannot be encoded as JSON is refused."""
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    outcome = await engine.run(Program(RUN + "    return 1", {"n": deep}), host_functions, LIMITS)
    assert outcome.failure
    assert outcome.failure.error == "TypeError: The input is nested too deeply."


async def test_memory_is_limited(run: Run) -> None:
    """A run that needs more memory than its limit fails with a `MemoryError`."""
    code = RUN + "    return len([str(n) * 200 for n in range(input_dict['n'])])"
    assert (await run(code, {"n": 1000}, memory_bytes=16 * 2**20)).result == 1000
    outcome = await run(code, {"n": 1_000_000}, memory_bytes=16 * 2**20)
    assert outcome.failure
    assert outcome.failure.error.startswith("MemoryError: ")


async def test_running_out_of_memory_after_the_code_has_ended_is_reported(run: Run) -> None:
    """If there is not enough memory to start the tasks that the code has created, the run still reports that."""
    code = RUN + "    kept = []\n    while True: kept.append(asyncio.create_task(asyncio.sleep(60)))"
    outcome = await run(code, memory_bytes=16 * 2**20, seconds=60, cpu_seconds=20)
    assert outcome.failure
    assert outcome.failure.error == "MemoryError: The run used more memory than allowed."


async def test_waiting_uses_no_cpu_time(run: Run) -> None:
    """A run may wait longer than its CPU time limit."""
    outcome = await run(RUN + "    await asyncio.sleep(0.6)\n    return 'slept'", cpu_seconds=0.3)
    assert outcome.result == "slept"
    assert outcome.seconds >= 0.6


async def test_printed_lines_are_limited(run: Run) -> None:
    """The last line reports how much text was dropped. The run continues."""
    outcome = await run(RUN + "    for n in range(100):\n        print('line', n)\n    return n", log_bytes=14)
    assert outcome.result == 99
    assert outcome.logs == ["line 0", "line 1", "… 776 more bytes were printed; only the first 14 are stored."]


async def test_one_endless_step_is_reported_as_a_timeout(run: Run) -> None:
    """A single step that never ends is stopped by the CPU time limit."""
    outcome = await run(RUN + "    n = 7\n    while True:\n        n = n * n", cpu_seconds=0.3)
    assert outcome.failure
    assert outcome.failure.error.startswith("TimeoutError: The code used more than 0.3 s")


async def test_the_time_of_a_run_that_waits_for_a_call_is_limited(engine: WasmEngine) -> None:
    """A run ends while its call is in progress, and the error names the call."""
    gate = Gate()
    outcome = await engine.run(Program(CALL, {}), gate, replace(LIMITS, seconds=0.3))
    gate.opened.set()
    assert outcome.failure == Failure(
        "TimeoutError: The run took longer than 0.3 s; it was waiting for the agent gate."
    )


class LongResultHostFunctions(NoHostFunctions):
    """Host functions with agents that return a long string."""

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        return "x" * 5_000_000


async def test_answers_are_sent_in_parts_that_fit_into_memory(engine: WasmEngine) -> None:
    """A run with 64 MiB of memory can receive 60 MB of answers if it does not store them."""
    code = RUN + (
        "    async def length():\n        return len(await gofannon_client.call('x', {}))\n"
        "    return await asyncio.gather(*[length() for _ in range(12)])"
    )
    outcome = await engine.run(Program(code, {}), LongResultHostFunctions(), LIMITS)
    assert outcome.result == [5_000_000] * 12


async def test_a_program_that_is_too_large_for_any_run_is_refused(engine: WasmEngine) -> None:
    """A program that is too large is refused before it is sent to a worker."""
    outcome = await engine.run(Program(RUN + "    return 1", {"x": "y" * 70_000_000}), NoHostFunctions(), LIMITS)
    assert outcome.failure
    assert outcome.failure.error.startswith("TypeError: The input is longer than")


def test_limits_are_hashable() -> None:
    """Equal limits have the same hash, so limits can be used as keys."""
    assert hash(LIMITS) == hash(Limits(**LIMITS.__dict__))


async def test_references_to_the_snapshot_are_not_counted(run: Run) -> None:
    """The snapshot's objects are immortal, as counting references would copy pages. The code's objects are not."""
    body = """
    import json, sys, weakref
    class Mine: ...
    mine = Mine()
    reference = weakref.ref(mine)
    del mine
    objects = [sys, json.dumps, json.dumps.__code__, json.JSONDecodeError, json.__dict__, json.__name__]
    return [reference() is None, sys._is_immortal(Mine), *[sys._is_immortal(item) for item in objects]]"""
    assert (await run(RUN + body)).result == [True, False] + [True] * 6
