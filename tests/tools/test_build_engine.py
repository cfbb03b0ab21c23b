"""`tools.build_engine` builds the Python interpreter for agents if its sources have changed, and reports problems."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.sandbox import fork_server
from shared.sandbox.fork_server import component
from tools import build_engine
from tools.build_engine import FOLDER, ROOT, BuildFailed, build, compute_digest, is_built, read_sources


def test_the_sources_are_the_modules_that_run_inside() -> None:
    """The build contains the guest and the modules that it shares with the service, but no other service modules."""
    names = set(read_sources())
    assert {"shared/sandbox/guest/main.py", "shared/sandbox/inside/calls.py", "shared/__init__.py"} <= names
    assert not [name for name in names if name.startswith(("shared/services", "shared/store"))]
    assert read_sources()["shared/sandbox/__init__.py"] == b""  # the real one imports the service's libraries


def test_the_digest_depends_on_sources_tools_and_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest changes with the sources, a tool's version, and the processor features, and only with these."""
    before = compute_digest()
    assert compute_digest() == before
    changed = {**read_sources(), "shared/sandbox/guest/more.py": b""}
    monkeypatch.setattr(build_engine, "read_sources", lambda: changed)
    assert compute_digest() != before
    monkeypatch.undo()
    monkeypatch.setattr(build_engine, "version", str.upper)
    assert compute_digest() != before
    monkeypatch.undo()
    monkeypatch.setattr(component, "FEATURES", {})
    assert compute_digest() != before


def test_only_an_outdated_build_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A current build is kept. The stamp of an outdated build is deleted before anything else changes."""
    assert is_built()
    build()
    stamp = tmp_path / "sources.sha256"
    stamp.write_text("different")
    assert not is_built(tmp_path)

    def fail() -> bytes:
        raise BuildFailed("componentize-py is not installed.")

    monkeypatch.setattr(build_engine, "_componentize", fail)
    with pytest.raises(BuildFailed):
        build(tmp_path)
    assert not stamp.exists()


def test_a_missing_tool_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If componentize-py is missing, the error names a remedy."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build_engine.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(BuildFailed, match="Run `make setup`"):
        build(tmp_path)


def test_the_command_reports_that_the_build_is_current() -> None:
    """For a current build, the command exits with 0, silently with `--check` and otherwise with a message."""
    for arguments, output in ((["--check"], ""), ([], f"{FOLDER} is up to date.\n")):
        done = subprocess.run(
            [sys.executable, "-m", "tools.build_engine", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == output


def test_the_component_and_its_compiled_form_are_built() -> None:
    """The build contains the component and its compiled form, which is created again if it is unsuitable."""
    for name in (fork_server.COMPILED, fork_server.COMPONENT):
        assert (FOLDER / name).stat().st_size > 10_000_000
