"""Checks names: finds missing modules, missing names in the service's modules, and calls that always fail."""

import ast
from collections.abc import Iterator, Sequence

from shared.sandbox.analysis.findings import Finding
from shared.sandbox.analysis.host_modules import HOST_MODULES
from shared.sandbox.analysis.imports import Import, find_guarded_imports, list_imported_modules
from shared.sandbox.analysis.module_advice import ALTERNATIVES, UNUSABLE_FUNCTIONS
from shared.sandbox.analysis.standard_library import MODULES

_MAX_PATH_PARTS = 5
_INTERACTIVE_FUNCTIONS = {"input", "breakpoint"}
_PREDEFINED_NAMES = ("json", "re", "asyncio", "math", "datetime", "httpx", "litellm")


def find_unavailable_names(nodes: Sequence[ast.AST]) -> Iterator[Finding]:
    """Finds used names that do not exist or do not work here. `nodes`: all nodes of the code's tree."""
    return _NameChecker(nodes).find_all()


class _NameChecker:
    """Checks the names that the code uses."""

    def __init__(self, nodes: Sequence[ast.AST]) -> None:
        self._nodes = nodes
        self._paths: dict[str, str] = {}  # the code's names for modules and their attributes, with the full names
        self._assigned = set(find_assigned_names(nodes))
        self._guarded = find_guarded_imports(nodes[0], is_available)
        for name in _PREDEFINED_NAMES:
            self._record(name, name)

    def _record(self, name: str, path: str) -> None:
        """Records the full name of what a name refers to, unless the code also binds it to something else."""
        if name not in self._assigned:
            self._paths[name] = path

    def find_all(self) -> Iterator[Finding]:
        for node in self._nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from self._check_import(node)
        for node in self._nodes:
            match node:
                case ast.Attribute(ctx=ast.Load()):
                    yield from self._check_attribute(node)
                case ast.Call():
                    yield from self._check_call(node)
                case _:
                    pass

    def _check_import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield Finding(node.lineno, "Relative imports do not work here: an agent is a single module.")
            return
        for alias in node.names:
            if isinstance(node, ast.Import):
                yield from self._check_module(node, alias.name)
                path = alias.name if alias.asname else alias.name.split(".")[0]
                self._record(alias.asname or path, path)
                continue
            module = node.module or ""
            yield from self._check_module(node, module)
            self._record(alias.asname or alias.name, f"{module}.{alias.name}")
            if alias.name != "*" and _lacks(module, alias.name) and id(node) not in self._guarded.directly:
                yield _make_finding(node, f"{module}.{alias.name}", f"`{module}` has no `{alias.name}` here.")

    def _check_module(self, node: Import, module: str) -> Iterator[Finding]:
        """Yields a finding if the module is missing here and the code does not handle that."""
        if is_available(module) or id(node) in self._guarded.directly or self._guarded.may_fail(node, module):
            return
        yield _make_finding(node, module, f"The module `{module}` is not available here.")

    def _check_attribute(self, node: ast.Attribute) -> Iterator[Finding]:
        path = self._resolve(node)
        owner, _, name = path.rpartition(".") if path else ("", "", "")
        if _lacks(owner, name):
            yield _make_finding(node, f"{owner}.{name}", f"`{owner}` has no `{name}` here.")

    def _check_call(self, node: ast.Call) -> Iterator[Finding]:
        if isinstance(node.func, ast.Name) and node.func.id not in self._assigned | self._paths.keys():
            name = node.func.id
            if name in _INTERACTIVE_FUNCTIONS:
                yield _make_finding(node, name, f"`{name}` is not available here.")
        path = self._resolve(node.func)
        if path in UNUSABLE_FUNCTIONS:
            yield Finding(node.lineno, f"`{path}` does not work here. {UNUSABLE_FUNCTIONS[path]}")
        if path == "importlib.import_module" or (
            isinstance(node.func, ast.Name) and node.func.id == "__import__" and "__import__" not in self._assigned
        ):
            for module in list_imported_modules(node):
                yield from self._check_module(node, module)

    def _resolve(self, node: ast.expr) -> str | None:
        """Returns the full name of an attribute of a known module or type, such as `datetime.datetime.utcnow`."""
        names: list[str] = []
        while isinstance(node, ast.Attribute) and len(names) < _MAX_PATH_PARTS:
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._paths:
            return None
        return ".".join([self._paths[node.id], *reversed(names)])


def is_available(module: str) -> bool:
    """Whether the module can be imported here. For a module inside a package, only the package is checked."""
    top = module.split(".")[0]
    return top in MODULES or top == "__future__" or any(name.split(".")[0] == top for name in HOST_MODULES)


def _lacks(module: str, name: str) -> bool:
    """Whether `module` is one of the service's modules and lacks the name."""
    if module not in HOST_MODULES or name.startswith("__"):
        return False
    return name not in HOST_MODULES[module] and f"{module}.{name}" not in HOST_MODULES


def _make_finding(node: ast.expr | ast.stmt, name: str, message: str) -> Finding:
    alternative = ALTERNATIVES.get(name) or ALTERNATIVES.get(name.split(".")[0], "")
    return Finding(node.lineno, f"{message} {alternative}".strip())


def find_assigned_names(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yields every name that the code binds anywhere, except by an import."""
    for node in nodes:
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                yield node.id
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.MatchAs() | ast.MatchStar() | ast.ExceptHandler() if node.name:
                yield node.name
            case _:
                pass
