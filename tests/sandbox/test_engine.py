"""The engine: its limits and what they say, its places, and what becomes of a run that is ended from outside."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import JsonValue

from shared.models.errors import Unavailable
from shared.models.wire import JsonObject
from shared.sandbox import CallFailed, Failure, HttpAnswer, HttpCall, Limits, Outcome, Program, slots
from shared.sandbox.analysis.modules import MODULES
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.conftest import AT_ONCE, LIMITS, Run
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions

RUN = "async def run(input_dict, tools):\n"
CALL = RUN + "    return await gofannon_client.call('gate', input_dict)"


@dataclass
class Gate(NoHostFunctions):
    """Its `call_agent` waits until `opened`. `arrived` is set with each call, `ended` when one is over."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    here: int = 0
    most: int = 0
    cancelled: int = 0

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        self.here += 1
        self.most = max(self.most, self.here)
        self.arrived.release()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.here -= 1
        return name


@pytest.mark.parametrize(
    ("code", "limits", "error"),
    [
        (
            "    while True:\n        pass",
            {"cpu_seconds": 0.2},
            "TimeoutError: The code computed for longer than 0.2 s, which is the most that a run may.",
        ),
        ("    await asyncio.sleep(60)", {"seconds": 0.3}, "TimeoutError: The run took longer than 0.3 s."),
        ("    import time\n    time.sleep(60)", {"seconds": 0.3}, "TimeoutError: The run took longer than 0.3 s."),
        (
            "    return 'x' * 100",
            {"result_bytes": 50},
            "TypeError: The result is 102 bytes long as JSON; at most 50 are allowed.",
        ),
    ],
)
async def test_a_limit_is_told_in_words(code: str, limits: dict[str, Any], error: str, run: Run) -> None:
    """Which limit it was."""
    outcome = await run(RUN + code, **limits)
    assert outcome.failure
    assert outcome.failure.error == error


async def test_a_run_has_a_result_what_it_printed_and_how_long_it_took(run: Run) -> None:
    """Standard output and error, each line at once; JSON as Python has it."""
    code = "import sys\n" + RUN + "    print('a', 1)\n    print('b', file=sys.stderr)\n    return {'x': (1, None, 2.5)}"
    outcome = await run(code)
    assert (outcome.failure, outcome.result, outcome.logs) == (None, {"x": [1, None, 2.5]}, ["a 1", "b"])
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (RUN + "    while True: pass", "TimeoutError: The code computed for longer than 1 s"),
        (RUN + "    kept = []\n    while True: kept.append(bytearray(10**6))", "MemoryError"),
        (
            RUN + "    text = ''\n    while True: text += 'x' * 1000",
            "MemoryError: The run took more memory than it may.",
        ),
        (RUN + "    text = 'x'\n    while True: text += text", "MemoryError: The run took more memory than it may."),
        (RUN + "    return 'x' * 200_000", "TypeError: The result is 200002 bytes long as JSON"),
        (RUN + "    return float('nan')", "TypeError: The result is not JSON: NaN and Infinity have no JSON"),
        (RUN + "    return {1, 2}", "TypeError: The result must be JSON, and a set is not. Return dicts, lists"),
        (
            RUN + "    return {'a': [0, {'b': object}]}",
            "TypeError: The result must be JSON, and a type is not, at result['a'][1]['b'].",
        ),
        (RUN + "    return [{(1, 2): 3}]", "TypeError: The result is not JSON: keys must be str"),
        (RUN + "    return [float('inf')]", "TypeError: The result is not JSON: NaN and Infinity have no JSON, at"),
        (RUN + "    return {'\\ud800': 1}", "TypeError: The result is not JSON: half of a surrogate pair is no"),
        (RUN + "    a = []\n    a.append(a)\n    return a", "TypeError: The result is not JSON: Circular reference"),
        (RUN + "    import sys\n    sys.exit(3)", "SystemExit: 3"),
        (RUN + "    raise KeyboardInterrupt", "KeyboardInterrupt"),
        (RUN + "    def f(): f()\n    f()", "RecursionError: maximum recursion depth exceeded"),
        ("def run(", "SyntaxError: line 1: This is not Python: '(' was never closed."),
        ("x = 1", "NotImplementedError: line 1: The code defines no `async def run(input_dict, tools)`"),
        ("if 0:\n    def run(): pass", "NotImplementedError: The code defines no `async def run(input_dict, tools)`"),
        ("def run(*_): return 1", "NotImplementedError: line 1: `run` must be `async def run(input_dict, tools)`."),
        ("import abc\nrun = abc.ABC", "NotImplementedError: `run` must be `async def run(input_dict, tools)`."),
    ],
)
@pytest.mark.timeout(60)
async def test_a_limit_that_is_met_ends_the_run(run: Run, code: str, error: str) -> None:
    """In words for its author, whatever the code does."""
    outcome = await run(code, seconds=50, cpu_seconds=1)
    assert outcome.result is None
    assert outcome.failure
    assert outcome.failure.error.startswith(error)


