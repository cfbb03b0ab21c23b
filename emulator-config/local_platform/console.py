"""Writes to the user's terminal: steps, and problems in plain sentences."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO


class Problem(Exception):
    """A problem that the user must fix.

    `what` is a sentence without the period at its end. `remedy` tells the user what to do about the problem.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy


def say(text: str = "") -> None:
    """Writes a line to the terminal immediately, even if the output goes to a file."""
    _write(text, sys.stdout)


def step(text: str) -> None:
    """Reports the step that begins now."""
    say(f"· {text}")


def run_main(main: Callable[[], int]) -> int:
    """Runs `main` and returns its exit code. A `Problem` (1) or an interrupt (130) is shown without a traceback."""
    try:
        return main()
    except Problem as problem:
        _write(f"\n✗ {problem.what}.\n  {problem.remedy}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _write("\nStopped.", sys.stderr)
        return 130


def _write(text: str, stream: TextIO) -> None:
    """Writes a line. Ignores a closed terminal or pipe, because the running processes must still be stopped in order.

    After a failure, the stream is redirected to /dev/null. Otherwise, flushing its buffer at exit would fail again.
    """
    try:
        print(text, file=stream, flush=True)
    except OSError:
        with suppress(OSError):
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())
            os.close(devnull)
