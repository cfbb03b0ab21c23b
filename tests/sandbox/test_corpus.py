"""Runs the programs in `corpus/*.agent`, which are like those that models write, with the cases in `*.json`.

`tests.sandbox.programs` describes the format of these files.
"""

import pytest

from shared.sandbox import analyze_sync
from tests.sandbox.by_cpython import run_with_cpython
from tests.sandbox.conftest import Run
from tests.sandbox.programs import list_cases, list_names, load_cases, load_code
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions
from tests.sandbox.shop_server import ShopServer


@pytest.mark.parametrize(("name", "number"), list_cases())
async def test_a_program_has_its_expected_outcome(
    name: str,
    number: int,
    run: Run,
    host_functions: ScriptedHostFunctions,
    addresses: dict[str, str],
    shop_server: ShopServer,
) -> None:
    """The program's result or error, its printed lines, and the number of its concurrent calls are as expected."""
    case = load_cases(name, addresses)[number]
    host_functions.answers = case.answers
    if case.meet:
        host_functions.meet(case.meet)
    outcome = await run(load_code("corpus", name), case.input, case.tools)
    assert (outcome.failure.error if outcome.failure else None) == case.error
    assert outcome.result == case.result
    assert outcome.logs == case.logs
    assert host_functions.calls.max_concurrent == case.meet
    assert shop_server.max_concurrent == case.meet_http


@pytest.mark.parametrize("name", list_names("corpus"))
def test_the_analysis_accepts_a_program_that_runs(name: str) -> None:
    """The analysis has no findings for a program that runs, as findings would prevent the run."""
    assert analyze_sync(load_code("corpus", name)) == []


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, number in list_cases() if load_cases(name)[number].cpython]
)
def test_cpython_gives_the_same_outcome(name: str, number: int) -> None:
    """CPython in this process gives the same outcome as the sandbox, so authors can test agents on their machines."""
    case = load_cases(name)[number]
    assert run_with_cpython(load_code("corpus", name), case) == (case.result, case.error, case.logs)


def test_the_number_of_programs() -> None:
    """The corpus has at least the expected number of programs."""
    assert len(list_names("corpus")) >= 130
