"""Programs such as an attacker writes, in the full engine: each gets nothing, and what it says is not believed.

Those of the fast engine run here again; they end otherwise, as CPython has what that engine lacks. Those of
`hostile_full/` are made for this engine: for JavaScript below Python, and for the line to the host. Their first line
says how they end, as in `hostile/`. They run side by side, as an interpreter takes a third of a second to boot.
"""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from shared.sandbox import Limits, Outcome, Program
from shared.sandbox.full.engine import FullEngine
from tests.sandbox.abilities import CANARY, ScriptedAbilities
from tests.sandbox.conftest import LIMITS, SECRET
from tests.sandbox.full.children import children
from tests.sandbox.programs import code_of, names

ROOT = Path(__file__).parents[3]
TOOLS = {"https://mcp.example.com": ["x"]}
SIDE_BY_SIDE = 3
TIGHT = replace(LIMITS, seconds=6, cpu_seconds=1)
PATIENT = replace(TIGHT, seconds=40)
"""For programs that must come to their end on a machine that has other things to do."""
GENEROUS = replace(LIMITS, seconds=40)
"""For those that have a result, too."""
OUT_OF_TIME = "TimeoutError: The run took longer than 6 s."
GRACE = 4.0
"""Seconds that a run may go on after its limit."""
LONGEST_TRACEBACK = 20_000
NORMAL = (
    "import builtins, os\nasync def run(input_dict, tools):\n"
    "    seen = [name for name in ('evil', 'SECRET') if name in globals() or hasattr(builtins, name)]\n"
    "    return [input_dict['n'] * 2, seen, os.path.exists('/home/evil')]"
)


class _Expected:
    """What the first line of a program says."""

    def __init__(self, code: str) -> None:
        how, _, rest = code.splitlines()[0].removeprefix("# ").partition(": ")
        self.pattern = rest if how == "ends" else None
        self.result = None if how == "ends" else json.loads(rest)

    @property
    def limits(self) -> Limits:
        """Little time for those that may use it up."""
        if self.pattern is None:
            return GENEROUS
        return TIGHT if re.fullmatch(self.pattern, OUT_OF_TIME) else PATIENT

    def holds(self, outcome: Outcome) -> bool:
        if self.pattern is not None:
            return bool(outcome.failure and re.fullmatch(self.pattern, outcome.failure.error, re.DOTALL))
        return outcome.failure is None and outcome.result == self.result


class _Batch:
    """Runs programs side by side, and a normal one after each few of them. `wrong`: what went amiss, by name."""

    def __init__(self, engine: FullEngine, make_abilities: Callable[[], ScriptedAbilities]) -> None:
        self._engine = engine
        self._make_abilities = make_abilities
        self._turns = asyncio.Semaphore(SIDE_BY_SIDE)
        self._ended = 0
        self.wrong: dict[str, str] = {}

    async def run(self, folder: str, programs: list[str], expect: bool) -> None:
        await asyncio.gather(*[self._one(name, code_of(folder, name), expect) for name in programs])

    async def _one(self, name: str, code: str, expect: bool) -> None:
        limits = _Expected(code).limits if expect else TIGHT
        async with self._turns:
            try:
                outcome = await self._engine.run(Program(code, {}, TOOLS), self._make_abilities(), limits)
            except Exception as error:
                self.wrong[f"{name} raises"] = repr(error)
                return
            self._ended += 1
            if self._ended % 10 == 0 and not await self.is_well(self._ended):
                self.wrong[f"a normal program after {name}"] = "wrong"
        if expect and not _Expected(code).holds(outcome):
            self.wrong[name] = _texts(outcome)[:500]
        if found := _told_of_the_host(outcome):
            self.wrong[f"{name} tells"] = ", ".join(found)
        if outcome.seconds > limits.seconds + GRACE:
            self.wrong[f"{name} goes on"] = f"{outcome.seconds:.1f} s"
        if len("\n".join(outcome.logs).encode()) > limits.log_bytes + 100:
            self.wrong[f"{name} prints"] = str(len(outcome.logs))
        if outcome.failure and len(outcome.failure.traceback) > LONGEST_TRACEBACK:
            self.wrong[f"{name} has a traceback"] = str(len(outcome.failure.traceback))

    async def is_well(self, n: int) -> bool:
        """A normal program gives its answer, and sees nothing of any other."""
        outcome = await self._engine.run(Program(NORMAL, {"n": n}), self._make_abilities(), GENEROUS)
        return (outcome.failure, outcome.result, outcome.logs) == (None, [2 * n, [], False], [])


