"""Shows what is being measured, on the standard error stream, so that the table alone can be redirected."""

import sys
from collections.abc import Iterator


def say(text: str) -> None:
    """Shows a line."""
    print(text, file=sys.stderr, flush=True)


def count_rounds(rounds: int) -> Iterator[int]:
    """Counts from 0, and shows each round when it begins."""
    for number in range(rounds):
        say(f"  round {number + 1} of {rounds}")
        yield number
