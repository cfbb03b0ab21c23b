"""Programs such as models write, each run with its cases: `corpus/*.agent`, and what is expected in `*.json` beside.

See `tests.sandbox.programs` for how those are written.
"""

import asyncio
import contextlib
import copy
import datetime
import inspect
import io
import json
import math
import re
from typing import Any

import pytest

from shared.sandbox import look
from tests.sandbox.abilities import ScriptedAbilities
from tests.sandbox.conftest import Run
from tests.sandbox.programs import Case, cases_of, code_of, names, numbered_cases
from tests.sandbox.shop_server import ShopServer


@pytest.mark.parametrize(("name", "number"), numbered_cases())
async def test_a_program_does_what_it_says(
    name: str,
    number: int,
    run: Run,
    abilities: ScriptedAbilities,
    addresses: dict[str, str],
    shop_server: ShopServer,
) -> None:
    """Its result, or its error, and every line that it prints; calls that it gathers are under way at the same time."""
    case = cases_of(name, addresses)[number]
    abilities.answers = case.answers
    if case.meet:
        abilities.meet(case.meet)
    outcome = await run(code_of("corpus", name), case.input, case.tools)
    assert (outcome.failure.error if outcome.failure else None) == case.error
    assert outcome.result == case.result
    assert outcome.logs == case.logs
    assert abilities.calls.most_at_once == case.meet
    assert shop_server.most_at_once == case.meet_http


@pytest.mark.parametrize("name", names("corpus"))
def test_the_look_finds_nothing_in_a_program_that_runs(name: str) -> None:
    """A finding stops a run, so a finding in what would run is a fault of the look."""
    assert look(code_of("corpus", name)) == []


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, number in numbered_cases() if cases_of(name)[number].cpython]
)
def test_cpython_does_the_same(name: str, number: int) -> None:
    """What an author sees on a machine of their own is what the sandbox gives."""
    case = cases_of(name)[number]
    assert _by_cpython(code_of("corpus", name), case) == (case.result, case.error, case.logs)


def test_there_are_enough() -> None:
    """The corpus is what the engine is held to; it does not shrink unnoticed."""
    assert len(names("corpus")) >= 60


def _by_cpython(code: str, case: Case) -> tuple[Any, str | None, list[str]]:
    """The case's result, error and lines, where no call leads out."""
    there: dict[str, Any] = {"json": json, "re": re, "asyncio": asyncio, "math": math, "datetime": datetime}
    printed = io.StringIO()
    result: Any = None
    error: str | None = None
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "agent.py", "exec"), there)  # noqa: S102 - programs of our own
            result = json.loads(json.dumps(asyncio.run(_called(there["run"], case))))
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
    text = printed.getvalue()
    return result, error, text.removesuffix("\n").split("\n") if text else []


def _called(run: Any, case: Case) -> Any:
    """As the contract says: by name where `run` has its names, else by position."""
    parameters = inspect.signature(run).parameters
    input_dict, tools = copy.deepcopy(case.input), copy.deepcopy(case.tools)
    if {"input_dict", "tools"} <= set(parameters):
        return run(input_dict=input_dict, tools=tools)
    several = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters.values())
    return run(input_dict, tools) if several or len(parameters) > 1 else run(*[input_dict] * len(parameters))
