"""Small algorithms whose answers are known from mathematics, from a published definition, or by hand.

`algorithms/` holds them by subject. `name.agent` is an agent with many programs, which are its public functions; its
`run` takes `{program: [arguments, …]}` and returns `{program: [answer, …]}`, so that one run answers for a whole file.
`name.json` holds the checks of every program: the positional arguments that it is `given`, and the `answer`.

CPython confirms the answers in this process; then the sandbox has to give the same ones.
"""

import ast
import asyncio
from collections.abc import Callable
from functools import cache

import pytest
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter

from shared.sandbox import Limits, Program
from shared.sandbox.engine import WasmEngine
from tests.sandbox.by_cpython import by_cpython
from tests.sandbox.conftest import LIMITS
from tests.sandbox.programs import HERE, Case, code_of, names
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions

FOLDER = "algorithms"
SIDE_BY_SIDE = 3
PATIENT = Limits(
    seconds=60,
    cpu_seconds=LIMITS.cpu_seconds,
    memory_bytes=LIMITS.memory_bytes,
    log_bytes=LIMITS.log_bytes,
    result_bytes=LIMITS.result_bytes,
)
"""For runs that share the processor."""


class Check(BaseModel):
    model_config = ConfigDict(extra="forbid")

    given: list[JsonValue]
    answer: JsonValue


@cache
def checks_of(name: str) -> dict[str, list[Check]]:
    """The checks of a file, by program."""
    return TypeAdapter(dict[str, list[Check]]).validate_json((HERE / FOLDER / f"{name}.json").read_bytes())


def case_of(name: str, *programs: str) -> Case:
    """A run of a file that makes every check of these programs, or of all programs if none are named."""
    checks = {program: checks_of(name)[program] for program in programs or checks_of(name)}
    return Case(
        input={program: [check.given for check in its_checks] for program, its_checks in checks.items()},
        result={program: [check.answer for check in its_checks] for program, its_checks in checks.items()},
    )


ALGORITHMS = [(name, program) for name in names(FOLDER) for program in checks_of(name)]


@pytest.mark.parametrize(("name", "program"), ALGORITHMS)
def test_cpython_gives_the_known_answer(name: str, program: str) -> None:
    """The answers are those of Python, not of one engine; and nothing is printed."""
    case = case_of(name, program)
    assert by_cpython(code_of(FOLDER, name), case) == (case.result, None, [])


@pytest.mark.timeout(240)
async def test_every_algorithm_gives_its_known_answer(
    engine: WasmEngine, make_host_functions: Callable[[], ScriptedHostFunctions]
) -> None:
    """One run per file, a few of them side by side."""
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def find_wrong(name: str) -> object:
        """The wrong answers of a file, its failure, or what it printed; None if all is well."""
        case = case_of(name)
        async with turns:
            outcome = await engine.run(Program(code_of(FOLDER, name), case.input), make_host_functions(), PATIENT)
        if outcome.failure:
            return outcome.failure.error, outcome.failure.traceback
        assert isinstance(outcome.result, dict)
        assert isinstance(case.result, dict)
        answers, known = outcome.result, case.result
        wrong = {program: answers.get(program) for program in known if answers.get(program) != known[program]}
        return wrong or outcome.logs or None

    found = await asyncio.gather(*[find_wrong(name) for name in names(FOLDER)])
    assert {name: wrong for name, wrong in zip(names(FOLDER), found, strict=True) if wrong} == {}


@pytest.mark.parametrize("name", names(FOLDER))
def test_every_program_has_checks(name: str) -> None:
    """And says what it computes."""
    functions = [
        node
        for node in ast.parse(code_of(FOLDER, name)).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]
    assert [function.name for function in functions if not ast.get_docstring(function)] == []
    assert {function.name for function in functions} == {*checks_of(name), "run"}
    assert all(checks_of(name).values())


def test_there_are_enough() -> None:
    """The corpus does not shrink unnoticed, and no program's name is used twice."""
    assert len({program for _, program in ALGORITHMS}) == len(ALGORITHMS) >= 150
