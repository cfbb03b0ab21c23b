"""Random programs, interrupted anywhere: each takes the same way again, and then goes on."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared import clock
from shared.models.agent import AgentFields, StoredAgent
from shared.sandbox import HttpCall, HttpResponse, Limits, Program
from shared.sandbox.engine import create_engine
from shared.sandbox.no_host_functions import NoHostFunctions
from shared.sandbox.recorder import Call
from shared.sandbox.suspension import Suspension
from shared.services.agents.journal import Journal
from shared.services.agents.program_journal import ProgramJournal, Recording
from shared.settings import Settings

LIMITS = Limits(seconds=20, cpu_seconds=10, memory_bytes=64 * 2**20, log_bytes=10_000, result_bytes=100_000)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PREAMBLE = """
import asyncio, random, time
seen = []
def note(what):
    seen.append(what)
    print(what)
async def call(n, delay):
    response = await http_client.get("http://x", params={"n": n, "delay": delay, "seen": len(seen)})
    note(["call", n, response.json()])
async def nap(seconds):
    await asyncio.sleep(seconds)
    note(["nap", seconds, round(random.random(), 6)])
async def limit(seconds, work):
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        note(["timeout", seconds])
async def race(*works):
    tasks = [asyncio.ensure_future(work) for work in works]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    note(["race", [task.done() for task in tasks]])
    await asyncio.gather(*tasks)
async def spin(work):
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
    note(["spin"])
async def run(input_dict, tools):
    WORK
    return [seen, time.time(), time.monotonic()]
"""
DELAYS = st.sampled_from([0, 0.001, 0.005, 0.01, 0.02])
NUMBERS = st.integers(0, 9)


def combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda works: f"gather({', '.join(works)})").map(lambda text: f"asyncio.{text}"),
        several.map(lambda works: f"race({', '.join(works)})"),
        st.tuples(DELAYS, inner).map(lambda pair: f"limit({pair[0] + 0.002}, {pair[1]})"),
        inner.map(lambda work: f"spin({work})"),
    )


WORKS = st.recursive(
    st.one_of(
        st.tuples(NUMBERS, DELAYS).map(lambda pair: f"call({pair[0]}, {pair[1]})"),
        DELAYS.map(lambda seconds: f"nap({seconds})"),
    ),
    combine,
    max_leaves=6,
)
PROGRAMS = st.lists(WORKS, min_size=1, max_size=4).map(
    lambda works: PREAMBLE.replace("WORK", "\n    ".join(f"await {work}" for work in works))
)


class MemoryJournal(Journal):
    """A journal that is kept in memory. `lines` are those of all its commits."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(Any, "run", 1, "owner", NOW)  # type: ignore[arg-type]
        self.lines = lines
        for line in lines:
            self.history.add(json.loads(line))

    async def _commit(self) -> None:
        if (batch := self.take()) is not None:
            self.lines += [line for line in [*batch.opening, *batch.lines] if "resume" not in line[:12]]


@dataclass
class Requests(NoHostFunctions):
    """A host that answers after the delay that a request names. `sent`: the numbers of the calls."""

    sent: list[int] = field(default_factory=list[int])

    def make(self, _: ProgramJournal, call: Call) -> Any:
        self.sent.append(call.number)
        return self

    async def http(self, call: HttpCall) -> HttpResponse:
        given = dict(call.params or [])
        await asyncio.sleep(float(given["delay"]))
        return HttpResponse(200, "OK", [], json.dumps(given["n"]).encode(), call.url)


def agent_of(code: str) -> StoredAgent:
    fields = AgentFields(name="n", code=code)
    return StoredAgent(id="a", owner="owner", fields=fields, rev="1", created_at=NOW, updated_at=NOW)


async def run_with(lines: list[str], code: str) -> tuple[Any, list[str], list[int]]:
    """Runs or continues the program. Returns its result, the journal, and the numbers of the calls that were made."""
    journal, requests = MemoryJournal(list(lines)), Requests()
    journal.begin(agent_of(code))
    recording = Recording(journal, Suspension(clock.time), lambda: True)
    program = ProgramJournal(recording, "", journal.history.clock, requests.make, is_visible=True)
    outcome = await create_engine(Settings()).run(Program(code, {}, recorder=program), NoHostFunctions(), LIMITS)
    await journal.flush()
    await journal.close()
    assert outcome.failure is None, outcome.failure
    return outcome.result, journal.lines, requests.sent


def numbers_of(lines: list[str]) -> set[int]:
    """Returns the numbers of the calls whose outcomes are recorded."""
    return {int(record["n"]) for record in map(json.loads, lines) if record["t"] == "end"}


def test_an_interrupted_program_takes_the_same_way_again() -> None:
    """It makes only the calls that were not recorded, and ends the same way if all of them were."""
    with asyncio.Runner() as runner:

        @settings(max_examples=40)
        @given(PROGRAMS, st.data())
        def check(code: str, data: st.DataObject) -> None:
            result, lines, sent = runner.run(run_with([], code))
            again, longer, made = runner.run(run_with(lines, code))
            if numbers_of(lines) == set(sent):  # otherwise, a call was still in progress at the end
                assert (again, longer) == (result, lines)
            assert longer[: len(lines)] == lines
            assert not numbers_of(lines) & set(made)
            kept = lines[: data.draw(st.integers(2, len(lines)))]  # the first two are written together
            _, longer, made = runner.run(run_with(kept, code))
            assert longer[: len(kept)] == kept
            assert not numbers_of(kept) & set(made)

        check()
