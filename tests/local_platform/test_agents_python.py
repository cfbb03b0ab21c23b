"""Set-up builds the Python that agents run in if it is missing, and reports a failed build."""

from pathlib import Path

import pytest

from local_platform.agents_python import ensure_agents_python
from local_platform.console import Problem
from local_platform.layout import Layout

PYTHON = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
case "$*" in
  *--check*) exit $(cat "$(dirname "$0")/stale") ;;
  *) echo "no room left"; exit $(cat "$(dirname "$0")/fails") ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.python.parent.mkdir(parents=True)
    layout.local.mkdir()
    layout.python.write_text(PYTHON)
    layout.python.chmod(0o755)
    return layout


def say(clone: Layout, stale: int, fails: int = 0) -> None:
    """Sets what the build reports."""
    (clone.python.parent / "stale").write_text(str(stale))
    (clone.python.parent / "fails").write_text(str(fails))


def asked(clone: Layout) -> list[str]:
    return (clone.python.parent / "asked").read_text().splitlines()


def test_a_current_build_is_kept(clone: Layout) -> None:
    """Set-up only checks it."""
    say(clone, stale=0)
    assert not ensure_agents_python(clone)
    assert asked(clone) == ["-m tools.build_engine --check"]


def test_a_missing_build_is_made(clone: Layout) -> None:
    """By the clone's own Python."""
    say(clone, stale=1)
    assert ensure_agents_python(clone)
    assert asked(clone) == ["-m tools.build_engine --check", "-m tools.build_engine"]


def test_a_build_that_fails_is_a_problem(clone: Layout) -> None:
    """With the place of its output."""
    say(clone, stale=1, fails=1)
    with pytest.raises(Problem, match="Building the Python that agents run in"):
        ensure_agents_python(clone)
    assert "no room left" in clone.setup_log.read_text()
