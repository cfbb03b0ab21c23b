"""A look at agent code before it runs: what the engine cannot run, found in the syntax tree, and a way around it."""

import ast
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`line` counts from 1. `message` tells what it is, and what to write instead."""

    line: int
    message: str


def look(code: str) -> list[Finding]:
    """What will not run, in the order of the lines; empty if nothing was found."""
    try:
        ast.parse(code)
    except SyntaxError as error:
        return [Finding(error.lineno or 1, f"This is not Python: {error.msg}.")]
    return []