@pytest.mark.parametrize(
    "waits", ["await asyncio.sleep(60)", "import time\n    time.sleep(60)", "await asyncio.Future()"]
)
async def test_a_run_that_waits_too_long_ends(run: Run, waits: str) -> None:
    """Whatever it waits for."""
    outcome = await run(RUN + f"    {waits}", seconds=3)
    assert outcome.failure
    assert outcome.failure.error == "TimeoutError: The run took longer than 3 s."


async def test_an_input_that_is_nested_too_deep_is_refused(
    engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """It cannot be handed in."""
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    outcome = await engine.run(Program(RUN + "    return 1", {"n": deep}), host_functions, LIMITS)
    assert outcome.failure
    assert outcome.failure.error == "TypeError: The input is nested too deep."


async def test_memory_is_limited(run: Run) -> None:
    """To what a run may take, not to what the machine has."""
    code = RUN + "    return len([str(n) * 200 for n in range(input_dict['n'])])"
    assert (await run(code, {"n": 1000}, memory_bytes=16 * 2**20)).result == 1000
    outcome = await run(code, {"n": 1_000_000}, memory_bytes=16 * 2**20)
    assert outcome.failure
    assert outcome.failure.error.startswith("MemoryError: ")


async def test_memory_that_is_used_up_by_what_is_still_to_be_done(run: Run) -> None:
    """The tasks are begun before the loop ends, and there is no room for that, nor for saying so."""
    code = RUN + "    kept = []\n    while True: kept.append(asyncio.create_task(asyncio.sleep(60)))"
    outcome = await run(code, memory_bytes=16 * 2**20, seconds=60, cpu_seconds=20)
    assert outcome.failure
    assert outcome.failure.error == "MemoryError: The run took more memory than it may."


async def test_waiting_is_not_computing(run: Run) -> None:
    """A run that waits for longer than it may compute is fine."""
    outcome = await run(RUN + "    await asyncio.sleep(0.6)\n    return 'slept'", cpu_seconds=0.3)
    assert outcome.result == "slept"
    assert outcome.seconds >= 0.6


async def test_printed_lines_are_limited(run: Run) -> None:
    """What is dropped is told; the run goes on."""
    outcome = await run(RUN + "    for n in range(100):\n        print('line', n)\n    return n", log_bytes=14)
    assert outcome.result == 99
    assert outcome.logs == ["line 0", "line 1", "… 776 bytes more were printed; the first 14 are kept."]


async def test_what_was_printed_before_a_failure_is_kept(run: Run) -> None:
    """And before the time was up."""
    assert (await run("print('loaded')\n" + RUN + "    print('ran')\n    1 / 0")).logs == ["loaded", "ran"]
    assert (await run(RUN + "    print('ran')\n    await asyncio.sleep(60)", seconds=0.3)).logs == ["ran"]


async def test_the_traceback_is_the_authors_own_lines(run: Run) -> None:
    """By the numbers of the code as it was sent, in the order of the calls."""
    outcome = await run("def half(n):\n    return 1 / n\n\n" + RUN + "    return half(0)")
    assert outcome.failure == Failure(
        "ZeroDivisionError: division by zero",
        'Traceback (most recent call last):\n  File "agent.py", line 5, in run\n    return half(0)\n'
        '  File "agent.py", line 2, in half\n    return 1 / n\nZeroDivisionError: division by zero',
    )


async def test_a_failure_while_it_is_loaded_is_told_by_its_line(run: Run) -> None:
    """What stands outside of functions runs first."""
    outcome = await run("x = 1\ny = x / 0\n" + RUN + "    return y")
    assert outcome.failure
    assert outcome.failure.error == "ZeroDivisionError: division by zero"
    assert '"agent.py", line 2, in <module>' in outcome.failure.traceback


async def test_what_the_look_finds_does_not_run(run: Run) -> None:
    """All of it is told, by lines, and nothing was printed."""
    outcome = await run("import numpy\nprint('x')\n" + RUN + "    call_llm(messages='x')")
    assert outcome.logs == []
    assert outcome.failure
    assert outcome.failure.error.startswith("NotImplementedError: line 1: There is no module `numpy` here.")
    assert "line 4: `call_llm(…)` must be awaited." in outcome.failure.error


@pytest.mark.parametrize(
    ("around", "line"),
    [
        ("{}", 2),
        ("\ufeff{}", 2),
        ("```python\n{}\n```", 3),
        ("```\r\n{}```\n\n", 3),
        ("\n```py\n{}\n```  ", 4),
        ("\ufeff```python\n{}\n```", 3),
    ],
)
async def test_code_as_models_wrap_it_runs(around: str, line: int, run: Run) -> None:
    """A byte order mark and a Markdown fence around all of it are no part of it; lines keep their numbers."""
    failure = (await run(around.format(RUN + "    return 1 / 0"))).failure
    assert failure
    assert failure.error == "ZeroDivisionError: division by zero"
    assert f'"agent.py", line {line}, in run' in failure.traceback


async def test_code_that_is_no_python_is_shown_with_a_caret(run: Run) -> None:
    """The line as it stands, and where in it."""
    failure = (await run(RUN + "    return 1 +")).failure
    assert failure
    assert failure.error == "SyntaxError: line 2: This is not Python: invalid syntax."
    assert failure.traceback.split("\n")[:3] == [
        '  File "agent.py", line 2',
        "        return 1 +",
        "                  ^",
    ]


async def test_warnings_name_no_file_of_ours(run: Run) -> None:
    """A call that nobody awaited is told by its name, and other warnings by the agent's line."""
    code = (
        "import gc, warnings\n"
        + RUN
        + ("    async def mine():\n        pass\n    mine()\n    gc.collect()\n    warnings.warn('odd')\n    return 1")
    )
    outcome = await run(code)
    assert outcome.result == 1
    assert outcome.logs[-1] == "agent.py:7: UserWarning: odd"
    assert "coroutine 'run.<locals>.mine' was never awaited" in outcome.logs[0]
    assert "/shared/" not in "".join(outcome.logs)
    assert "tracemalloc" not in "".join(outcome.logs)


async def test_notes_and_the_exceptions_of_a_group_are_shown(run: Run) -> None:
    """Below the exception, as Python prints them."""
    code = RUN + (
        "    error = ExceptionGroup('several', [ValueError('a'), KeyError('b')])\n"
        "    error.add_note('while it was read')\n"
        "    raise error"
    )
    failure = (await run(code)).failure
    assert failure
    assert failure.error == "ExceptionGroup: several (2 sub-exceptions)"
    assert failure.traceback.split("\n")[-4:] == [
        "ExceptionGroup: several (2 sub-exceptions)",
        "while it was read",
        "  1: ValueError: a",
        "  2: KeyError: 'b'",
    ]


async def test_what_an_exception_came_of_is_shown_before_it(run: Run) -> None:
    """As Python prints it: what it was raised from, and what was being handled; not what `from None` hides."""
    code = """def read(text):
    return int(text)

def checked(text):
    try:
        return read(text)
    except ValueError as error:
        raise KeyError(text) from error

async def run(input_dict, tools):
    try:
        return checked("x")
    except KeyError:
        raise RuntimeError("no number")"""
    failure = (await run(code)).failure
    assert failure
    assert failure.error == "RuntimeError: no number"
    assert (
        failure.traceback
        == """Traceback (most recent call last):
  File "agent.py", line 6, in checked
    return read(text)
  File "agent.py", line 2, in read
    return int(text)
ValueError: invalid literal for int() with base 10: 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "agent.py", line 12, in run
    return checked("x")
  File "agent.py", line 8, in checked
    raise KeyError(text) from error
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "agent.py", line 14, in run
    raise RuntimeError("no number")
RuntimeError: no number"""
    )
    hidden = (await run(code.replace('"no number")', '"no number") from None'))).failure
    assert hidden
    assert hidden.traceback.startswith('Traceback (most recent call last):\n  File "agent.py", line 14')


async def test_a_run_begins_as_a_new_python_does(run: Run) -> None:
    """What ran before the snapshot has left no trace: decimal's context is nobody's yet, and tasks count from one."""
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


async def test_a_chain_without_an_end_is_cut(run: Run) -> None:
    """By the number of its links, and by the length of each; a circle ends, too."""
    long = RUN + (
        "    error = None\n"
        "    for number in range(100):\n"
        "        try:\n"
        "            raise ValueError('😀' * 10_000) from error\n"
        "        except ValueError as caught:\n"
        "            error = caught\n"
        "    raise error"
    )
    failure = (await run(long)).failure
    assert failure
    assert failure.traceback.count("direct cause") == 5
    circle = RUN + "    one, other = ValueError('a'), KeyError('b')\n    one.__cause__ = other\n"
    failure = (await run(circle + "    other.__cause__ = one\n    raise one")).failure
    assert failure
    assert failure.error == "ValueError: a"


async def test_a_run_can_be_played_again(engine: WasmEngine) -> None:
    """With the same seed and clock: ids, random numbers, times, and the order of a set are the same ones."""
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
        (await engine.run(one, NoHostFunctions(), LIMITS)).result
        for one in (program, program, replace(program, seed=b"2", clock=None))
    ]
    assert isinstance(first, list)
    assert isinstance(third, list)
    assert first == second
    assert [one for one, other in zip(first, third, strict=True) if one == other] == first[7:]
    assert str(first[5]).startswith("2023-11-14 22:13:20.0")


