"""Building the Python that agents run in: what decides whether there is anything to build, and what is said if not."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.sandbox import fork_server
from shared.sandbox.fork_server import component
from tools import build_engine
from tools.build_engine import FOLDER, ROOT, NotBuilt, build, digest, is_built, sources


def test_it_is_built_from_what_runs_inside() -> None:
    """The guest, and what guest and service share; nothing of the service itself."""
    names = set(sources())
    assert {"shared/sandbox/guest/main.py", "shared/sandbox/inside/calls.py", "shared/__init__.py"} <= names
    assert not [name for name in names if name.startswith(("shared/services", "shared/store"))]
    assert sources()["shared/sandbox/__init__.py"] == b""  # the real one imports the service's libraries


def test_another_source_is_another_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is another version of a tool, and another processor; the same is the same."""
    before = digest()
    assert digest() == before
    changed = {**sources(), "shared/sandbox/guest/more.py": b""}
    monkeypatch.setattr(build_engine, "sources", lambda: changed)
    assert digest() != before
    monkeypatch.undo()
    monkeypatch.setattr(build_engine, "version", str.upper)
    assert digest() != before
    monkeypatch.undo()
    monkeypatch.setattr(component, "FEATURES", {})
    assert digest() != before


def test_a_current_build_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is there for other sources is, and its stamp is gone before anything is changed."""
    assert is_built()
    build()
    stamp = tmp_path / "sources.sha256"
    stamp.write_text("another")
    assert not is_built(tmp_path)

    def no_tool() -> bytes:
        raise NotBuilt("componentize-py is not installed.")

    monkeypatch.setattr(build_engine, "_componentize", no_tool)
    with pytest.raises(NotBuilt):
        build(tmp_path)
    assert not stamp.exists()


def test_without_the_tool_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A sentence with a remedy."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build_engine.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(NotBuilt, match="Run `make setup`"):
        build(tmp_path)


def test_as_a_command_it_says_whether_a_build_is_needed() -> None:
    """By its exit code, and in words."""
    for arguments, said in ((["--check"], ""), ([], f"{FOLDER} is up to date.\n")):
        done = subprocess.run(
            [sys.executable, "-m", "tools.build_engine", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == said


def test_both_forms_are_there() -> None:
    """The one that is mapped, and the one that is compiled if the first does not fit."""
    for name in (fork_server.COMPILED, fork_server.COMPONENT):
        assert (FOLDER / name).stat().st_size > 10_000_000
