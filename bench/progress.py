"""Shows what is being measured, on the standard error stream, so that the table alone can be redirected."""

import sys
from collections.abc import Iterator


def say(text: str) -> None:
    """Shows a line."""
    print(text, file=sys.stderr, flush=True)


def count_rounds(rounds: int, what: str = "", *, warm_up: bool = False) -> Iterator[int]:
    """Counts the rounds, and shows each when it begins. `what`: what they measure, if there are several such things.

    They count from 0, or, with `warm_up`, from 1 after a round 0 that is not to be counted.
    """
    prefix = f"  {what}: " if what else "  "
    if warm_up:
        say(f"{prefix}warm-up")
        yield 0
    for number in range(rounds):
        say(f"{prefix}round {number + 1} of {rounds}")
        yield number + warm_up
