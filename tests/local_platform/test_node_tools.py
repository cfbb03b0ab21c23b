"""firebase-tools is installed once, from the lock file, if Node.js is new enough."""

import json
from pathlib import Path

import pytest

from local_platform.console import Problem
from local_platform.node_tools import check_node, is_current


def _write(root: Path, locked: dict[str, object], installed: dict[str, object]) -> None:
    (root / "node_modules").mkdir(exist_ok=True)
    (root / "package-lock.json").write_text(json.dumps({"packages": locked}))
    (root / "node_modules" / ".package-lock.json").write_text(json.dumps({"packages": installed}))


def test_npms_record_of_a_finished_installation_counts(tmp_path: Path) -> None:
    """Each package must have its locked version. Packages for other machines may be missing."""
    locked: dict[str, object] = {
        "": {},
        "node_modules/a": {"version": "1"},
        "node_modules/mac-only": {"version": "1", "optional": True},
        "node_modules/unneeded": {"version": "1", "extraneous": True},
    }
    _write(tmp_path, locked, {"node_modules/a": {"version": "1"}})
    assert is_current(tmp_path)
    _write(tmp_path, locked, {"node_modules/a": {"version": "2"}})
    assert not is_current(tmp_path)


def test_a_missing_installation_is_not_current(tmp_path: Path) -> None:
    """Without npm's record, which an interrupted installation does not write, packages count as missing."""
    (tmp_path / "package-lock.json").write_text("{}")
    assert not is_current(tmp_path)


def _write_node(folder: Path, version: str) -> None:
    for name in ("node", "npm"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)


def test_an_old_node_is_reported_with_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the installed and the required version of Node.js."""
    _write_node(tmp_path, "v18.19.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match=r"Node.js v18.19.0 is too old .*Install Node.js 20 or newer"):
        check_node()
    _write_node(tmp_path, "v22.1.0")
    check_node()


def test_a_missing_node_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message tells the user to install Node.js."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match=r"is not on the PATH\. Install Node.js"):
        check_node()
