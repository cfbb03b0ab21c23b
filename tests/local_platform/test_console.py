"""A person reads plain sentences, never a traceback."""

import pytest

from local_platform.console import Problem, guarded


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
