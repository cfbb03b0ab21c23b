"""Small algorithms whose answers are known from mathematics or a published definition, or were calculated by hand.

`algorithms/` has a file for each subject. `name.agent` is an agent that contains many programs, which are its public
functions. Its `run` takes `{program: [arguments, …]}` and returns `{program: [answer, …]}`, so one run covers a whole
file. `name.json` contains the checks of every program: the positional arguments (`given`) and the `answer`.

CPython in this process and the sandbox must both give these answers.
"""

import ast
import asyncio
from collections.abc import Callable
from functools import cache

import pytest
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter

from shared.sandbox import Limits, Program
from shared.sandbox.engine import WasmEngine
from tests.sandbox.by_cpython import run_with_cpython
from tests.sandbox.conftest import LIMITS
from tests.sandbox.programs import HERE, Case, list_names, load_code
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions

FOLDER = "algorithms"
MAX_CONCURRENT = 3
PATIENT = Limits(
    seconds=60,
    cpu_seconds=LIMITS.cpu_seconds,
    memory_bytes=LIMITS.memory_bytes,
    log_bytes=LIMITS.log_bytes,
    result_bytes=LIMITS.result_bytes,
)
"""Limits with more time, for runs that share the processor."""


class Check(BaseModel):
    model_config = ConfigDict(extra="forbid")

    given: list[JsonValue]
    answer: JsonValue


@cache
def load_checks(name: str) -> dict[str, list[Check]]:
    """Returns the checks of a file, by program."""
    return TypeAdapter(dict[str, list[Check]]).validate_json((HERE / FOLDER / f"{name}.json").read_bytes())


def make_case(name: str, *programs: str) -> Case:
    """Returns a case with every check of these programs in a file. If no programs are named, it covers all of them."""
    checks = {program: load_checks(name)[program] for program in programs or load_checks(name)}
    return Case(
        input={program: [check.given for check in its_checks] for program, its_checks in checks.items()},
        result={program: [check.answer for check in its_checks] for program, its_checks in checks.items()},
    )


ALGORITHMS = [(name, program) for name in list_names(FOLDER) for program in load_checks(name)]


@pytest.mark.parametrize(("name", "program"), ALGORITHMS)
def test_cpython_gives_the_known_answer(name: str, program: str) -> None:
    """CPython gives the known answers, so they do not depend on one engine. Nothing is printed."""
    case = make_case(name, program)
    assert run_with_cpython(load_code(FOLDER, name), case) == (case.result, None, [])


@pytest.mark.timeout(240)
async def test_every_algorithm_gives_its_known_answers(
    engine: WasmEngine, make_host_functions: Callable[[], ScriptedHostFunctions]
) -> None:
    """The sandbox gives the known answers. There is one run for each file, and a few runs are concurrent."""
    concurrency = asyncio.Semaphore(MAX_CONCURRENT)

    async def find_errors(name: str) -> object:
        """Returns a file's wrong answers, its failure, or its printed lines; None if there are none of these."""
        case = make_case(name)
        async with concurrency:
            outcome = await engine.run(Program(load_code(FOLDER, name), case.input), make_host_functions(), PATIENT)
        if outcome.failure:
            return outcome.failure.error, outcome.failure.traceback
        assert isinstance(outcome.result, dict)
        assert isinstance(case.result, dict)
        answers, expected = outcome.result, case.result
        errors = {program: answers.get(program) for program in expected if answers.get(program) != expected[program]}
        return errors or outcome.logs or None

    results = await asyncio.gather(*[find_errors(name) for name in list_names(FOLDER)])
    assert {name: errors for name, errors in zip(list_names(FOLDER), results, strict=True) if errors} == {}


@pytest.mark.parametrize("name", list_names(FOLDER))
def test_every_program_has_checks(name: str) -> None:
    """Every program in a file has checks and a docstring."""
    functions = [
        node
        for node in ast.parse(load_code(FOLDER, name)).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]
    assert [function.name for function in functions if not ast.get_docstring(function)] == []
    assert {function.name for function in functions} == {*load_checks(name), "run"}
    assert all(load_checks(name).values())


def test_the_number_of_programs() -> None:
    """There are at least as many programs as expected, and no two programs have the same name."""
    assert len({program for _, program in ALGORITHMS}) == len(ALGORITHMS) >= 150
