"""Derives programs from others by small changes to their syntax trees. All are valid Python, but may do anything.

A mutant counts its steps, so an endless one stops after the same number of steps in any Python. Its annotations are
strings, because versions of Python differ in when they evaluate annotations.
"""

import ast
import contextlib
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from pydantic import JsonValue

_MAX_CHANGES = 3
_INPUT_CHANGE_PROBABILITY = 0.3
_PRELUDE = """
from __future__ import annotations
class OutOfSteps(BaseException): pass
def _step(remaining=[20_000]):
    remaining[0] -= 1
    if remaining[0] < 0:
        raise OutOfSteps
"""
_OPERATORS: list[type[ast.operator]] = [ast.Add, ast.Sub, ast.FloorDiv, ast.Mod, ast.BitAnd, ast.BitOr, ast.BitXor]
_COMPARISONS: list[type[ast.cmpop]] = [ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.Is]
_METHODS = ["upper", "lower", "strip", "split", "title", "items", "keys", "values", "append", "extend", "sort", "count"]
_ERRORS = ["ValueError", "KeyError", "TypeError", "IndexError", "Exception", "ZeroDivisionError", "RuntimeError"]

Change = Callable[[], None]


@dataclass(frozen=True)
class Source:
    """A program and its input."""

    code: str
    input: JsonValue


def mutate(source: Source, random: Random) -> Source:
    """Returns the program with up to three changes, and in some cases with a change to its input."""
    while True:
        with contextlib.suppress(SyntaxError, ValueError):  # if the tree cannot be written as code
            code = _mutate_code(source.code, random)
            compile(code, "mutant", "exec")
            break
    value = copy.deepcopy(source.input)
    return Source(code, _other_value(value, random) if random.random() < _INPUT_CHANGE_PROBABILITY else value)


def _mutate_code(code: str, random: Random) -> str:
    tree = ast.parse(code)
    for _ in range(random.randint(1, _MAX_CHANGES)):
        if changes := list(_changes(tree, random)):
            random.choice(changes)()
    for node in ast.walk(tree):
        if isinstance(node, ast.While | ast.For | ast.AsyncFor | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body.insert(_after_docstring(node), ast.parse("_step()").body[0])
    statements = [node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")]
    tree.body = [*ast.parse(_PRELUDE).body, *statements]
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _after_docstring(node: ast.AST) -> int:
    body: list[ast.stmt] = getattr(node, "body")  # noqa: B009 - pyright does not know the attribute
    match body[0]:
        case ast.Expr(ast.Constant(str())) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return 1
        case _:
            return 0


def _changes(tree: ast.Module, random: Random) -> Iterator[Change]:
    """Yields all possible changes."""
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}) or ["run"]
    for node in ast.walk(tree):
        yield from _changes_of_value(node, random, names)
        for body in (getattr(node, field, None) for field in ("body", "orelse", "finalbody")):
            if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                yield from _changes_of_block(body, random)


def _changes_of_value(node: ast.AST, random: Random, names: list[str]) -> Iterator[Change]:
    def change(field: str, value: object) -> Change:
        return lambda: setattr(node, field, value)

    match node:
        case ast.BinOp() if not isinstance(node.op, ast.Pow):
            yield change("op", random.choice(_OPERATORS)())
            yield lambda: _swap(node, "left", "right")
        case ast.AugAssign():
            yield change("op", random.choice(_OPERATORS)())
        case ast.Compare():
            yield change("ops", [random.choice(_COMPARISONS)(), *node.ops[1:]])
        case ast.BoolOp():
            yield change("op", ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        case ast.If() | ast.While() | ast.IfExp():
            yield change("test", ast.UnaryOp(ast.Not(), node.test))
        case ast.Constant() if not isinstance(node.value, str) or len(node.value) < 200:
            yield change("value", _other_constant(node.value, random))
        case ast.Call():
            if len(node.args) > 1:
                yield change("args", random.sample(node.args, len(node.args)))
            if node.args:
                yield change("args", node.args[1:])
            if node.keywords:
                yield change("keywords", node.keywords[1:])
        case ast.Subscript(ctx=ast.Load(), slice=ast.Slice() as part):
            yield lambda: _swap(part, "lower", "upper")
        case ast.Subscript(ctx=ast.Load()):
            yield change("slice", ast.BinOp(node.slice, ast.Add(), ast.Constant(1)))
            yield change("slice", ast.Constant(random.choice([0, -1, 1, "name"])))
        case ast.Attribute() if node.attr in _METHODS:
            yield change("attr", random.choice(_METHODS))
        case ast.Name(ctx=ast.Load()):
            yield change("id", random.choice(names))
        case ast.Return() if node.value:
            yield change("value", None)
        case ast.ExceptHandler() if node.type and not isinstance(node.type, ast.Tuple):
            yield change("type", ast.Name(random.choice(_ERRORS), ast.Load()))
        case ast.comprehension() if node.ifs:
            yield change("ifs", [])
        case _:
            pass


def _changes_of_block(body: list[ast.stmt], random: Random) -> Iterator[Change]:
    at = random.randrange(len(body))
    if isinstance(body[at], ast.Import | ast.ImportFrom):
        return
    yield lambda: body.__setitem__(at, ast.Pass())
    if not isinstance(body[at], ast.FunctionDef | ast.ClassDef):
        yield lambda: body.insert(at, copy.deepcopy(body[at]))
    if at and not isinstance(body[at - 1], ast.Import | ast.ImportFrom):
        yield lambda: body.insert(at - 1, body.pop(at))


def _swap(node: ast.AST, one: str, other: str) -> None:
    first, second = getattr(node, one), getattr(node, other)
    setattr(node, one, second)
    setattr(node, other, first)


def _other_constant(value: object, random: Random) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return random.choice([value + 1, max(value - 1, 0), 0, 1, value * 2 % 10**6, value / 2])
        case str():
            return random.choice(["", value.upper(), value[::-1], value[1:], value[:2], f"{value} ", 0, None])
        case bytes():
            return value[1:]
        case _:
            return random.choice([None, 0, ""])


def _other_value(value: JsonValue, random: Random) -> JsonValue:
    """Returns the value with one part changed. An object remains an object."""
    match value:
        case dict() if value:
            key = random.choice(sorted(value))
            if random.random() < 0.15:
                return {name: value[name] for name in value if name != key}
            return {**value, key: _other_value(value[key], random)}
        case list() if value and random.random() < 0.7:
            at = random.randrange(len(value))
            return [*value[:at], _other_value(value[at], random), *value[at + 1 :]]
        case list():
            return random.choice([[*value, *value], value[1:], value[::-1], None])
        case bool() | int() | float() | str() | None:
            changed = _other_constant(value, random)
            return changed if changed is None or isinstance(changed, bool | int | float | str) else None
        case _:
            return {}
