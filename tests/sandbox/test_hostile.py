"""Programs such as an attacker writes: each gets nothing, within its limits, and leaves nothing behind.

`hostile/*.agent` begin with a comment that tells how they end: `# ends: …`, a pattern of the error, or `# gives: …`,
the harmless result as JSON. Those that are too large or too odd for a file are made here.
"""

import asyncio
import json
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.models.wire import JsonObject
from shared.sandbox import Limits, Outcome, Program
from shared.sandbox.engine import WasmEngine
from tests.sandbox.conftest import LIMITS, SECRET, Run
from tests.sandbox.programs import code_of, names
from tests.sandbox.scripted_host_functions import CANARY, ScriptedHostFunctions

ROOT = Path(__file__).parents[2]
TOOLS = {"https://mcp.example.com": ["x"]}
TIGHT: dict[str, Any] = {"seconds": 2, "cpu_seconds": 0.5}
COMPUTING: dict[str, Any] = {"seconds": 20, "cpu_seconds": 0.5}
FLOODING: dict[str, Any] = {"seconds": 4, "cpu_seconds": 1}
CROWDED: dict[str, Any] = {"seconds": 2, "cpu_seconds": 0.2}
"""For all of them at once."""
PATIENT: dict[str, Any] = {"seconds": 20, "cpu_seconds": 1}
"""For programs that must come to their end on a machine that has other things to do."""
OUT_OF_TIME = "TimeoutError: The run took longer than 2 s."
COMPUTED = "TimeoutError: The code used more than 0.5 s of CPU time, the limit for a run."
MAX_TRACEBACK_CHARACTERS = 20_000
GRACE = 4.0
"""Seconds that a run may go on after its limit: until a worker that does not answer is killed."""
RUN = "async def run(input_dict, tools):\n"
NORMAL = (
    "import builtins, os\n" + RUN + "    seen = [name for name in ('evil', 'SECRET') if name in globals() or "
    "hasattr(builtins, name)]\n    return [input_dict['n'] * 2, seen, os.path.exists('/home/evil')]"
)
GENERATED = {
    "parentheses": RUN + f"    return {'(' * 20_000}1{')' * 20_000}",
    "brackets_deep": RUN + f"    return {'[' * 150}1{']' * 150}",
    "long_code": RUN + "    x = 1\n" * 200_000,
    "long_comment": "#" * 1_000_000 + "\n" + RUN + "    return 1",
    "null_byte": RUN + "    return '\0'",
    "surrogate": RUN + "    return '\ud800'",
    "long_sum": RUN + f"    return {'+'.join('1' * 20_000)}",
    "long_not": RUN + f"    return {'not ' * 5_000}1",
    "long_power": RUN + f"    return {'**'.join('2' * 5_000)}",
    "deep_indentation": RUN + "".join("    " + " " * depth + "if 1:\n" for depth in range(200)),
    "deep_lambda": RUN + f"    return {'lambda: ' * 3_000}1",
    "deep_f_string": RUN + "    return " + "f'{" * 60 + "1" + "}'" * 60,
    "deep_calls": RUN + f"    return f{'()' * 5_000}",
    "deep_subscripts": RUN + f"    return f{'[0]' * 5_000}",
    "long_number": RUN + f"    return {'9' * 200_000}",
    "long_hexadecimal": RUN + f"    return 0x{'f' * 200_000}",
    "many_functions": "".join(f"def f{number}(): pass\n" for number in range(10_000)) + "x = 1",
    "many_arguments": RUN + f"    return dict({', '.join(f'a{number}=1' for number in range(20_000))}, b=1/0)",
    "many_decorators": "@print\n" * 20_000 + "def f(): pass\n",
    "not_python": "async def run(input_dict, tools:\n    return 1",
    "nothing": "",
    "no_run": "def main():\n    return 1",
}


class _Expected:
    """What the first line of a hostile program says."""

    def __init__(self, code: str) -> None:
        how, _, rest = code.splitlines()[0].removeprefix("# ").partition(": ")
        self.pattern = rest if how == "ends" else None
        self.result = None if how == "ends" else json.loads(rest)

    @property
    def limits(self) -> dict[str, Any]:
        """Little time for those that may use it up."""
        if self.pattern and re.fullmatch(self.pattern, OUT_OF_TIME):
            return TIGHT
        return COMPUTING if self.pattern and re.fullmatch(self.pattern, COMPUTED) else PATIENT

    def holds(self, outcome: Outcome) -> bool:
        if self.pattern is not None:
            return bool(outcome.failure and re.fullmatch(self.pattern, outcome.failure.error, re.DOTALL))
        return outcome.failure is None and outcome.result == self.result


