"""Parses agent code into a syntax tree. The code may be any text."""

import ast
import re
import warnings

from shared.sandbox.analysis.newer_syntax import NotUnderstood, to_older_syntax

MAX_CODE_CHARACTERS = 200_000
_MAX_TRIES = 5
warnings.filterwarnings("ignore", message="invalid escape sequence")  # agents' code, not ours


class Unreadable(Exception):
    """The code cannot be parsed. `message` explains why. For the other attributes, see `Finding`."""

    def __init__(self, line: int, message: str, syntax: bool = False, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.syntax = syntax
        self.column = column


_FENCED = re.compile(r"\s*```[ \t]*[\w+-]*[ \t]*\r?\n(.*?)\r?\n?```\s*", re.DOTALL)


def unwrap_code(code: str) -> str:
    """Returns the code without a byte order mark and a Markdown fence around all of it. Lines keep their numbers."""
    code = code.removeprefix("\ufeff")
    if code.lstrip().startswith("```") and (fenced := _FENCED.fullmatch(code)) and "```" not in fenced[1]:
        return "\n" * code.count("\n", 0, fenced.start(1)) + fenced[1]
    return code


def parse_code(code: str) -> ast.Module:
    """Parses the code. Raises `Unreadable`. Takes up to a second for the longest code."""
    try:
        try:
            return _parse(code)
        except SyntaxError as error:
            if (tree := _parse_as_older(code)) is None:
                raise Unreadable(
                    error.lineno or 1, f"This is not Python: {error.msg}.", syntax=True, column=error.offset or 0
                ) from error
            return tree
    except (ValueError, MemoryError, RecursionError) as error:
        raise Unreadable(1, f"The code cannot be parsed: {error or 'it is nested too deeply'}.") from error


def _parse_as_older(code: str) -> ast.Module | None:
    """Parses syntax that this process's Python is too old for: agents run in Python 3.14. None if it is not Python."""
    try:
        rewritten = to_older_syntax(code)
        return None if rewritten == code else _parse(rewritten)
    except (NotUnderstood, SyntaxError):
        return None


def _parse(code: str) -> ast.Module:
    """Parses code, and retries because of a bug in Python 3.11: threads that parse at the same time share a depth
    counter (https://github.com/python/cpython/issues/106905).
    """
    for _ in range(_MAX_TRIES - 1):
        try:
            return ast.parse(code)
        except SystemError:
            continue
    return ast.parse(code)
