"""What a person reads on the terminal: steps, how long they take, and problems in plain sentences."""

import sys
from collections.abc import Callable
from contextlib import suppress


class Problem(Exception):
    """Something that a person must see to.

    `what` is one sentence without its full stop; `remedy` says what to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy


def say(text: str = "") -> None:
    """One line to the terminal, at once, also when the output goes to a file.

    A terminal that was closed is no error: what runs still has to be ended in order.
    """
    with suppress(OSError):
        print(text, flush=True)


def step(text: str) -> None:
    """What is being done now."""
    say(f"· {text}")


def guarded(main: Callable[[], int]) -> int:
    """Runs `main`; a `Problem` is told in its own words (exit code 1), an interrupt in one (130). No traceback."""
    try:
        return main()
    except Problem as problem:
        print(f"\n✗ {problem.what}.\n  {problem.remedy}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr, flush=True)
        return 130