async def test_the_modules_that_are_there_are_the_ones_that_the_look_knows(run: Run) -> None:
    """All of them can be imported, and no other of the standard library."""
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


async def test_a_load_runs_only_what_is_outside(engine: WasmEngine) -> None:
    """`run` is not called, and no host function is there."""
    assert await engine.load("x = 1\n" + RUN + "    raise ValueError", LIMITS) is None
    failure = await engine.load("x = 1 / 0\n" + RUN + "    return 1", LIMITS)
    assert failure
    assert failure.error == "ZeroDivisionError: division by zero"
    calls = "asyncio.run(call_llm(messages='x'))\n" + RUN + "    return 1"
    refused = await engine.load(calls, LIMITS)
    assert refused
    assert "Nothing can be called while the code is loaded" in refused.error or "event loop" in refused.error


async def test_a_missing_key_is_told_as_python_does(run: Run) -> None:
    """`KeyError: 'b'`, so that a key that is empty or has spaces is seen."""
    outcome = await run(RUN + "    return input_dict['b']")
    assert outcome.failure
    assert outcome.failure.error == "KeyError: 'b'"


async def test_one_step_that_computes_for_ever_is_told_as_time(run: Run) -> None:
    """Also where the worker cannot stop by itself and is killed."""
    outcome = await run(RUN + "    n = 7\n    while True:\n        n = n * n", cpu_seconds=0.3)
    assert outcome.failure
    assert outcome.failure.error.startswith("TimeoutError: The code computed for longer than 0.3 s")


