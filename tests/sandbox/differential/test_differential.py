"""Programs by the thousand, in the engine and in a plain CPython: what they return, print and raise is the same.

They are written by a grammar (`grammar`), and made of the corpus and the algorithms by mutation (`mutation`). What may
differ is in `docs/explanation/sandbox.md`, each with a test in `test_differences`.
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

from shared.sandbox import Limits, Program, analyze_now
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.differential.comparison import text_of
from tests.sandbox.differential.grammar import Writer
from tests.sandbox.differential.mutation import Source, mutant
from tests.sandbox.differential.plain import DRIVER, Python, pythons
from tests.sandbox.differential.runner import Answer, Report, comparing
from tests.sandbox.differential.sources import sources

SEED = 20261127
"""Of the usual run, which so always runs the same programs; that of the long one is a new one."""
WRITTEN, MUTANTS = 1800, 3800
LIMITS = Limits(seconds=30, cpu_seconds=10, memory_bytes=64 * 2**20, log_bytes=100_000, result_bytes=1_000_000)
CLASSES = 10
EACH_CLASS = 10
"""Programs that end with each of so many exception classes, at the least."""


def written(count: int, seed: int) -> Iterator[Source]:
    """By the grammar."""
    for number in range(count):
        yield Source(Writer(Random(f"{seed} {number}")).program(), {})  # noqa: S311


def mutants(count: int, seed: int) -> Iterator[Source]:
    """Of the programs that there are."""
    for number in range(count):
        random = Random(f"{seed} mutant {number}")  # noqa: S311
        yield mutant(random.choice(sources()), random)


def shown(report: Report, seed: int, python: Python) -> str:
    """For whoever has to find out."""
    some = "\n\n".join(f"{found}\n{source.given}\n{source.code}" for source, found in report.differences[:5])
    return f"seed {seed}, CPython {python.version}: {report}\n{some}"


@pytest.fixture(autouse=True)
def programs_may_warn() -> Iterator[None]:
    """Of what is odd about their syntax."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.timeout(600)
async def test_programs_do_the_same_as_in_cpython(engine: WasmEngine) -> None:
    """Result, prints, exception class, message and lines; singly, as agents run, as well as many in one run."""
    python = pythons()[0]
    async with comparing(engine, python) as comparison:
        report = await comparison.compare(chain(written(WRITTEN, SEED), mutants(MUTANTS, SEED)))
    told = shown(report, SEED, python)
    sys.stdout.write(told)
    assert not report.differences, told
    assert_telling(report, WRITTEN + MUTANTS, python)
    assert await singly(engine, report.kept, python) > 0.6 * len(report.kept) > 100


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("python", pythons(), ids=lambda python: f"{python.version[0]}.{python.version[1]}")
async def test_many_programs_do_the_same_as_in_every_cpython(engine: WasmEngine, python: Python) -> None:
    """Fifty thousand that nobody has run before."""
    seed = secrets.randbelow(10**9)
    async with comparing(engine, python) as comparison:
        report = await comparison.compare(chain(written(20_000, seed), mutants(30_000, seed)))
    told = shown(report, seed, python)
    sys.stdout.write(told)
    assert not report.differences, told
    assert_telling(report, 50_000, python)
    await singly(engine, report.kept, python)


def assert_telling(report: Report, sent: int, python: Python) -> None:
    """Few are left out, many end well, and the others do so in many ways."""
    judged = sent - report.of_other_versions
    assert judged > (0.9 if python.version >= (3, 13) else 0.3) * sent
    assert report.compared > 0.98 * judged
    assert report.ends[""] > 0.3 * judged
    assert sum(report.ends[name] >= EACH_CLASS for name in report.ends if name) >= CLASSES


async def singly(engine: WasmEngine, kept: list[tuple[Source, Answer]], python: Python) -> int:
    """Holds the result, error, traceback and logs of runs as agents to what CPython said; how many there were."""
    count = 0
    for source, answer in kept:
        findings = analyze_now(source.code)
        if answer["raised"] is None:
            assert not findings, (findings, source.code)
        if findings or answer["warned"] or (answer["raised"] is None and answer["json"] is None):
            continue
        outcome = await engine.run(
            Program(source.code, json.loads(json.dumps(source.given))), NoHostFunctions(), LIMITS
        )
        error = outcome.failure.error if outcome.failure else None
        logs = text_of("\n".join(outcome.logs), python.version)
        assert (error is None) == (answer["raised"] is None), (error, answer, source.code)
        assert logs == text_of(answer["prints"].removesuffix("\n"), python.version), source.code
        if outcome.failure and answer["raised"]:
            kind, message, _ = answer["raised"]
            expected = f"{kind}: {message}" if message else kind
            assert text_of(outcome.failure.error, python.version) == text_of(expected, python.version), source.code
            last = outcome.failure.traceback.rpartition("Traceback (most recent call last):")[2]  # causes go before
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
"""What an engine may do wrong, as changes to the driver."""


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_of_the_engine_is_found(engine: WasmEngine, fault: str) -> None:
    """Within a few programs: this test can fail."""
    driver = DRIVER.read_text()
    assert FAULTS[fault][0] in driver
    async with comparing(engine, pythons()[0], driver.replace(*FAULTS[fault], 1)) as comparison:
        report = await comparison.compare(chain(written(50, SEED), mutants(100, SEED)))
    assert report.differences
