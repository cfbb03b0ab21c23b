"""`.venv` is installed from the lock, once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_platform import python_environment
from local_platform.console import Problem
from local_platform.layout import Layout
from local_platform.python_environment import ensure_model_env, ensure_venv, locked_lines


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, clone: Layout) -> list[list[str]]:
    """The installers that would have run. Creating an environment leaves a folder that looks like one."""
    run: list[list[str]] = []

    def record(doing: str, command: list[Any], **_: Any) -> None:
        run.append([str(part) for part in command])
        if "venv" in run[-1]:
            place = Path(run[-1][-1])
            shutil.rmtree(place, ignore_errors=True)
            (place / "bin").mkdir(parents=True)
            (place / "bin" / "python").symlink_to("/bin/true")
            (place / "bin" / "activate").write_text(f"VIRTUAL_ENV={place}\n")

    monkeypatch.setattr(python_environment, "run_tool", record)
    return run


def test_a_second_set_up_installs_nothing(clone: Layout, commands: list[list[str]]) -> None:
    """The first creates the environment, installs uv from the lock with its hash, and syncs with hashes."""
    assert ensure_venv(clone)
    make, install_uv, sync = commands
    assert make[1:3] == ["-m", "venv"]
    assert "--require-hashes" in install_uv
    assert sync[1:3] == ["pip", "sync"]
    assert "--require-hashes" in sync
    assert not ensure_venv(clone)
    assert len(commands) == 3


def test_another_lock_is_synced_into_the_same_environment(clone: Layout, commands: list[list[str]]) -> None:
    """A working environment is kept."""
    ensure_venv(clone)
    commands.clear()
    clone.lock.write_text(clone.lock.read_text() + "# changed\n")
    assert ensure_venv(clone)
    assert [command[2] for command in commands] == ["pip", "sync"]


def test_a_copied_environment_is_recreated(clone: Layout, commands: list[list[str]]) -> None:
    """Its scripts start the Python of the original."""
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
    """The target belongs to another clone, which would lose its environment."""
    theirs = clone.root.with_name("theirs")
    (theirs / "bin").mkdir(parents=True)
    (theirs / "bin" / "activate").write_text(f"VIRTUAL_ENV={theirs}\n")
    clone.local.mkdir()
    (clone.root / name).symlink_to(theirs)
    with pytest.raises(Problem, match=f"{name} is a symbolic link to .* Remove the link .`rm {name}`"):
        ensure(clone)
    assert (theirs / "bin" / "activate").exists()
    assert commands == []


def test_the_locked_lines_of_a_package_carry_its_hashes() -> None:
    """They end where the next package begins; a longer name that begins alike does not match."""
    uv = "uv==0.9 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    lock = f"uv-build==1 \\\n    --hash=sha256:aa\n{uv}    # via x\nyarl==1\n"
    assert locked_lines(lock, "uv") == uv
    with pytest.raises(Problem, match="does not name pip"):
        locked_lines(lock, "pip")
