"""Parses agent code into a syntax tree. The code may be any string."""

import ast
import re
import warnings

from shared.sandbox.analysis.newer_syntax import UnsupportedSyntax, to_older_syntax

MAX_CODE_CHARACTERS = 200_000
_MAX_TRIES = 5
warnings.filterwarnings("ignore", message="invalid escape sequence")  # the warnings are about agents' code


class UnparsableCode(Exception):
    """The code cannot be parsed. `message` explains the reason. `Finding` describes the other attributes."""

    def __init__(self, line: int, message: str, syntax: bool = False, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.syntax = syntax
        self.column = column


_FENCED = re.compile(r"\s*```[ \t]*[\w+-]*[ \t]*\r?\n(.*?)\r?\n?```\s*", re.DOTALL)


def unwrap_code(code: str) -> str:
    """Removes a byte order mark, and a Markdown fence around all of the code. Lines keep their numbers."""
    code = code.removeprefix("\ufeff")
    if code.lstrip().startswith("```") and (fenced := _FENCED.fullmatch(code)) and "```" not in fenced[1]:
        return "\n" * code.count("\n", 0, fenced.start(1)) + fenced[1]
    return code


def parse_code(code: str) -> ast.Module:
    """Parses the code. Raises `UnparsableCode`. Takes up to a second for the longest code."""
    try:
        try:
            return _parse(code)
        except SyntaxError as error:
            if (tree := _parse_as_older(code)) is None:
                raise UnparsableCode(
                    error.lineno or 1, f"This is not valid Python: {error.msg}.", syntax=True, column=error.offset or 0
                ) from error
            return tree
    except (ValueError, MemoryError, RecursionError) as error:
        raise UnparsableCode(1, f"The code cannot be parsed: {error or 'it is nested too deeply'}.") from error


def _parse_as_older(code: str) -> ast.Module | None:
    """Parses code for Python 3.14, which agents run in and which is newer than this process's Python.

    Returns None if the code is not valid Python.
    """
    try:
        rewritten = to_older_syntax(code)
        return None if rewritten == code else _parse(rewritten)
    except (UnsupportedSyntax, SyntaxError):
        return None


def _parse(code: str) -> ast.Module:
    """Parses code.

    Retries because of a bug in Python 3.11: threads that parse at the same time share a depth counter
    (https://github.com/python/cpython/issues/106905).
    """
    for _ in range(_MAX_TRIES - 1):
        try:
            return ast.parse(code)
        except SystemError:
            continue
    return ast.parse(code)