def _texts(outcome: Outcome) -> str:
    failure = outcome.failure
    told = f"{failure.error}\n{failure.traceback}" if failure else ""
    return "\n".join([json.dumps(outcome.result, ensure_ascii=False), told, *outcome.logs])


def _leaks_of_the_host(outcome: Outcome) -> list[str]:
    """What of this process shows in a run's outcome."""
    secrets = {SECRET, CANARY, str(ROOT), sys.prefix, sys.base_prefix, "site-packages", "wasmtime"}
    environment = {value for value in os.environ.values() if len(value) > 11}
    text = _texts(outcome)
    return [secret for secret in secrets | environment if secret in text]


async def _is_well(run: Run, n: int = 21) -> bool:
    """A normal program gives its answer, and sees nothing of any other."""
    outcome = await run(NORMAL, {"n": n})
    return (outcome.failure, outcome.result, outcome.logs) == (None, [2 * n, [], False], [])


@pytest.mark.parametrize("name", names("hostile"))
async def test_a_hostile_program_gets_nothing(name: str, run: Run) -> None:
    """It ends as expected and in time, reveals nothing of the host, and the next program runs normally."""
    code = code_of("hostile", name)
    expected = _Expected(code)
    outcome = await run(code, {}, TOOLS, **expected.limits)
    assert expected.holds(outcome), _texts(outcome)[:2000]
    assert outcome.seconds < expected.limits["seconds"] + GRACE
    assert not outcome.failure or len(outcome.failure.traceback) < MAX_TRACEBACK_CHARACTERS
    assert _leaks_of_the_host(outcome) == []
    assert len("\n".join(outcome.logs).encode()) < LIMITS.log_bytes + 100
    assert await _is_well(run)


@pytest.mark.parametrize("name", GENERATED)
async def test_code_that_is_made_to_break_the_reader_only_fails(name: str, run: Run) -> None:
    """A failure in words, whatever the code looks like; nothing is raised, and the next program runs normally."""
    outcome = await run(GENERATED[name], **TIGHT)
    harmless = outcome.failure is None and name in ("brackets_deep", "deep_f_string", "long_hexadecimal")
    assert harmless or (outcome.failure and len(outcome.failure.error) < 3000), _texts(outcome)[:300]
    assert _leaks_of_the_host(outcome) == []
    assert await _is_well(run)


def _bounds(**limits: float) -> Limits:
    return replace(LIMITS, **limits)


