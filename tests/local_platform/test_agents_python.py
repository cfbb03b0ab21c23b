"""Set-up builds the Python that agents run in if it is missing, and reports a failed build."""

from pathlib import Path

import pytest

from local_platform.agents_python import ensure_agents_python
from local_platform.console import Problem
from local_platform.layout import Layout

PYTHON = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/requests"
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


def set_exit_codes(clone: Layout, stale: int, fails: int = 0) -> None:
    """Sets the exit codes of the build's check and of the build."""
    (clone.python.parent / "stale").write_text(str(stale))
    (clone.python.parent / "fails").write_text(str(fails))


def get_requests(clone: Layout) -> list[str]:
    return (clone.python.parent / "requests").read_text().splitlines()


def test_a_current_build_is_not_repeated(clone: Layout) -> None:
    """Set-up only checks a build that is current."""
    set_exit_codes(clone, stale=0)
    assert not ensure_agents_python(clone)
    assert get_requests(clone) == ["-m tools.build_engine --check"]


def test_a_missing_python_is_built(clone: Layout) -> None:
    """The clone's own Python builds the agents' Python if it is missing."""
    set_exit_codes(clone, stale=1)
    assert ensure_agents_python(clone)
    assert get_requests(clone) == ["-m tools.build_engine --check", "-m tools.build_engine"]


def test_a_build_that_fails_is_a_problem(clone: Layout) -> None:
    """The problem names the failed step; the log contains the build's output."""
    set_exit_codes(clone, stale=1, fails=1)
    with pytest.raises(Problem, match="Building the Python that agents run in"):
        ensure_agents_python(clone)
    assert "no room left" in clone.setup_log.read_text()
