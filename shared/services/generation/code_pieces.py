"""Assembles code that a model gave in several pieces: the helpers that `run` uses, then the piece with `run`."""

import ast
from collections.abc import Sequence

from shared.sandbox.analysis.source import UnparsableCode, parse_code

MAX_PIECES = 50
"""The maximum number of pieces. It bounds the work, since each piece is parsed and compared with the others."""


def add_helpers(main: str, others: Sequence[str]) -> str:
    """Puts before `main` the pieces among `others` that define names which `main` uses but does not define.

    Keeps their order. Leaves out a piece that does not parse, or that defines `run` because it is another version or an
    example. Ignores pieces beyond the first `MAX_PIECES`.
    """
    others = others[:MAX_PIECES]
    undefined, known = _find_names(main)
    undefined -= known
    chosen: set[int] = set()
    pieces = [(number, *_find_names(other)) for number, other in enumerate(others)]
    while helpers := [
        (number, used, defined)
        for number, used, defined in pieces
        if number not in chosen and defined & undefined and "run" not in defined
    ]:
        number, used, defined = helpers[0]
        chosen.add(number)
        known |= defined
        undefined = (undefined | used) - known
    return "\n\n\n".join([*(others[number].strip("\n") for number in sorted(chosen)), main])


def _find_names(code: str) -> tuple[set[str], set[str]]:
    """Returns the names that the code reads, and those that it defines at the top level. Both are empty if it does not
    parse.
    """
    try:
        tree = parse_code(code)
    except UnparsableCode:
        return set(), set()
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    defined: set[str] = set()
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                defined.add(name)
            case ast.Assign() | ast.AnnAssign():
                defined |= {
                    node.id
                    for node in ast.walk(statement)
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
                }
            case _:
                pass
    return used, defined
