"""The JSON file."""

import json
from pathlib import Path

from bench.report import describe_machine, write_report
from bench.rows import Row


def test_the_file_has_rows_machine_and_commit(tmp_path: Path) -> None:
    """Folders are created as needed."""
    file = tmp_path / "build" / "bench.json"
    write_report({"reads": [Row("GET", "/s", [1.0])], "chats": [Row("chats", failure="broke")]}, 12.5, file)
    report = json.loads(file.read_text())
    assert report["seconds"] == 12.5
    assert set(report) == {"commit", "changed", "seconds", "machine", "measurements"}
    assert report["measurements"]["reads"][0]["samples"]["ours"] == [1.0]
    assert report["measurements"]["chats"][0]["failure"] == "broke"


def test_the_machine_is_described() -> None:
    """Figures of two machines differ by these facts."""
    machine = describe_machine()
    assert machine["cores"] > 0
    assert machine["packages"]["functions-framework"]
