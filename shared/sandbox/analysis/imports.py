"""Finds imports that may safely fail, because the code handles the failure or does not reach the import.

The analysis does not know any values. It therefore treats an import inside any check of the environment as guarded.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeGuard

Import = ast.Import | ast.ImportFrom | ast.Call

_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError"}
_CATCH_ALL = {"Exception", "BaseException"}
_CHECK_NAMES = {"TYPE_CHECKING", "find_spec", "version_info"}
_CHECK_MODULES = {"sys", "os", "platform"}
"""Names that are used to check the environment, and modules that contain such names (`sys.platform`, `os.name`)."""
_IMPORT_FUNCTIONS = {"import_module", "__import__"}


def list_imported_modules(node: Import) -> list[str]:
    """Returns the full names of the imported modules, without relative ones and those known only at run time."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            return [node.module] if node.module and not node.level else []
        case _:
            name_argument = next((keyword.value for keyword in node.keywords if keyword.arg == "name"), None)
            match node.args[0] if node.args else name_argument:
                case ast.Constant(value=str(name)) if not name.startswith("."):
                    return [name]
                case _:
                    return []


@dataclass
class GuardedImports:
    """The imports that may safely fail, as the ids of their nodes.

    `directly`: the imports directly inside a `try` that catches the failure. `indirectly`: all others. `modules`: the
    top-level names of the modules whose presence the code checks somewhere.
    """

    directly: set[int] = field(default_factory=set[int])
    indirectly: set[int] = field(default_factory=set[int])
    modules: set[str] = field(default_factory=set[str])

    def may_fail(self, node: Import, module: str) -> bool:
        """Whether the import of `module` may safely fail."""
        return id(node) in self.indirectly or module.split(".")[0] in self.modules


def find_guarded_imports(tree: ast.AST, is_available: Callable[[str], bool]) -> GuardedImports:
    """Finds all guarded imports of a program. `is_available`: whether a module can be imported here."""
    imports = GuardedImports()
    unguarded: list[tuple[ast.AST, str]] = []  # imports without a guard around them, and the functions they are in
    called: set[str] = set()  # functions that are called inside a guard
    waiting: list[tuple[ast.AST, bool, str]] = [(tree, False, "")]
    while waiting:
        node, guarded, function = waiting.pop()
        if is_import(node):
            if guarded:
                imports.indirectly.add(id(node))
                imports.modules.update(module.split(".")[0] for module in list_imported_modules(node))
            else:
                unguarded.append((node, function))
        match node:
            case ast.Call() if _last_name(node.func) == "find_spec":
                imports.modules.update(module.split(".")[0] for module in list_imported_modules(node))
            case ast.Call(func=ast.Name(id=name)) if guarded:
                called.add(name)
            case ast.Call(func=ast.Attribute(attr=name)) if guarded:
                called.add(name)
            case _:
                pass
        waiting.extend(_visit_children(node, guarded, function, imports, is_available))
    imports.indirectly.update(id(node) for node, function in unguarded if function in called)
    return imports


def is_import(node: ast.AST) -> TypeGuard[Import]:
    """Whether the node is an import statement, or a call that imports a module."""
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Call) and _last_name(node.func) in _IMPORT_FUNCTIONS
    )


def _visit_children(
    node: ast.AST, guarded: bool, function: str, imports: GuardedImports, is_available: Callable[[str], bool]
) -> Iterator[tuple[ast.AST, bool, str]]:
    """Yields the node's children. Each comes with whether it is guarded, and the name of the function it is in."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            inner = "" if node.name == "run" and not function else node.name
            yield from ((child, guarded, inner) for child in ast.iter_child_nodes(node))
        case ast.Try():
            catches = any(_catches(handler) for handler in node.handlers)
            if catches:
                imports.directly.update(id(part) for part in node.body if isinstance(part, ast.Import | ast.ImportFrom))
            fails = catches and any(
                not is_available(module)
                for part in node.body
                if isinstance(part, ast.Import | ast.ImportFrom)
                for module in list_imported_modules(part)
            )
            yield from ((child, guarded or catches, function) for child in node.body)
            for handler in node.handlers:
                # If all modules are available, the handler, which imports a replacement, is never reached.
                yield handler, guarded or (_catches(handler) and not fails), function
            yield from ((child, guarded or fails, function) for child in node.orelse)
            yield from ((child, guarded, function) for child in node.finalbody)
        case ast.If():
            is_conditional = guarded or _checks_environment(node.test)
            yield from ((child, is_conditional, function) for child in ast.iter_child_nodes(node))
        case ast.With() | ast.AsyncWith():
            suppresses = any(_suppresses(item.context_expr) for item in node.items)
            yield from ((child, guarded or suppresses, function) for child in ast.iter_child_nodes(node))
        case _:
            yield from ((child, guarded, function) for child in ast.iter_child_nodes(node))


def _catches(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(_find_names(handler.type) & (_IMPORT_ERRORS | _CATCH_ALL))


def _suppresses(context: ast.expr) -> bool:
    if not isinstance(context, ast.Call) or _last_name(context.func) != "suppress":
        return False
    return any(_find_names(kind) & (_IMPORT_ERRORS | _CATCH_ALL) for kind in context.args)


def _checks_environment(test: ast.expr) -> bool:
    parts = [part for part in ast.walk(test) if isinstance(part, ast.Name | ast.Attribute)]
    return isinstance(test, ast.Constant) or any(
        _last_name(part) in _CHECK_NAMES
        or (isinstance(part, ast.Attribute) and _last_name(part.value) in _CHECK_MODULES)
        for part in parts
    )


def _find_names(node: ast.expr) -> set[str]:
    return {_last_name(part) for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute)}


def _last_name(node: ast.expr) -> str:
    """Returns the last part of a dotted name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