async def test_a_doubtful_escape_is_no_error(run: Run) -> None:
    """`"\\d+"` without an `r` is what models write; Python warns of it, and runs it."""
    assert (await run(RUN + "    return re.findall('\\d+', 'a1b22')")).result == ["1", "22"]


@pytest.mark.parametrize("how", ["by its time", "from outside"])
async def test_a_call_ends_with_its_run(how: str, engine: WasmEngine) -> None:
    """What nobody waits for any more is not paid for any more."""
    gate = Gate()
    limits = replace(LIMITS, seconds=0.3) if how == "by its time" else LIMITS
    run = asyncio.create_task(engine.run(Program(CALL, {}), gate, limits))
    await gate.arrived.acquire()
    if how == "from outside":
        run.cancel()
    await asyncio.wait([run])
    await asyncio.sleep(0)
    cancelled = (gate.cancelled, gate.here)
    gate.opened.set()
    assert cancelled == (1, 0)


async def test_so_many_run_at_once_and_no_more() -> None:
    """At one level; the others wait for a place, and run when one is free."""
    engine, gate = WasmEngine(at_once=3), Gate()
    tasks = [asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS)) for _ in range(9)]
    for _ in range(3):
        await gate.arrived.acquire()
    deeper = await engine.run(Program(RUN + "    return 'deeper'", {}), gate, LIMITS, level=1)
    assert deeper.result == "deeper"
    assert gate.most == 3
    gate.opened.set()
    assert [outcome.result for outcome in await asyncio.gather(*tasks)] == ["gate"] * 9
    assert gate.most == 3


