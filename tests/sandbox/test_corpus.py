"""Programs such as models write, each run with its cases: `corpus/*.agent`, and what is expected in `*.json` beside.

See `tests.sandbox.programs` for how those are written.
"""

import pytest

from shared.sandbox import analyze_now
from tests.sandbox.by_cpython import by_cpython
from tests.sandbox.conftest import Run
from tests.sandbox.programs import cases_of, code_of, names, numbered_cases
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions
from tests.sandbox.shop_server import ShopServer


@pytest.mark.parametrize(("name", "number"), numbered_cases())
async def test_a_program_does_what_it_says(
    name: str,
    number: int,
    run: Run,
    host_functions: ScriptedHostFunctions,
    addresses: dict[str, str],
    shop_server: ShopServer,
) -> None:
    """Its result, or its error, and every line that it prints; calls that it gathers are under way at the same time."""
    case = cases_of(name, addresses)[number]
    host_functions.answers = case.answers
    if case.meet:
        host_functions.meet(case.meet)
    outcome = await run(code_of("corpus", name), case.input, case.tools)
    assert (outcome.failure.error if outcome.failure else None) == case.error
    assert outcome.result == case.result
    assert outcome.logs == case.logs
    assert host_functions.calls.most_at_once == case.meet
    assert shop_server.most_at_once == case.meet_http


@pytest.mark.parametrize("name", names("corpus"))
def test_the_analysis_finds_nothing_in_a_program_that_runs(name: str) -> None:
    """A finding stops a run, so a finding in what would run is a fault of the look."""
    assert analyze_now(code_of("corpus", name)) == []


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, number in numbered_cases() if cases_of(name)[number].cpython]
)
def test_cpython_does_the_same(name: str, number: int) -> None:
    """What an author sees on a machine of their own is what the sandbox gives."""
    case = cases_of(name)[number]
    assert by_cpython(code_of("corpus", name), case) == (case.result, case.error, case.logs)


def test_there_are_enough() -> None:
    """The corpus is what the engine is held to; it does not shrink unnoticed."""
    assert len(names("corpus")) >= 130
