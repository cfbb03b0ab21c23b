"""The JSON file."""

import json
from pathlib import Path

import pytest

from bench.report import check_writable, describe_machine, write_report
from bench.rows import Row


def test_the_file_has_rows_machine_and_commit(tmp_path: Path) -> None:
    """Folders are created as needed."""
    file = tmp_path / "build" / "bench.json"
    check_writable(file)
    assert write_report({"reads": [Row("GET", "/s", [1.0])]}, 12.5, file) == file
    report = json.loads(file.read_text())
    assert report["seconds"] == 12.5
    assert set(report) == {"commit", "changed", "seconds", "interrupted", "machine", "measurements"}
    assert report["measurements"]["reads"][0]["samples"]["ours"] == [1.0]
    assert report["interrupted"] is False
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(("failure", "interrupted"), [("it broke", False), (None, True)])
def test_an_incomplete_run_is_written_to_another_file(tmp_path: Path, failure: str | None, interrupted: bool) -> None:
    """The result of the last complete run stays."""
    file = tmp_path / "bench.json"
    file.write_text("complete")
    check_writable(file)
    written = write_report({"chats": [Row("chats", failure=failure)]}, 1.0, file, interrupted)
    assert file.read_text() == "complete"
    assert written == tmp_path / "bench.incomplete.json"
    report = json.loads(written.read_text())
    assert (report["interrupted"], report["measurements"]["chats"][0]["failure"]) == (interrupted, failure)


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """Such as a folder, or a file within another file."""
    (tmp_path / "a file").touch()
    for file in (tmp_path, tmp_path / "a file" / "bench.json"):
        with pytest.raises(OSError, match=r"directory|exists"):
            check_writable(file)


def test_the_machine_is_described() -> None:
    """Figures of two machines differ by these facts."""
    machine = describe_machine()
    assert machine["cores"] > 0
    assert machine["packages"]["functions-framework"]
