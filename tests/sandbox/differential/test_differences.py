"""The differences between the sandbox and other CPythons, which `docs/explanation/sandbox.md` lists in a table."""

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import Run

ROWS: dict[str, list[tuple[str, Any]]] = {
    "the platform": [("__import__('sys').platform", "wasi")],
    "indexes and sizes": [
        ("__import__('sys').maxsize", 2**31 - 1),
        ("catch(lambda: [1][2**40])", "IndexError: cannot fit 'int' into an index-sized integer"),
        ("catch(lambda: len(range(2**40)))", "OverflowError: Python int too large to convert to C ssize_t"),
    ],
    "hashes": [("hash(2**31 - 1)", 0), ("hash(1.5) < 2**31", True)],
    "hashes of strings": [("type(hash('a')).__name__", "int")],
    "the last digit": [
        ("math.cbrt(1e-5)", 0.02154434690031884),
        ("abs(complex(-1.5, 0.1))", 1.5033296378372907),
    ],
    "system error numbers": [
        ("__import__('errno').ENOENT", 44),
        ("type(OSError(2, 'x')).__name__", "PermissionError"),
        ("type(OSError(__import__('errno').ENOENT, 'x')).__name__", "FileNotFoundError"),
    ],
    "`strftime` with an unknown directive": [("datetime.date(2024, 2, 29).strftime('%Y %( x')", "")],
    "threads": [("catch(__import__('threading').Thread(target=print).start)", "RuntimeError: can't start new thread")],
}
CODE = """
def catch(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__ + ": " + str(error)

async def run(input_dict, tools):
    return RESULT
"""


@pytest.mark.parametrize("row", ROWS)
async def test_the_sandbox_differs_as_documented(run: Run, row: str) -> None:
    """The sandbox behaves as a row of the table states."""
    for expression, value in ROWS[row]:
        outcome = await run(CODE.replace("RESULT", expression))
        assert (outcome.failure, outcome.result) == (None, value), expression


async def test_hashes_of_strings_are_the_same_in_every_run(run: Run) -> None:
    """A string has the same hash in every run, because all runs begin with the same state of the interpreter."""
    hashes = [(await run(CODE.replace("RESULT", "hash('a')"))).result for _ in range(3)]
    assert len(set(map(str, hashes))) == 1


def test_the_table_has_these_rows() -> None:
    """Every row of the table has a test, and every test has a row."""
    text = (Path(__file__).parents[3] / "docs/explanation/sandbox.md").read_text()
    table = text.partition("## Differences from CPython")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    assert rows[2:] == list(ROWS)
