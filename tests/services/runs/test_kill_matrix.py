"""Runs end in the same way wherever their workers are killed: with the same result, effects and charges.

A long test kills the worker of each agent of the corpus at each boundary. Normally, only a few of the agents' workers
are killed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.llm.catalog import Catalog
from shared.settings import Settings
from tests.services.harness import Harness
from tests.services.runs.cases import CASES, Case
from tests.services.runs.counted_servers import CountedServers
from tests.services.runs.kill_matrix import WORKERS, kill_at_each
from tests.services.runs.killing import Killing, find_problems, running_workers

_SAMPLE = ("tool_caught", "schema")


@pytest.fixture(scope="module")
def servers() -> Iterator[CountedServers]:
    servers = CountedServers()
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture
async def killing(
    settings: Settings, catalog: Catalog, servers: CountedServers, tmp_path: Path
) -> AsyncIterator[Killing]:
    settings = settings.model_copy(update={"outbound_allowed_hosts": (servers.host, "127.0.0.1:1")})
    async with running_workers(settings, WORKERS) as workers:
        yield Killing(Harness(settings, catalog), workers, servers, tmp_path)


async def test_each_agent_ends_as_expected(killing: Killing) -> None:
    """Without a kill, each agent of the corpus has the result, effects, lines and charges that its case states."""
    outcomes = await asyncio.gather(*(killing.run(case) for case in CASES))
    problems = {case.name: find_problems(case, outcome) for case, outcome in zip(CASES, outcomes, strict=True)}
    assert {name: found for name, found in problems.items() if found} == {}


@pytest.mark.parametrize("case", [case for case in CASES if case.name in _SAMPLE], ids=lambda case: case.name)
async def test_a_killed_worker_makes_no_difference(case: Case, killing: Killing) -> None:
    """A worker that is killed at any boundary leaves the run such that another one ends it as if nothing happened.

    The exception is a call that must not be repeated: the code gets an `InterruptedCall` if it is unknown whether the
    call took effect.
    """
    row = await kill_at_each(killing, case)
    assert row.kills > 0.9 * row.boundaries
    assert row.problems == []


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", [case for case in CASES if case.name not in _SAMPLE], ids=lambda case: case.name)
async def test_a_killed_worker_makes_no_difference_for_any_agent(case: Case, killing: Killing) -> None:
    """See above."""
    await test_a_killed_worker_makes_no_difference(case, killing)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", ["twice", "stall"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_two_workers_of_a_run_may_fail(case: Case, way: str, killing: Killing) -> None:
    """The worker that continues the run is killed as well, or the first one stalls and goes on afterwards."""
    row = await kill_at_each(killing, case, every=3, way=way)
    assert row.problems == []