async def test_agents_that_call_agents_do_not_wait_for_each_other(
    run: Run, host_functions: ScriptedHostFunctions
) -> None:
    """All places taken by runs that each call another: those have places of their own."""
    host_functions.meet(AT_ONCE)
    code = RUN + "    return await gofannon_client.call('one_parameter', input_dict)"
    outcomes = await asyncio.gather(*[run(code, {"n": n}) for n in range(AT_ONCE)])
    assert [outcome.result for outcome in outcomes] == [n * n for n in range(AT_ONCE)]
    assert host_functions.calls.most_at_once == AT_ONCE


async def test_no_place_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waited in vain may come again; nothing of it is an outcome."""
    monkeypatch.setattr(slots, "_WAITING_SECONDS", 0.05)
    engine, gate = WasmEngine(at_once=1), Gate()
    first = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    with pytest.raises(Unavailable):
        await engine.run(Program(CALL, {}), gate, LIMITS)
    gate.opened.set()
    assert (await first).result == "gate"


async def test_the_time_of_a_run_that_waits_for_a_call_is_limited(engine: WasmEngine) -> None:
    """However long the call takes; it is named."""
    gate = Gate()
    outcome = await engine.run(Program(CALL, {}), gate, replace(LIMITS, seconds=0.3))
    gate.opened.set()
    assert outcome.failure == Failure(
        "TimeoutError: The run took longer than 0.3 s; it was waiting for the agent gate."
    )


class Lavish(NoHostFunctions):
    """Agents that answer at length."""

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        return "x" * 5_000_000


async def test_answers_come_as_many_as_fit_into_memory_at_a_time(engine: WasmEngine) -> None:
    """However many have arrived at once: a run of 64 MiB takes 60 MB of them, of which it keeps the lengths."""
    code = RUN + (
        "    async def length():\n        return len(await gofannon_client.call('x', {}))\n"
        "    return await asyncio.gather(*[length() for _ in range(12)])"
    )
    outcome = await engine.run(Program(code, {}), Lavish(), LIMITS)
    assert outcome.result == [5_000_000] * 12


async def test_a_program_that_is_larger_than_any_memory_is_refused(engine: WasmEngine) -> None:
    """With its size, and before a worker has it."""
    outcome = await engine.run(Program(RUN + "    return 1", {"x": "y" * 70_000_000}), NoHostFunctions(), LIMITS)
    assert outcome.failure
    assert outcome.failure.error.startswith("TypeError: The input is longer than")


class Failing(NoHostFunctions):
    """Every HTTP call fails, as the test says."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def http(self, call: HttpCall) -> HttpAnswer:
        raise self._failure


