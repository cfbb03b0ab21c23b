"""The terminal shows plain sentences, never a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local_platform import console
from local_platform.console import Problem, run_main

_PROGRAM = """
import sys
sys.path.insert(0, {package!r})
from pathlib import Path
from local_platform.console import Problem, run_main, say, step
def main():
    say("one")
    step("two")
    Path({done!r}).touch()
    raise Problem("x", "y")
sys.exit(run_main(main))
"""


def test_a_problem_is_a_sentence_and_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    """A `Problem` is printed without a traceback, and the exit code is 1."""

    def main() -> int:
        raise Problem("Port 8000 is taken", "Stop that program.")

    assert run_main(main) == 1
    assert capsys.readouterr().err == "\n✗ Port 8000 is taken.\n  Stop that program.\n"


def test_an_interrupt_is_not_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C during set-up is reported, and the exit code is the one that shells use."""

    def main() -> int:
        raise KeyboardInterrupt

    assert run_main(main) == 130
    assert capsys.readouterr().err == "\nStopped.\n"


def _open_closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def _open_closed_terminal() -> int:
    reader, writer = os.openpty()
    os.close(reader)
    return writer


@pytest.mark.parametrize("open_closed", [_open_closed_pipe, _open_closed_terminal])
def test_a_closed_terminal_does_not_stop_the_program(open_closed: Callable[[], int], tmp_path: Path) -> None:
    """The program completes its work after its output is closed, and exits with the usual code."""
    package = str(Path(console.__file__).parents[1])
    program = _PROGRAM.format(package=package, done=str(tmp_path / "done"))
    output = open_closed()
    try:
        process = subprocess.run(
            [sys.executable, "-c", program], input=b"", stdout=output, stderr=output, check=False, timeout=30
        )
    finally:
        os.close(output)
    assert (tmp_path / "done").exists()
    assert process.returncode == 1
