"""Thousands of programs return, print and raise the same in the engine and in a plain CPython.

The programs are generated from a grammar (`grammar`), or are mutants of the corpus and the algorithms (`mutation`).
`docs/explanation/sandbox.md` lists the allowed differences, which `test_differences` checks.
"""

import json
import re
import secrets
import sys
import warnings
from collections.abc import Iterator
from itertools import chain
from random import Random

import pytest

from shared.sandbox import Limits, Program, analyze_sync
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.differential.comparison import normalize_text
from tests.sandbox.differential.grammar import Writer
from tests.sandbox.differential.mutation import Source, mutate
from tests.sandbox.differential.plain import DRIVER, Python, find_pythons
from tests.sandbox.differential.runner import Answer, Report, open_comparison
from tests.sandbox.differential.sources import load_sources

SEED = 20261127
"""The seed of the usual test, which therefore always runs the same programs. The long test uses new seeds."""
GENERATED, MUTANTS = 1800, 3800
LIMITS = Limits(seconds=30, cpu_seconds=10, memory_bytes=64 * 2**20, log_bytes=100_000, result_bytes=1_000_000)
MIN_CLASSES = 10
MIN_PER_CLASS = 10
"""At least `MIN_CLASSES` exception classes must each be raised by this number of programs."""


def generate(count: int, seed: int) -> Iterator[Source]:
    """Yields programs that are generated from the grammar."""
    for number in range(count):
        yield Source(Writer(Random(f"{seed} {number}")).program(), {})  # noqa: S311


def make_mutants(count: int, seed: int) -> Iterator[Source]:
    """Yields mutants of existing programs."""
    for number in range(count):
        random = Random(f"{seed} mutant {number}")  # noqa: S311
        yield mutate(random.choice(load_sources()), random)


def summarize(report: Report, seed: int, python: Python) -> str:
    """Describes the report, with its first five differences and the seed that reproduces them."""
    examples = "\n\n".join(f"{found}\n{source.input}\n{source.code}" for source, found in report.differences[:5])
    return f"seed {seed}, CPython {python.version}: {report}\n{examples}"


@pytest.fixture(autouse=True)
def programs_may_warn() -> Iterator[None]:
    """Ignores warnings about the programs' syntax."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.timeout(600)
async def test_programs_behave_as_in_cpython(engine: WasmEngine) -> None:
    """Results, output, exceptions and line numbers are the same as in CPython, both in batches and as single agents."""
    python = find_pythons()[0]
    async with open_comparison(engine, python) as comparison:
        report = await comparison.compare(chain(generate(GENERATED, SEED), make_mutants(MUTANTS, SEED)))
    text = summarize(report, SEED, python)
    sys.stdout.write(text)
    assert not report.differences, text
    assert_meaningful(report, GENERATED + MUTANTS, python)
    assert await check_as_agents(engine, report.samples, python) > 0.6 * len(report.samples) > 100


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("python", find_pythons(), ids=lambda python: f"{python.version[0]}.{python.version[1]}")
async def test_many_programs_behave_as_in_every_cpython(engine: WasmEngine, python: Python) -> None:
    """Fifty thousand new programs behave the same as in each CPython on this machine."""
    seed = secrets.randbelow(10**9)
    async with open_comparison(engine, python) as comparison:
        report = await comparison.compare(chain(generate(20_000, seed), make_mutants(30_000, seed)))
    text = summarize(report, seed, python)
    sys.stdout.write(text)
    assert not report.differences, text
    assert_meaningful(report, 50_000, python)
    await check_as_agents(engine, report.samples, python)


def assert_meaningful(report: Report, sent: int, python: Python) -> None:
    """Checks that few programs were skipped, that many succeeded, and that the others failed in many ways."""
    comparable = sent - report.too_new
    assert comparable > (0.9 if python.version >= (3, 13) else 0.3) * sent
    assert report.compared > 0.98 * comparable
    assert report.ends[""] > 0.3 * comparable
    assert sum(report.ends[name] >= MIN_PER_CLASS for name in report.ends if name) >= MIN_CLASSES


async def check_as_agents(engine: WasmEngine, samples: list[tuple[Source, Answer]], python: Python) -> int:
    """Runs samples as agents, and compares their outcomes with CPython's. Returns the number of these runs."""
    count = 0
    for source, answer in samples:
        findings = analyze_sync(source.code)
        if answer["raised"] is None:
            assert not findings, (findings, source.code)
        if findings or answer["warned"] or (answer["raised"] is None and answer["json"] is None):
            continue
        outcome = await engine.run(
            Program(source.code, json.loads(json.dumps(source.input))), NoHostFunctions(), LIMITS
        )
        error = outcome.failure.error if outcome.failure else None
        logs = normalize_text("\n".join(outcome.logs), python.version)
        assert (error is None) == (answer["raised"] is None), (error, answer, source.code)
        assert logs == normalize_text(answer["prints"].removesuffix("\n"), python.version), source.code
        if outcome.failure and answer["raised"]:
            kind, message, _ = answer["raised"]
            expected = f"{kind}: {message}" if message else kind
            assert normalize_text(outcome.failure.error, python.version) == normalize_text(expected, python.version), (
                source.code
            )
            last = outcome.failure.traceback.rpartition("Traceback (most recent call last):")[2]  # causes come first
            lines = re.findall(r'^  File "agent\.py", line (\d+), in (.*)$', last, re.MULTILINE)
            assert [[int(line), name] for line, name in lines] == answer["lines"], source.code
        else:
            assert outcome.result == json.loads(answer["json"]), source.code
        count += 1
    return count


FAULTS = {
    "a result": ("    return repr(value)\n", "    return repr(value).replace('7', '1')\n"),
    "a print": ("printed.getvalue()\n", 'printed.getvalue().replace("True", "1")\n'),
    "a class": ("type(error).__name__, message", "type(error).__mro__[1].__name__, message"),
    "a message": ("message[:_MAX_CHARACTERS], [", "message[:9], ["),
    "a line": ("[frame.lineno, ", "[frame.lineno and frame.lineno + 1, "),
    "an operator": ('program["code"]', 'program["code"].replace(" // ", " / ")'),
}
"""Possible faults of an engine, each simulated by replacing a piece of the driver's code."""


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_in_the_engine_is_found(engine: WasmEngine, fault: str) -> None:
    """A small number of programs is enough to find a fault in the engine."""
    driver = DRIVER.read_text()
    assert FAULTS[fault][0] in driver
    async with open_comparison(engine, find_pythons()[0], driver.replace(*FAULTS[fault], 1)) as comparison:
        report = await comparison.compare(chain(generate(50, SEED), make_mutants(100, SEED)))
    assert report.differences
