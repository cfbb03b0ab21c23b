"""Finds the imports of a program that may fail without harm: the code handles the failure, or does not reach them.

The analysis knows no values. So an import below any check of the surroundings counts as guarded.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeGuard

Import = ast.Import | ast.ImportFrom | ast.Call

_FAILURES = {"ImportError", "ModuleNotFoundError"}
_CATCH_ALL = {"Exception", "BaseException"}
_SURROUNDINGS = {"TYPE_CHECKING", "find_spec", "version_info"}
_SURROUNDINGS_MODULES = {"sys", "os", "platform"}
"""Names in a condition that checks where the code runs; and modules, as in `sys.platform` or `os.name`."""
_BY_NAME = {"import_module", "__import__"}


def imported_modules(node: Import) -> list[str]:
    """The full names of the imported modules; empty if they are relative, or known only when the code runs."""
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
class GuardedImports:
    """`exactly`: ids of the imports whose failure a `try` right around them catches. `loosely`: ids of all others that
    may fail without harm. `modules`: top names of modules that the code checks for somewhere.
    """

    exactly: set[int] = field(default_factory=set[int])
    loosely: set[int] = field(default_factory=set[int])
    modules: set[str] = field(default_factory=set[str])

    def is_harmless(self, node: Import, module: str) -> bool:
        """Whether the import of `module` may fail without harm."""
        return id(node) in self.loosely or module.split(".")[0] in self.modules


def find_guarded_imports(tree: ast.AST, is_there: Callable[[str], bool]) -> GuardedImports:
    """`is_there`: tells whether a module can be imported here."""
    found = GuardedImports()
    inside: list[tuple[ast.AST, str]] = []  # imports that are not guarded where they stand, with their function
    called: set[str] = set()  # functions called where a failed import is caught
    waiting: list[tuple[ast.AST, bool, str]] = [(tree, False, "")]
    while waiting:
        node, guarded, function = waiting.pop()
        if is_import(node):
            if guarded:
                found.loosely.add(id(node))
                found.modules.update(module.split(".")[0] for module in imported_modules(node))
            else:
                inside.append((node, function))
        match node:
            case ast.Call() if _name(node.func) == "find_spec":
                found.modules.update(module.split(".")[0] for module in imported_modules(node))
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
    """Whether the node is an import statement, or a call that does the same."""
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Call) and _name(node.func) in _BY_NAME
    )


def _children(
    node: ast.AST, guarded: bool, function: str, found: GuardedImports, is_there: Callable[[str], bool]
) -> Iterator[tuple[ast.AST, bool, str]]:
    """The children, each with whether it is guarded, and the function that it is in."""
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
                for module in imported_modules(part)
            )
            yield from ((child, guarded or catches, function) for child in node.body)
            for handler in node.handlers:
                # The replacement of a module that can be imported is not reached.
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
        _name(part) in _SURROUNDINGS or (isinstance(part, ast.Attribute) and _name(part.value) in _SURROUNDINGS_MODULES)
        for part in parts
    )


def _names(node: ast.expr) -> set[str]:
    return {_name(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)}


def _name(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
