"""The command: which measurements run, and what a failure of one means for the others."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bench import __main__ as command
from bench.rows import Row, Target
from bench.watching import MeasurementFailed


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replaces all measurements: one works, the others fail or are interrupted, with or without a row."""

    def works(rounds: int) -> Iterator[Row]:
        yield Row("it works", "s", [2.0] * rounds, target=Target(1.0))

    def fails(_rounds: int) -> Iterator[Row]:
        yield Row("a part of it", "s", [1.0])
        raise RuntimeError("It broke.")

    def stops(_rounds: int) -> Iterator[Row]:
        yield Row("a part of it", "s", [1.0])
        raise KeyboardInterrupt

    def stops_early(_rounds: int) -> Iterator[Row]:
        yield from ()
        raise KeyboardInterrupt

    def breaks(_rounds: int) -> Iterator[Row]:
        yield from ()
        failure = MeasurementFailed("the function users ended unexpectedly")
        failure.add_note("The last lines of its log")
        raise failure

    measures = {"works": works, "fails": fails, "stops": stops, "stops_early": stops_early, "breaks": breaks}
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
    report = json.loads(file.with_name("bench.incomplete.json").read_text())["measurements"]
    assert [row["failure"] for row in report["fails"]] == [None, "RuntimeError: It broke."]


def test_an_expected_failure_is_explained(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cause is in the table. The notes about it, such as the last log lines, are on the standard error stream."""
    assert command.main(["breaks", "--file", str(file)]) == 1
    captured = capsys.readouterr()
    assert "| failed: the function users ended unexpectedly " in captured.out
    assert "The last lines of its log" in captured.err
    assert "Traceback" not in captured.err


def test_an_interruption_shows_what_there_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The remaining measurements are left out, and the result of an earlier run stays."""
    file.write_text("complete")
    assert command.main(["stops", "works", "--file", str(file)]) == 130
    captured = capsys.readouterr()
    assert "a part of it" in captured.out
    assert "it works" not in captured.out
    assert "Interrupted in stops." in captured.err
    assert f"so {file} has not been changed" in captured.err
    assert file.read_text() == "complete"
    report = json.loads(file.with_name("bench.incomplete.json").read_text())
    assert (report["interrupted"], list(report["measurements"])) == (True, ["stops"])


def test_an_interruption_without_rows_prints_no_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And writes no file."""
    assert command.main(["stops_early", "--file", str(file)]) == 130
    assert capsys.readouterr().out == ""
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("rounds", ["0", "-1"])
def test_there_is_at_least_one_round(rounds: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is refused before the first measurement."""
    with pytest.raises(SystemExit):
        command.main(["works", "--rounds", rounds, "--file", str(file)])
    assert "--rounds must be at least 1" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused_at_the_start(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is measured."""
    with pytest.raises(SystemExit):
        command.main(["works", "--file", str(file.parent)])
    captured = capsys.readouterr()
    assert f"--file {file.parent} cannot be written: Is a directory" in captured.err
    assert "it works" not in captured.out


def test_the_table_is_printed_if_the_file_cannot_be_written_in_the_end(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured is not lost."""

    def accept(_file: Path) -> None:
        """As if the disk had been fine at the start."""

    monkeypatch.setattr(command, "check_writable", accept)
    assert command.main(["works", "--file", str(file.parent)]) == 1
    captured = capsys.readouterr()
    assert "it works" in captured.out
    assert "was not written" in captured.err


def test_an_unknown_measurement_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists the known ones."""
    with pytest.raises(SystemExit):
        command.main(["reads"])
    assert "unknown: reads; choose from works, fails, stops, stops_early, breaks" in capsys.readouterr().err


def test_every_measurement_is_listed() -> None:
    """A new module in `bench/measurements` needs an estimate."""
    modules = {path.stem for path in (Path(command.__file__).parent / "measurements").glob("[a-z]*.py")}
    assert modules == set(command._SECONDS)  # pyright: ignore[reportPrivateUsage]


def test_the_help_says_how_options_are_passed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`make` would take them for its own."""
    with pytest.raises(SystemExit):
        command.main(["--help"])
    assert 'make bench [ARGS="' in capsys.readouterr().out
