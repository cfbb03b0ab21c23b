"""What the analysis finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that is sure to fail. `line` counts from 1. `message` says what it is, and what to write instead.

    `syntax`: the code is not Python; `column`, from 1, says where in the line, if that is known.
    """

    line: int
    message: str
    syntax: bool = False
    column: int = 0
