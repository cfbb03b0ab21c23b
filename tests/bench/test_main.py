"""The command: which measurements run, and what a failure of one means for the others."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bench import __main__ as command
from bench.rows import Row, Target


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replaces all measurements by three: one that works, one that fails after a row, and one that is interrupted."""

    def works(rounds: int) -> Iterator[Row]:
        yield Row("it works", "s", [2.0] * rounds, target=Target(1.0))

    def fails(_rounds: int) -> Iterator[Row]:
        yield Row("a part of it", "s", [1.0])
        raise RuntimeError("It broke.")

    def stops(_rounds: int) -> Iterator[Row]:
        yield Row("a part of it", "s", [1.0])
        raise KeyboardInterrupt

    measures = {"works": works, "fails": fails, "stops": stops}
    for name, measure in measures.items():
        module = ModuleType(name)
        module.measure = measure  # pyright: ignore[reportAttributeAccessIssue]
        monkeypatch.setitem(sys.modules, f"bench.measurements.{name}", module)
    monkeypatch.setattr(command, "_SECONDS", dict.fromkeys(measures, 10))
    return tmp_path / "bench.json"


def test_a_missed_target_is_no_failure(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table says so, and the file has as many samples as rounds were requested."""
    assert command.main(["works", "--rounds", "3", "--file", str(file)]) == 0
    assert "| ≤ 1.00 s | no " in capsys.readouterr().out
    assert json.loads(file.read_text())["measurements"]["works"][0]["samples"]["ours"] == [2.0] * 3


def test_a_failure_does_not_stop_the_others(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It becomes a row after those that the measurement had, and the exit status 1."""
    assert command.main(["fails", "works", "--file", str(file)]) == 1
    table = capsys.readouterr().out
    assert "failed: RuntimeError: It broke." in table
    assert "it works" in table
    report = json.loads(file.read_text())["measurements"]
    assert [row["failure"] for row in report["fails"]] == [None, "RuntimeError: It broke."]


def test_an_interruption_shows_what_there_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The remaining measurements are left out."""
    assert command.main(["stops", "works", "--file", str(file)]) == 130
    assert "it works" not in capsys.readouterr().out
    assert list(json.loads(file.read_text())["measurements"]) == ["stops"]


def test_an_unknown_measurement_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists the known ones."""
    with pytest.raises(SystemExit):
        command.main(["reads"])
    assert "unknown: reads; choose from works, fails, stops" in capsys.readouterr().err


def test_every_measurement_is_listed() -> None:
    """A new module in `bench/measurements` needs an estimate."""
    modules = {path.stem for path in (Path(command.__file__).parent / "measurements").glob("[a-z]*.py")}
    assert modules == set(command._SECONDS)  # pyright: ignore[reportPrivateUsage]
