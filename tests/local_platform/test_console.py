"""A person reads plain sentences, never a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local_platform import console
from local_platform.console import Problem, guarded

_SAYS = """
import sys
sys.path.insert(0, {package!r})
from pathlib import Path
from local_platform.console import Problem, guarded, say, step
def main():
    say("one")
    step("two")
    Path({done!r}).touch()
    raise Problem("x", "y")
sys.exit(guarded(main))
"""


def test_a_problem_is_one_sentence_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 1, and nothing of Python shows."""

    def main() -> int:
        raise Problem("Port 8000 is taken", "End that program.")

    assert guarded(main) == 1
    assert capsys.readouterr().err == "\n✗ Port 8000 is taken.\n  End that program.\n"


def test_an_interrupt_is_no_error_to_explain(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C during set-up says so, with the exit code that shells give it."""

    def main() -> int:
        raise KeyboardInterrupt

    assert guarded(main) == 130
    assert capsys.readouterr().err == "\nStopped.\n"


def _closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def _closed_terminal() -> int:
    reader, writer = os.openpty()
    os.close(reader)
    return writer


@pytest.mark.parametrize("closed", [_closed_pipe, _closed_terminal])
def test_a_terminal_that_was_closed_stops_nothing(closed: Callable[[], int], tmp_path: Path) -> None:
    """What is left to do is done, and the exit code is the ordinary one."""
    package = str(Path(console.__file__).parents[1])
    program = _SAYS.format(package=package, done=str(tmp_path / "done"))
    output = closed()
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program], input=b"", stdout=output, stderr=output, check=False, timeout=30
        )
    finally:
        os.close(output)
    assert (tmp_path / "done").exists()
    assert ended.returncode == 1
