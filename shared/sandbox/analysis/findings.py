"""The findings of the analysis."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Code that is certain to fail. `line` counts from 1. `message` explains the problem and suggests an alternative.

    `syntax`: whether the code is not valid Python. `column`: the error's position in the line, counted from 1; 0 if it
    is not known.
    """

    line: int
    message: str
    syntax: bool = False
    column: int = 0
