"""The engine: the start of a run, its run slots, and its cancellation."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from shared.models.errors import Unavailable
from shared.sandbox import Program, run_slots
from shared.sandbox.analysis.standard_library import MODULES
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.conftest import LIMITS, MAX_RUNS, Run
from tests.sandbox.gate import CALL, Gate
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions

RUN = "async def run(input_dict, tools):\n"


async def test_the_outcome_has_the_result_the_printed_lines_and_the_duration(run: Run) -> None:
    """The lines contain standard output and standard error. Tuples in the result become lists."""
    code = "import sys\n" + RUN + "    print('a', 1)\n    print('b', file=sys.stderr)\n    return {'x': (1, None, 2.5)}"
    outcome = await run(code)
    assert (outcome.failure, outcome.result, outcome.logs) == (None, {"x": [1, None, 2.5]}, ["a 1", "b"])
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    ("wrapping", "line"),
    [
        ("{}", 2),
        ("\ufeff{}", 2),
        ("```python\n{}\n```", 3),
        ("```\r\n{}```\n\n", 3),
        ("\n```py\n{}\n```  ", 4),
        ("\ufeff```python\n{}\n```", 3),
    ],
)
async def test_wrapped_code_runs(wrapping: str, line: int, run: Run) -> None:
    """A byte order mark and a Markdown fence around all of the code are ignored. Lines keep their numbers."""
    failure = (await run(wrapping.format(RUN + "    return 1 / 0"))).failure
    assert failure
    assert failure.error == "ZeroDivisionError: division by zero"
    assert f'"agent.py", line {line}, in run' in failure.traceback


async def test_a_run_starts_like_a_new_python(run: Run) -> None:
    """Code that ran before the snapshot leaves no trace: decimal's context is new, and tasks are numbered from 1."""
    code = """import asyncio, contextvars, decimal

async def third(digits):
    decimal.getcontext().prec = digits
    await asyncio.sleep(0)
    return [str(decimal.Decimal(1) / 3), asyncio.current_task().get_name()]

async def run(input_dict, tools):
    before = [len(contextvars.copy_context()), asyncio.current_task().get_name()]
    named = asyncio.create_task(asyncio.sleep(0), name=7)
    return [before, await asyncio.gather(third(3), third(5)), named.get_name()]"""
    outcome = await run(code)
    assert outcome.result == [[0, "Task-1"], [["0.333", "Task-2"], ["0.33333", "Task-3"]], "7"]


async def test_a_run_is_reproducible(engine: WasmEngine) -> None:
    """Two runs with the same seed and clock get the same ids, random numbers, times and order of a set."""
    code = (
        "import asyncio, datetime, os, random, secrets, time, uuid\n"
        + RUN
        + (
            "    before = time.monotonic()\n"
            "    await asyncio.sleep(0.01)\n"
            "    time.sleep(0.01)\n"
            "    return [str(uuid.uuid4()), random.random(), os.urandom(5).hex(), secrets.token_hex(5), time.time(),\n"
            "            str(datetime.datetime.now()), time.monotonic() - before, list({'a', 'b', 'c'}), hash('x')]"
        )
    )
    program = Program(code, {}, seed=b"1", clock=1_700_000_000 * 10**9)
    first, second, third = [
        (await engine.run(variant, NoHostFunctions(), LIMITS)).result
        for variant in (program, program, replace(program, seed=b"2", clock=None))
    ]
    assert isinstance(first, list)
    assert isinstance(third, list)
    assert first == second
    assert [one for one, other in zip(first, third, strict=True) if one == other] == first[7:]
    assert str(first[5]).startswith("2023-11-14 22:13:20.0")


async def test_the_analysis_accepts_exactly_the_existing_modules(run: Run) -> None:
    """All modules that the analysis accepts can be imported, and no other modules of the standard library."""
    code = (
        "import importlib, sys\n"
        + RUN
        + (
            "    found = []\n"
            "    for name in sorted({*sys.stdlib_module_names, *input_dict['known']}):\n"
            "        try:\n"
            "            importlib.import_module(name)\n"
            "        except ImportError:\n"
            "            continue\n"
            "        found.append(name)\n"
            "    return [name for name in found if not name.startswith('_')]"
        )
    )
    assert (await run(code, {"known": [*sorted(MODULES)]})).result == sorted(MODULES)