async def _http_outcome(engine: WasmEngine, failure: Exception, code: str = "") -> Outcome:
    code = RUN + (code or "    await http_client.get('https://example.com')")
    return await engine.run(Program(code, {}), Failing(failure), LIMITS)


async def test_a_call_that_failed_is_told_by_its_name_and_cause(engine: WasmEngine) -> None:
    """Where the code does not catch it, the cause goes to whoever started the run."""
    cause = ValueError("beneath")
    failed = CallFailed("No connection.", ConnectionError, name="ConnectError", cause=cause)
    failure = (await _http_outcome(engine, failed)).failure
    assert failure
    assert (failure.error, failure.cause) == ("ConnectError: No connection.", cause)
    assert failure.traceback.endswith("ConnectError: No connection.")


async def test_a_fault_of_ours_tells_nothing(engine: WasmEngine, caplog: pytest.LogCaptureFixture) -> None:
    """Inside it is one sentence; what happened is in the log."""
    failure = (await _http_outcome(engine, ValueError("the database's password"))).failure
    assert failure
    assert failure.error == "RuntimeError: Something went wrong on our side."
    assert "password" not in failure.traceback


async def test_a_failure_that_was_caught_is_no_cause(engine: WasmEngine) -> None:
    """Only the last one that ended the run is."""
    code = (
        "    try:\n        await http_client.get('https://example.com')\n    except Exception:\n        pass\n"
        "    raise RuntimeError('another')"
    )
    failure = (await _http_outcome(engine, CallFailed("No.", cause=ValueError("beneath")), code)).failure
    assert failure
    assert (failure.error, failure.cause) == ("RuntimeError: another", None)


async def test_input_of_any_json_goes_in_as_it_is(run: Run) -> None:
    """Depth, size, and every kind of value."""
    value: dict[str, Any] = {"a": [1, 2.5, None, True, "é😀\n", {"": []}], "big": 2**70, "long": "x" * 100_000}
    deep: Any = 1
    for _ in range(60):
        deep = {"in": deep}
    value["deep"] = deep
    outcome = await run(RUN + "    return input_dict", value, result_bytes=1_000_000)
    assert outcome.result == value
    assert json.dumps(outcome.result) == json.dumps(value)


def test_limits_are_plain() -> None:
    """So that they can be a key: workers are made ready by them."""
    assert hash(LIMITS) == hash(Limits(**LIMITS.__dict__))


async def test_what_is_there_from_the_start_is_not_counted(run: Run) -> None:
    """References to it, that is: a count would be a page that is copied. What the code makes is counted, and freed."""
    body = """
    import json, sys, weakref
    class Mine: ...
    mine = Mine()
    gone = weakref.ref(mine)
    del mine
    there = [sys, json.dumps, json.dumps.__code__, json.JSONDecodeError, json.__dict__, json.__name__]
    return [gone() is None, sys._is_immortal(Mine), *[sys._is_immortal(one) for one in there]]"""
    assert (await run(RUN + body)).result == [True, False] + [True] * 6
