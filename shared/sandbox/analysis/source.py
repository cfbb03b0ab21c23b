"""Reads agent code into a syntax tree, whatever it is."""

import ast
import re
import warnings

from shared.sandbox.analysis.newer_syntax import NotUnderstood, older

MAX_CODE_CHARACTERS = 200_000
_TRIES = 5
warnings.filterwarnings("ignore", message="invalid escape sequence")  # in agents' code, which is not ours to mend


class Unreadable(Exception):
    """`line` counts from 1; `message` tells why it is no code. `syntax`: for what stands there."""

    def __init__(self, line: int, message: str, syntax: bool = False, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.syntax = syntax
        self.column = column


_FENCED = re.compile(r"\s*```[ \t]*[\w+-]*[ \t]*\r?\n(.*?)\r?\n?```\s*", re.DOTALL)


def plain_code(code: str) -> str:
    """Without a byte order mark, and without a Markdown fence around all of it. Lines keep their numbers."""
    code = code.removeprefix("\ufeff")
    if code.lstrip().startswith("```") and (fenced := _FENCED.fullmatch(code)) and "```" not in fenced[1]:
        return "\n" * code.count("\n", 0, fenced.start(1)) + fenced[1]
    return code


def parsed_code(code: str) -> ast.Module:
    """Raises `Unreadable`. Up to a second for the longest code."""
    try:
        try:
            return _parsed(code)
        except SyntaxError as error:
            if (tree := _parsed_as_older(code)) is None:
                raise Unreadable(
                    error.lineno or 1, f"This is not Python: {error.msg}.", syntax=True, column=error.offset or 0
                ) from error
            return tree
    except (ValueError, MemoryError, RecursionError) as error:
        raise Unreadable(1, f"This cannot be read: {error or 'it is nested too deep'}.") from error


def _parsed_as_older(code: str) -> ast.Module | None:
    """Agents run in Python 3.14, and this process may be older. None for what is no Python at all."""
    try:
        rewritten = older(code)
        return None if rewritten == code else _parsed(rewritten)
    except (NotUnderstood, SyntaxError):
        return None


def _parsed(code: str) -> ast.Module:
    """Python 3.11 counts the depth of two trees that are made in two threads in one place, and then gives up on one
    of them (https://github.com/python/cpython/issues/106905): made again, it is made.
    """
    for _ in range(_TRIES - 1):
        try:
            return ast.parse(code)
        except SystemError:
            continue
    return ast.parse(code)