async def test_loading_runs_only_top_level_code(engine: WasmEngine) -> None:
    """When code is loaded, `run` is not called, and host functions are not available."""
    assert await engine.load("x = 1\n" + RUN + "    raise ValueError", LIMITS) is None
    failure = await engine.load("x = 1 / 0\n" + RUN + "    return 1", LIMITS)
    assert failure
    assert failure.error == "ZeroDivisionError: division by zero"
    calls = "asyncio.run(call_llm(messages='x'))\n" + RUN + "    return 1"
    refused = await engine.load(calls, LIMITS)
    assert refused
    message = "Host functions cannot be called while the code is being loaded"
    assert message in refused.error or "event loop" in refused.error


@pytest.mark.parametrize("reason", ["timeout", "cancellation"])
async def test_a_call_ends_with_its_run(reason: str, engine: WasmEngine) -> None:
    """A call is cancelled when its run ends, so it causes no further costs."""
    gate = Gate()
    limits = replace(LIMITS, seconds=0.3) if reason == "timeout" else LIMITS
    run = asyncio.create_task(engine.run(Program(CALL, {}), gate, limits))
    await gate.arrived.acquire()
    if reason == "cancellation":
        run.cancel()
    await asyncio.wait([run])
    await asyncio.sleep(0)
    cancelled = (gate.cancelled, gate.in_progress)
    gate.opened.set()
    assert cancelled == (1, 0)


async def test_runs_are_limited_by_the_slots() -> None:
    """When the slots of a level are taken, further runs on that level wait. Runs on another level do not."""
    engine, gate = WasmEngine(max_runs=3), Gate()
    tasks = [asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS)) for _ in range(9)]
    for _ in range(3):
        await gate.arrived.acquire()
    deeper = await engine.run(Program(RUN + "    return 'deeper'", {}), gate, LIMITS, level=1)
    assert deeper.result == "deeper"
    assert gate.max_in_progress == 3
    gate.opened.set()
    assert [outcome.result for outcome in await asyncio.gather(*tasks)] == ["gate"] * 9
    assert gate.max_in_progress == 3


async def test_called_agents_have_their_own_slots(run: Run, host_functions: ScriptedHostFunctions) -> None:
    """When all run slots are taken by runs that call another agent, the called agents still get slots."""
    host_functions.meet(MAX_RUNS)
    code = RUN + "    return await gofannon_client.call('one_parameter', input_dict)"
    outcomes = await asyncio.gather(*[run(code, {"n": n}) for n in range(MAX_RUNS)])
    assert [outcome.result for outcome in outcomes] == [n * n for n in range(MAX_RUNS)]
    assert host_functions.calls.max_concurrent == MAX_RUNS


async def test_a_run_without_a_slot_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that gets no slot raises an exception instead of returning an outcome, so that the caller can try again."""
    monkeypatch.setattr(run_slots, "_WAITING_SECONDS", 0.05)
    engine, gate = WasmEngine(max_runs=1), Gate()
    first = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    with pytest.raises(Unavailable):
        await engine.run(Program(CALL, {}), gate, LIMITS)
    gate.opened.set()
    assert (await first).result == "gate"


async def test_any_json_input_arrives_unchanged(run: Run) -> None:
    """Deeply nested and large input with every kind of value arrives unchanged."""
    value: dict[str, Any] = {"a": [1, 2.5, None, True, "é😀\n", {"": []}], "big": 2**70, "long": "x" * 100_000}
    deep: Any = 1
    for _ in range(60):
        deep = {"in": deep}
    value["deep"] = deep
    outcome = await run(RUN + "    return input_dict", value, result_bytes=1_000_000)
    assert outcome.result == value
    assert json.dumps(outcome.result) == json.dumps(value)
