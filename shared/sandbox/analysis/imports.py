"""Which imports of a program may fail without harm, because the code sees to it, or are not reached here.

A look knows no values. So whatever asks for its surroundings before it imports counts as seen to.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeGuard

Import = ast.Import | ast.ImportFrom | ast.Call

_FAILURES = {"ImportError", "ModuleNotFoundError"}
_CATCH_ALL = {"Exception", "BaseException"}
_SURROUNDINGS = {"TYPE_CHECKING", "find_spec", "version_info"}
_TELL_OF_THEM = {"sys", "os", "platform"}
"""Names in a condition that say that it asks where the code runs; and modules, as in `sys.platform` or `os.name`."""
_BY_NAME = {"import_module", "__import__"}


def modules_of(node: Import) -> list[str]:
    """What it imports, by full names; empty for what is relative, or is known only when it runs."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            return [node.module] if node.module and not node.level else []
        case _:
            named = next((keyword.value for keyword in node.keywords if keyword.arg == "name"), None)
            match node.args[0] if node.args else named:
                case ast.Constant(value=str(name)) if not name.startswith("."):
                    return [name]
                case _:
                    return []


@dataclass
class SeenTo:
    """`exactly`: ids of the imports whose failure a `try` right around them catches. `loosely`: of all others that
    the code sees to; `modules`: tops of those it has asked for somewhere.
    """

    exactly: set[int] = field(default_factory=set[int])
    loosely: set[int] = field(default_factory=set[int])
    modules: set[str] = field(default_factory=set[str])

    def is_harmless(self, node: Import, module: str) -> bool:
        return id(node) in self.loosely or module.split(".")[0] in self.modules


def seen_to(tree: ast.AST, is_there: Callable[[str], bool]) -> SeenTo:
    """`is_there`: whether a module is there."""
    found = SeenTo()
    inside: list[tuple[ast.AST, str]] = []  # imports that are not seen to where they stand, with their function
    called: set[str] = set()  # functions that are called where a failure to import is caught
    waiting: list[tuple[ast.AST, bool, str]] = [(tree, False, "")]
    while waiting:
        node, guarded, function = waiting.pop()
        if is_import(node):
            if guarded:
                found.loosely.add(id(node))
                found.modules.update(module.split(".")[0] for module in modules_of(node))
            else:
                inside.append((node, function))
        match node:
            case ast.Call() if _name(node.func) == "find_spec":
                found.modules.update(module.split(".")[0] for module in modules_of(node))
            case ast.Call(func=ast.Name(id=name)) if guarded:
                called.add(name)
            case ast.Call(func=ast.Attribute(attr=name)) if guarded:
                called.add(name)
            case _:
                pass
        waiting.extend(_children(node, guarded, function, found, is_there))
    found.loosely.update(id(node) for node, function in inside if function in called)
    return found


def is_import(node: ast.AST) -> TypeGuard[Import]:
    """A statement, or a call that does the same."""
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Call) and _name(node.func) in _BY_NAME
    )


def _children(
    node: ast.AST, guarded: bool, function: str, found: SeenTo, is_there: Callable[[str], bool]
) -> Iterator[tuple[ast.AST, bool, str]]:
    """With whether they are seen to, and the function that they are in."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            inner = "" if node.name == "run" and not function else node.name
            yield from ((child, guarded, inner) for child in ast.iter_child_nodes(node))
        case ast.Try():
            catches = any(_catches(handler) for handler in node.handlers)
            if catches:
                found.exactly.update(id(part) for part in node.body if isinstance(part, ast.Import | ast.ImportFrom))
            fails = catches and any(
                not is_there(module)
                for part in node.body
                if isinstance(part, ast.Import | ast.ImportFrom)
                for module in modules_of(part)
            )
            yield from ((child, guarded or catches, function) for child in node.body)
            for handler in node.handlers:
                # What stands in for a module that is there is not reached.
                yield handler, guarded or (_catches(handler) and not fails), function
            yield from ((child, guarded or fails, function) for child in node.orelse)
            yield from ((child, guarded, function) for child in node.finalbody)
        case ast.If():
            depends = guarded or _asks_for_surroundings(node.test)
            yield from ((child, depends, function) for child in ast.iter_child_nodes(node))
        case ast.With() | ast.AsyncWith():
            suppresses = any(_suppresses(item.context_expr) for item in node.items)
            yield from ((child, guarded or suppresses, function) for child in ast.iter_child_nodes(node))
        case _:
            yield from ((child, guarded, function) for child in ast.iter_child_nodes(node))


def _catches(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(_names(handler.type) & (_FAILURES | _CATCH_ALL))


def _suppresses(context: ast.expr) -> bool:
    if not isinstance(context, ast.Call) or _name(context.func) != "suppress":
        return False
    return any(_names(kind) & (_FAILURES | _CATCH_ALL) for kind in context.args)


def _asks_for_surroundings(test: ast.expr) -> bool:
    parts = [part for part in ast.walk(test) if isinstance(part, ast.Name | ast.Attribute)]
    return isinstance(test, ast.Constant) or any(
        _name(part) in _SURROUNDINGS or (isinstance(part, ast.Attribute) and _name(part.value) in _TELL_OF_THEM)
        for part in parts
    )


def _names(node: ast.expr) -> set[str]:
    return {_name(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)}


def _name(node: ast.expr) -> str:
    """Its own, whatever it is taken of."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
