"""Programs that an attacker might write. Each of them gains nothing, stays within its limits, and leaves no traces.

Each file `hostile/*.agent` begins with a comment that describes the program's end: `# ends: …` with a pattern for the
error, or `# gives: …` with the harmless result as JSON. Programs that are too large or unusual for a file are in
`GENERATED`.
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
from tests.sandbox.programs import list_names, load_code
from tests.sandbox.scripted_host_functions import CANARY, ScriptedHostFunctions

ROOT = Path(__file__).parents[2]
TOOLS = {"https://mcp.example.com": ["x"]}
TIGHT: dict[str, Any] = {"seconds": 2, "cpu_seconds": 0.5}
COMPUTING: dict[str, Any] = {"seconds": 20, "cpu_seconds": 0.5}
FLOODING: dict[str, Any] = {"seconds": 4, "cpu_seconds": 1}
CROWDED: dict[str, Any] = {"seconds": 2, "cpu_seconds": 0.2}
"""Limits for many programs at the same time."""
PATIENT: dict[str, Any] = {"seconds": 20, "cpu_seconds": 1}
"""Limits for programs that must complete even on a busy machine."""
TIMED_OUT = "TimeoutError: The run took longer than 2 s."
CPU_TIMED_OUT = "TimeoutError: The code used more than 0.5 s of CPU time, the limit for a run."
MAX_TRACEBACK_CHARACTERS = 20_000
GRACE = 4.0
"""How many seconds a run may exceed its time limit, as a worker that does not respond is killed later."""
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
    """The end of a hostile program, according to its first line."""

    def __init__(self, code: str) -> None:
        kind, _, rest = code.splitlines()[0].removeprefix("# ").partition(": ")
        self.pattern = rest if kind == "ends" else None
        self.result = None if kind == "ends" else json.loads(rest)

    @property
    def limits(self) -> dict[str, Any]:
        """The limits for this program. A program that is expected to reach a time limit gets little time."""
        if self.pattern and re.fullmatch(self.pattern, TIMED_OUT):
            return TIGHT
        return COMPUTING if self.pattern and re.fullmatch(self.pattern, CPU_TIMED_OUT) else PATIENT

    def matches(self, outcome: Outcome) -> bool:
        if self.pattern is not None:
            return bool(outcome.failure and re.fullmatch(self.pattern, outcome.failure.error, re.DOTALL))
        return outcome.failure is None and outcome.result == self.result


def _join_texts(outcome: Outcome) -> str:
    failure = outcome.failure
    failure_text = f"{failure.error}\n{failure.traceback}" if failure else ""
    return "\n".join([json.dumps(outcome.result, ensure_ascii=False), failure_text, *outcome.logs])


def _find_leaks(outcome: Outcome) -> list[str]:
    """Returns the values from this process that a run's outcome contains."""
    secrets = {SECRET, CANARY, str(ROOT), sys.prefix, sys.base_prefix, "site-packages", "wasmtime"}
    environment = {value for value in os.environ.values() if len(value) > 11}
    text = _join_texts(outcome)
    return [secret for secret in secrets | environment if secret in text]


async def _is_unharmed(run: Run, n: int = 21) -> bool:
    """Whether a normal program returns its result and sees no traces of other programs."""
    outcome = await run(NORMAL, {"n": n})
    return (outcome.failure, outcome.result, outcome.logs) == (None, [2 * n, [], False], [])


@pytest.mark.parametrize("name", list_names("hostile"))
async def test_a_hostile_program_gains_nothing(name: str, run: Run) -> None:
    """The program ends as expected and in time, and learns nothing about the host. The next program runs normally."""
    code = load_code("hostile", name)
    expected = _Expected(code)
    outcome = await run(code, {}, TOOLS, **expected.limits)
    assert expected.matches(outcome), _join_texts(outcome)[:2000]
    assert outcome.seconds < expected.limits["seconds"] + GRACE
    assert not outcome.failure or len(outcome.failure.traceback) < MAX_TRACEBACK_CHARACTERS
    assert _find_leaks(outcome) == []
    assert len("\n".join(outcome.logs).encode()) < LIMITS.log_bytes + 100
    assert await _is_unharmed(run)


@pytest.mark.parametrize("name", GENERATED)
async def test_code_that_attacks_the_parser_only_fails(name: str, run: Run) -> None:
    """Unusual code fails with a short error. No exception is raised, and the next program runs normally."""
    outcome = await run(GENERATED[name], **TIGHT)
    harmless = outcome.failure is None and name in ("brackets_deep", "deep_f_string", "long_hexadecimal")
    assert harmless or (outcome.failure and len(outcome.failure.error) < 3000), _join_texts(outcome)[:300]
    assert _find_leaks(outcome) == []
    assert await _is_unharmed(run)


def _make_limits(**limits: float) -> Limits:
    return replace(LIMITS, **limits)