async def test_hostile_programs_do_not_disturb_the_others(
    engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """All of them at the same time as normal programs, which all give the right answer."""
    # leaves run slots for these and for the stream; otherwise runs would wait for slots, which counts as time
    turns = asyncio.Semaphore(5)
    ended = asyncio.Event()

    async def hostile(code: str) -> Outcome:
        async with turns:
            return await engine.run(Program(code, {}, TOOLS), host_functions, _bounds(**CROWDED))

    async def stream(first: int) -> list[int]:
        wrong: list[int] = []
        n = first
        while not ended.is_set():
            outcome = await engine.run(Program(NORMAL, {"n": n}), host_functions, LIMITS)
            if (outcome.failure, outcome.result) != (None, [2 * n, [], False]):
                wrong.append(n)
            n += 2
        assert n > first + 20
        return wrong

    # CPython 3.11 cannot read code in two threads at once ("AST constructor recursion depth mismatch"): so no code here
    # that is long enough to be read beside the event loop
    made = [code for code in GENERATED.values() if len(code) <= 20_000]
    codes = [*(code_of("hostile", name) for name in names("hostile")), *made]
    streams = [asyncio.create_task(stream(first)) for first in (1, 2)]
    outcomes = await asyncio.gather(*map(hostile, codes))
    ended.set()
    assert await asyncio.gather(*streams) == [[], []]
    assert [found for outcome in outcomes for found in _leaks_of_the_host(outcome)] == []


async def test_a_run_sees_nothing_that_another_left(run: Run) -> None:
    """Globals, attributes, what was done to the input, and the seed of `random` end with a run."""
    draw = "import random\nrandom.seed(5)\n" + RUN + "    return random.random()"
    unseeded = "import random\n" + RUN + "    return random.random()"
    assert (await run(code_of("hostile", "leave_traces"), {}, TOOLS)).result == "done"
    assert (await run(code_of("hostile", "look_for_traces"), {}, TOOLS)).result == {
        "seen": [],
        "input": {},
        "tools": TOOLS,
        "attribute": None,
    }
    seeded = (await run(draw)).result
    drawn = [(await run(unseeded)).result for _ in range(5)]
    assert len({str(number) for number in [seeded, *drawn]}) == 6


@pytest.mark.parametrize(
    "name",
    [
        *("leave_traces", "same_process_again", "site_files", "bend_json", "import_finders", "modules_deleted"),
        *("boundary_ready_again", "boundary_answers_left_unread", "boundary_calls_left_open", "finalizers_at_the_end"),
        *("boundary_work_after_done", "boundary_work_after_done_twice", "boundary_prints_after_done"),
        *("chain_of_objects", "streams_taken_away"),
        *("clock_of_the_guest_replaced", "error_out_of_memory", "print_flood", "signal_handlers", "trace_of_the_guest"),
    ],
)
async def test_a_tenants_next_run_is_as_the_first(
    name: str, engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """Runs of one tenant may use the same process, and see nothing of one another."""
    sharers = (f"the tenant of {name}",)
    code = code_of("hostile", name)
    expected = _Expected(code)
    for _ in range(3):
        outcome = await engine.run(Program(code, {}, TOOLS, sharers), host_functions, _bounds(**expected.limits))
        assert expected.holds(outcome), _texts(outcome)[:2000]
        outcome = await engine.run(Program(NORMAL, {"n": 21}, {}, sharers), host_functions, LIMITS)
        assert (outcome.failure, outcome.result, outcome.logs) == (None, [42, [], False], [])


async def test_a_run_cannot_change_what_it_was_given(run: Run) -> None:
    """Input and tools go in as copies."""
    input_dict: JsonObject = {"list": [1]}
    tools = {"https://mcp.example.com": ["x"]}
    code = RUN + "    input_dict['list'].append(2)\n    tools.clear()\n    return input_dict"
    assert (await run(code, dict(input_dict), tools)).result == {"list": [1, 2]}
    assert (input_dict, tools) == ({"list": [1]}, {"https://mcp.example.com": ["x"]})


async def test_metadata_addresses_are_asked_of_the_host_functions_alone(
    run: Run, host_functions: ScriptedHostFunctions
) -> None:
    """The one way out is a host function: what that refuses is refused, whichever name inside is used."""
    code = (
        "import httpx\n" + RUN + "    seen = []\n"
        "    for client in (http_client, httpx.AsyncClient(), httpx.AsyncClient(base_url='http://169.254.169.254')):\n"
        "        for method in ('GET', 'POST', 'HEAD', 'TRACE', 'get'):\n"
        "            try:\n"
        "                await client.request(method, 'http://169.254.169.254/token')\n"
        "            except PermissionError as error:\n"
        "                seen.append(str(error))\n"
        "    return sorted(set(seen)) + [len(seen)]"
    )
    assert (await run(code)).result == ["169.254.169.254 is not a public address.", 15]
    assert {call.url for call in host_functions.calls.http} == {"http://169.254.169.254/token"}
    assert len(host_functions.calls.http) == 15


async def test_what_is_said_after_the_result_is_not_done(
    engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """A call that follows a forged result reaches no host function."""
    outcome = await engine.run(Program(code_of("hostile", "forge_result"), {}), host_functions, _bounds(**PATIENT))
    assert outcome.result == "forged"
    assert host_functions.calls.agents == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["forge_heavy_arguments", "forge_print_flood", "forge_wait_flood", "forge_call_flood"])
async def test_a_flood_does_not_stop_this_process(
    name: str, engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """A run that says as much as it can takes this process little more time than it may take itself."""
    longest = 0.0

    async def look() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.005)
            longest = max(longest, time.thread_time() - began)

    looking = asyncio.create_task(look())
    began = time.process_time()
    outcome = await engine.run(Program(code_of("hostile", name), {}), host_functions, _bounds(**FLOODING))
    computed = time.process_time() - began
    looking.cancel()
    assert outcome.failure
    assert longest < 0.4
    assert computed < 2 * FLOODING["cpu_seconds"]


async def test_a_long_chain_of_attributes_only_fails(run: Run) -> None:
    """An outcome, not an exception of the engine's."""
    outcome = await run(RUN + f"    return json{'.a' * 1200}")
    assert outcome.failure


def test_there_are_enough() -> None:
    """The hostile corpus does not shrink unnoticed."""
    assert len(names("hostile")) >= 280