def _texts(outcome: Outcome) -> str:
    failure = outcome.failure
    told = f"{failure.error}\n{failure.traceback}" if failure else ""
    return "\n".join([json.dumps(outcome.result, ensure_ascii=False), told, *outcome.logs])


def _told_of_the_host(outcome: Outcome) -> list[str]:
    """What of this process and of its machine shows in a run's outcome."""
    secrets = {SECRET, CANARY, str(ROOT), sys.prefix, sys.base_prefix, sys.executable}
    environment = {value for value in os.environ.values() if len(value) > 11}
    text = _texts(outcome)
    return [secret for secret in secrets | environment if secret in text]


@pytest.fixture
def batch(full_engine: FullEngine, make_abilities: Callable[[], ScriptedAbilities]) -> _Batch:
    return _Batch(full_engine, make_abilities)


@asynccontextmanager
async def nothing_is_left(batch: _Batch) -> AsyncGenerator[None]:
    """As many processes and open files after it as before."""
    assert await batch.is_well(1)
    await _only_one_is_ready()
    files = psutil.Process().num_fds()
    yield
    assert await batch.is_well(2)
    await _only_one_is_ready()
    async with asyncio.timeout(10):
        while psutil.Process().num_fds() > files:  # noqa: ASYNC110 - the system tells nobody
            await asyncio.sleep(0.1)


async def _only_one_is_ready() -> None:
    await asyncio.sleep(0.5)
    async with asyncio.timeout(30):
        while len(children()) != 1:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_programs_against_the_fast_engine_get_nothing(batch: _Batch) -> None:
    """Each ends in time, tells nothing of the host, and disturbs no other; no process and no open file is left."""
    async with nothing_is_left(batch):
        await batch.run("hostile", names("hostile"), expect=False)
    assert batch.wrong == {}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["js", "forge", "other"])
async def test_programs_against_the_full_engine_get_nothing(kind: str, batch: _Batch) -> None:
    """Each ends as its first line says; the same holds of them."""
    programs = [name for name in names("hostile_full") if _kind(name) == kind]
    async with nothing_is_left(batch):
        await batch.run("hostile_full", programs, expect=True)
    assert batch.wrong == {}


def _kind(name: str) -> str:
    """Through JavaScript, by what is said to the host, or by Python alone."""
    first = name.partition("_")[0]
    return {"js": "js", "forge": "forge", "raw": "forge", "flood": "forge"}.get(first, "other")


@pytest.mark.timeout(60)
async def test_a_program_leaves_nothing_for_the_next(full_engine: FullEngine, abilities: ScriptedAbilities) -> None:
    """In JavaScript's stores, in files, in prototypes."""
    for name, result in (("js_leave_traces", "left"), ("js_look_for_traces", list[str]())):
        outcome = await full_engine.run(Program(code_of("hostile_full", name), {}), abilities, GENEROUS)
        assert (outcome.failure, outcome.result) == (None, result)


async def test_what_is_said_after_the_result_is_not_done(full_engine: FullEngine, abilities: ScriptedAbilities) -> None:
    """A call that follows a forged result reaches no ability."""
    outcome = await full_engine.run(Program(code_of("hostile_full", "forge_result"), {}), abilities, GENEROUS)
    assert outcome.result == "forged"
    assert abilities.calls.agents == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["forge_heavy_arguments", "forge_print_flood", "forge_wait_flood", "forge_call_flood"])
async def test_a_flood_does_not_stop_this_process(
    name: str, full_engine: FullEngine, abilities: ScriptedAbilities
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
    outcome = await full_engine.run(Program(code_of("hostile_full", name), {}), abilities, TIGHT)
    computed = time.process_time() - began
    looking.cancel()
    assert outcome.failure
    assert longest < 0.4
    assert computed < 2 * TIGHT.cpu_seconds


def test_there_are_enough() -> None:
    """The corpus does not shrink unnoticed."""
    assert len(names("hostile_full")) >= 45
