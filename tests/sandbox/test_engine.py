"""The engine: its limits and what they say, its places, and what becomes of a run that is ended from outside."""

import asyncio
import contextlib
import json
import os
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from shared.models.errors import Unavailable
from shared.models.wire import JsonObject
from shared.sandbox import CallFailed, Failure, HttpAnswer, HttpCall, Limits, Outcome, Program, slots
from shared.sandbox.fast.engine import FastEngine
from shared.sandbox.no_abilities import NoAbilities
from tests.sandbox.abilities import ScriptedAbilities
from tests.sandbox.conftest import AT_ONCE, LIMITS, Run

RUN = "async def run(input_dict, tools):\n"
CALL = RUN + "    return await gofannon_client.call('gate', input_dict)"


@dataclass
class Gate(NoAbilities):
    """Abilities whose `call_agent` waits until `opened`. `arrived` is set with each call, `ended` when one is over."""

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


def children() -> set[int]:
    """This process' worker processes."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


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


async def test_memory_is_limited(run: Run) -> None:
    """To what a run may take, not to what the machine has."""
    code = RUN + "    return len(['x' * 1000 for _ in range(input_dict['n'])])"
    assert (await run(code, {"n": 1000}, memory_bytes=16 * 2**20)).result == 1000
    outcome = await run(code, {"n": 1_000_000}, memory_bytes=16 * 2**20)
    assert outcome.failure
    assert outcome.failure.error.startswith("MemoryError: ")


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
    outcome = await run("import numpy\nprint('x')\n" + RUN + "    yield 1")
    assert outcome.logs == []
    assert outcome.failure
    assert outcome.failure.error.startswith("NotImplementedError: line 1: There is no module `numpy` here.")
    assert "line 4: Generators" in outcome.failure.error


async def test_a_load_runs_only_what_is_outside(engine: FastEngine) -> None:
    """`run` is not called, and no ability is there."""
    assert await engine.load("x = 1\n" + RUN + "    raise ValueError", LIMITS) is None
    failure = await engine.load("x = 1 / 0\n" + RUN + "    return 1", LIMITS)
    assert failure
    assert failure.error == "ZeroDivisionError: division by zero"
    refused = await engine.load("await http_client.get('https://example.com')\n" + RUN + "    return 1", LIMITS)
    assert refused
    assert "Nothing can be called while the code is loaded" in refused.error


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


async def _only_ready_ones_left(before: set[int]) -> None:
    """Returns when no more processes are there than before and those that are kept ready."""
    while len(children() - before) > 4:  # noqa: ASYNC110 - nobody tells when a process ends
        await asyncio.sleep(0.01)


async def test_a_run_that_is_cancelled_ends_its_worker(engine: FastEngine) -> None:
    """The process goes, and the place is free again."""
    gate = Gate()
    before = children()
    tasks = [asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS)) for _ in range(AT_ONCE)]
    for _ in tasks:
        await gate.arrived.acquire()
    assert len(children() - before) >= AT_ONCE - 4  # some were ready
    for task in tasks:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True))
    await _only_ready_ones_left(before)
    gate.opened.set()
    assert (await engine.run(Program(CALL, {}), gate, LIMITS)).result == "gate"


@pytest.mark.parametrize("how", ["by its time", "from outside"])
async def test_a_call_ends_with_its_run(how: str, engine: FastEngine) -> None:
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


async def test_a_worker_that_is_killed_ends_its_own_run_only(engine: FastEngine) -> None:
    """That one fails with words for it; another, under way at the same time, gives its result."""
    first, second = Gate(), Gate()
    limits = replace(LIMITS, memory_bytes=LIMITS.memory_bytes + 1)  # a kind of its own, of which none is ready
    one = asyncio.create_task(engine.run(Program(CALL, {}), first, limits))
    await first.arrived.acquire()
    known = children()
    other = asyncio.create_task(engine.run(Program(CALL, {}), second, replace(limits, cpu_seconds=2)))
    await second.arrived.acquire()
    for pid in children() - known:  # the other's, and those made ready beside it
        os.kill(pid, signal.SIGKILL)
    second.opened.set()  # it is noticed when the call's answer goes in
    failed = await other
    first.opened.set()
    assert (await one).result == "gate"
    assert failed.failure
    assert failed.failure.error.split(":")[0] in ("MemoryError", "RuntimeError")


async def test_a_ready_worker_that_is_killed_is_not_missed(engine: FastEngine) -> None:
    """The next run gets another."""
    limits = replace(LIMITS, memory_bytes=LIMITS.memory_bytes + 2)  # a kind of its own
    program = Program(RUN + "    return 1", {})
    before = children()
    gate = Gate()
    run = asyncio.create_task(engine.run(Program(CALL, {}), gate, limits))
    await gate.arrived.acquire()
    gate.opened.set()
    assert (await run).result == "gate"
    for pid in children() - before:
        with contextlib.suppress(ProcessLookupError):  # the one that ran may be gone by itself
            os.kill(pid, signal.SIGKILL)
    assert (await engine.run(program, gate, limits)).result == 1


async def test_so_many_run_at_once_and_no_more() -> None:
    """At one level; the others wait for a place, and run when one is free."""
    engine, gate = FastEngine(at_once=3), Gate()
    tasks = [asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS)) for _ in range(9)]
    for _ in range(3):
        await gate.arrived.acquire()
    deeper = await engine.run(Program(RUN + "    return 'deeper'", {}), gate, LIMITS, level=1)
    assert deeper.result == "deeper"
    assert gate.most == 3
    gate.opened.set()
    assert [outcome.result for outcome in await asyncio.gather(*tasks)] == ["gate"] * 9
    assert gate.most == 3


async def test_agents_that_call_agents_do_not_wait_for_each_other(run: Run, abilities: ScriptedAbilities) -> None:
    """All places taken by runs that each call another: those have places of their own."""
    abilities.meet(AT_ONCE)
    code = RUN + "    return await gofannon_client.call('one_parameter', input_dict)"
    outcomes = await asyncio.gather(*[run(code, {"n": n}) for n in range(AT_ONCE)])
    assert [outcome.result for outcome in outcomes] == [n * n for n in range(AT_ONCE)]
    assert abilities.calls.most_at_once == AT_ONCE


async def test_no_place_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waited in vain may come again; nothing of it is an outcome."""
    monkeypatch.setattr(slots, "_WAITING_SECONDS", 0.05)
    engine, gate = FastEngine(at_once=1), Gate()
    first = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    with pytest.raises(Unavailable):
        await engine.run(Program(CALL, {}), gate, LIMITS)
    gate.opened.set()
    assert (await first).result == "gate"