async def test_hostile_programs_do_not_disturb_the_others(
    engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """While all hostile programs run, normal programs return correct results."""
    # Fewer than the run slots: otherwise, runs would wait for slots, and waiting counts towards their time limit.
    concurrency = asyncio.Semaphore(5)
    ended = asyncio.Event()

    async def hostile(code: str) -> Outcome:
        async with concurrency:
            return await engine.run(Program(code, {}, TOOLS), host_functions, _make_limits(**CROWDED))

    async def stream(first: int) -> list[int]:
        failed: list[int] = []
        n = first
        while not ended.is_set():
            outcome = await engine.run(Program(NORMAL, {"n": n}), host_functions, LIMITS)
            if (outcome.failure, outcome.result) != (None, [2 * n, [], False]):
                failed.append(n)
            n += 2
        assert n > first + 20
        return failed

    # CPython 3.11 cannot parse code in two threads at once ("AST constructor recursion depth mismatch"). All code here
    # is therefore short enough to be parsed in the event loop's thread.
    generated = [code for code in GENERATED.values() if len(code) <= 20_000]
    codes = [*(load_code("hostile", name) for name in list_names("hostile")), *generated]
    streams = [asyncio.create_task(stream(first)) for first in (1, 2)]
    outcomes = await asyncio.gather(*map(hostile, codes))
    ended.set()
    assert await asyncio.gather(*streams) == [[], []]
    assert [leak for outcome in outcomes for leak in _find_leaks(outcome)] == []


async def test_a_run_sees_no_traces_of_another(run: Run) -> None:
    """Globals, attributes, changes to the input, and the seed of `random` do not outlive their run."""
    draw = "import random\nrandom.seed(5)\n" + RUN + "    return random.random()"
    unseeded = "import random\n" + RUN + "    return random.random()"
    assert (await run(load_code("hostile", "leave_traces"), {}, TOOLS)).result == "done"
    assert (await run(load_code("hostile", "look_for_traces"), {}, TOOLS)).result == {
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
        *(
            "leave_traces",
            "same_process_again",
            "site_files",
            "json_functions_replaced",
            "import_finders",
            "modules_deleted",
        ),
        *("boundary_repeated_ready", "boundary_unread_answers", "boundary_unawaited_calls", "finalizers_at_exit"),
        *("boundary_work_after_done", "boundary_duplicate_done", "boundary_prints_after_done"),
        *("chain_of_objects", "streams_removed"),
        *("guest_clock_replaced", "error_out_of_memory", "print_flood", "signal_handlers", "tracing_the_guest"),
    ],
)
async def test_a_tenants_next_run_is_unaffected(
    name: str, engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """Runs of one tenant may use the same process, but see no traces of each other."""
    sharers = (f"the tenant of {name}",)
    code = load_code("hostile", name)
    expected = _Expected(code)
    for _ in range(3):
        outcome = await engine.run(Program(code, {}, TOOLS, sharers), host_functions, _make_limits(**expected.limits))
        assert expected.matches(outcome), _join_texts(outcome)[:2000]
        outcome = await engine.run(Program(NORMAL, {"n": 21}, {}, sharers), host_functions, LIMITS)
        assert (outcome.failure, outcome.result, outcome.logs) == (None, [42, [], False], [])


async def test_a_run_cannot_change_the_hosts_input(run: Run) -> None:
    """A run gets a copy of its input and its tools."""
    input_dict: JsonObject = {"list": [1]}
    tools = {"https://mcp.example.com": ["x"]}
    code = RUN + "    input_dict['list'].append(2)\n    tools.clear()\n    return input_dict"
    assert (await run(code, dict(input_dict), tools)).result == {"list": [1, 2]}
    assert (input_dict, tools) == ({"list": [1]}, {"https://mcp.example.com": ["x"]})


async def test_metadata_addresses_are_reachable_only_through_host_functions(
    run: Run, host_functions: ScriptedHostFunctions
) -> None:
    """All clients and methods in agent code use the same host function, which refuses the metadata server's address."""
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


async def test_calls_after_the_result_are_ignored(engine: WasmEngine, host_functions: ScriptedHostFunctions) -> None:
    """A call that is sent after a forged result reaches no host function."""
    outcome = await engine.run(
        Program(load_code("hostile", "forge_result"), {}), host_functions, _make_limits(**PATIENT)
    )
    assert outcome.result == "forged"
    assert host_functions.calls.agents == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["forge_heavy_arguments", "forge_print_flood", "forge_wait_flood", "forge_call_flood"])
async def test_a_flood_does_not_stop_this_process(
    name: str, engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """A run that sends as much as it can uses at most twice its own CPU time limit in this process."""
    longest = 0.0

    async def measure() -> None:
        nonlocal longest
        while True:
            started = time.thread_time()
            await asyncio.sleep(0.005)
            longest = max(longest, time.thread_time() - started)

    measuring = asyncio.create_task(measure())
    started = time.process_time()
    outcome = await engine.run(Program(load_code("hostile", name), {}), host_functions, _make_limits(**FLOODING))
    computed = time.process_time() - started
    measuring.cancel()
    assert outcome.failure
    assert longest < 0.4
    assert computed < 2 * FLOODING["cpu_seconds"]


async def test_a_long_chain_of_attributes_only_fails(run: Run) -> None:
    """Code with a long chain of attributes has a failure, and the engine raises no exception."""
    outcome = await run(RUN + f"    return json{'.a' * 1200}")
    assert outcome.failure


def test_the_number_of_programs() -> None:
    """There are at least as many hostile programs as expected."""
    assert len(list_names("hostile")) >= 280
