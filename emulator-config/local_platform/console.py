"""What a person reads on the terminal: steps, how long they take, and problems in plain sentences."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO


class Problem(Exception):
    """Something that a person must see to.

    `what` is one sentence without its full stop; `remedy` says what to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy


def say(text: str = "") -> None:
    """One line to the terminal, at once, also when the output goes to a file."""
    _write(text, sys.stdout)


def step(text: str) -> None:
    """What is being done now."""
    say(f"· {text}")


def guarded(main: Callable[[], int]) -> int:
    """Runs `main`; a `Problem` is told in its own words (exit code 1), an interrupt in one (130). No traceback."""
    try:
        return main()
    except Problem as problem:
        _write(f"\n✗ {problem.what}.\n  {problem.remedy}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _write("\nStopped.", sys.stderr)
        return 130


def _write(text: str, stream: TextIO) -> None:
    """A terminal that was closed, or a pipe that nobody reads, is no error: what runs still has to be ended in order.

    From then on the stream leads nowhere, else what is left in its buffer would fail once more when Python ends.
    """
    try:
        print(text, file=stream, flush=True)
    except OSError:
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
