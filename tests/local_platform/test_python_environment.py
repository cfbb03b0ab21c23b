"""`.venv` is installed once, from the lock file."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_platform import python_environment
from local_platform.console import Problem
from local_platform.layout import Layout
from local_platform.python_environment import ensure_model_env, ensure_venv, extract_lock_lines


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, clone: Layout) -> list[list[str]]:
    """Records commands instead of running them. Creating an environment writes only its basic files."""
    recorded: list[list[str]] = []

    def record(activity: str, command: list[Any], **_: Any) -> None:
        recorded.append([str(part) for part in command])
        if "venv" in recorded[-1]:
            venv = Path(recorded[-1][-1])
            shutil.rmtree(venv, ignore_errors=True)
            (venv / "bin").mkdir(parents=True)
            (venv / "bin" / "python").symlink_to("/bin/true")
            (venv / "bin" / "activate").write_text(f"VIRTUAL_ENV={venv}\n")

    monkeypatch.setattr(python_environment, "run_tool", record)
    return recorded


def test_a_second_set_up_installs_nothing(clone: Layout, commands: list[list[str]]) -> None:
    """The first set-up creates the environment, installs uv with its locked hash, and syncs with hashes."""
    assert ensure_venv(clone)
    create, install_uv, sync = commands
    assert create[1:3] == ["-m", "venv"]
    assert "--require-hashes" in install_uv
    assert sync[1:3] == ["pip", "sync"]
    assert "--require-hashes" in sync
    assert not ensure_venv(clone)
    assert len(commands) == 3


def test_a_changed_lock_is_synced_into_the_same_environment(clone: Layout, commands: list[list[str]]) -> None:
    """When the lock changes, the existing environment is updated instead of recreated."""
    ensure_venv(clone)
    commands.clear()
    clone.lock.write_text(clone.lock.read_text() + "# changed\n")
    assert ensure_venv(clone)
    assert [command[2] for command in commands] == ["pip", "sync"]


def test_a_copied_environment_is_recreated(clone: Layout, commands: list[list[str]]) -> None:
    """A copy is recreated, because its scripts start the Python of the original."""
    ensure_venv(clone)
    commands.clear()
    moved = Layout(clone.root.with_name("moved"))
    clone.root.rename(moved.root)
    assert ensure_venv(moved)
    assert commands[0][1:4] == ["-m", "venv", "--clear"]


@pytest.mark.parametrize(("name", "ensure"), [(".venv", ensure_venv), (".local/model-env", ensure_model_env)])
def test_an_environment_is_not_cleared_through_a_link(
    clone: Layout, commands: list[list[str]], name: str, ensure: Callable[[Layout], bool]
) -> None:
    """A linked environment is not cleared, because its target belongs to another clone."""
    target = clone.root.with_name("target")
    (target / "bin").mkdir(parents=True)
    (target / "bin" / "activate").write_text(f"VIRTUAL_ENV={target}\n")
    clone.local.mkdir()
    (clone.root / name).symlink_to(target)
    with pytest.raises(Problem, match=f"{name} is a symbolic link to .* Remove the link .`rm {name}`"):
        ensure(clone)
    assert (target / "bin" / "activate").exists()
    assert commands == []


def test_the_locked_lines_of_a_package_contain_its_hashes() -> None:
    """A package's lines end where the next package begins. A longer name with the same prefix does not match."""
    uv = "uv==0.9 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    lock = f"uv-build==1 \\\n    --hash=sha256:aa\n{uv}    # via x\nyarl==1\n"
    assert extract_lock_lines(lock, "uv") == uv
    with pytest.raises(Problem, match="does not name pip"):
        extract_lock_lines(lock, "pip")