async def test_the_time_of_a_run_that_waits_for_a_call_is_limited(engine: FastEngine) -> None:
    """However long the call takes; it is named."""
    gate = Gate()
    outcome = await engine.run(Program(CALL, {}), gate, replace(LIMITS, seconds=0.3))
    gate.opened.set()
    assert outcome.failure == Failure(
        "TimeoutError: The run took longer than 0.3 s; it was waiting for the agent gate."
    )


class Failing(NoAbilities):
    """Every HTTP call fails, as the test says."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def http(self, call: HttpCall) -> HttpAnswer:
        raise self._failure


async def _http_outcome(engine: FastEngine, failure: Exception, code: str = "") -> Outcome:
    code = RUN + (code or "    await http_client.get('https://example.com')")
    return await engine.run(Program(code, {}), Failing(failure), LIMITS)


async def test_a_call_that_failed_is_told_by_its_name_and_cause(engine: FastEngine) -> None:
    """Where the code does not catch it, the cause goes to whoever started the run."""
    cause = ValueError("beneath")
    failed = CallFailed("No connection.", ConnectionError, name="ConnectError", cause=cause)
    failure = (await _http_outcome(engine, failed)).failure
    assert failure
    assert (failure.error, failure.cause) == ("ConnectError: No connection.", cause)
    assert failure.traceback.endswith("ConnectError: No connection.")


async def test_a_fault_of_ours_tells_nothing(engine: FastEngine, caplog: pytest.LogCaptureFixture) -> None:
    """Inside it is one sentence; what happened is in the log."""
    failure = (await _http_outcome(engine, ValueError("the database's password"))).failure
    assert failure
    assert failure.error == "RuntimeError: Something went wrong on our side."
    assert "password" not in failure.traceback


async def test_a_failure_that_was_caught_is_no_cause(engine: FastEngine) -> None:
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
