"""The look at names: modules that are not there, what modules of ours do not have, and calls that fail here."""

import ast
from collections.abc import Iterator, Sequence

from shared.sandbox.analysis.findings import HOST_MODULES, UNUSABLE, WAYS_AROUND, Finding
from shared.sandbox.analysis.imports import Import, modules_of, seen_to
from shared.sandbox.analysis.modules import MODULES

_LONGEST_PATH = 5
_ASKS_SOMEBODY = {"input", "breakpoint"}
_WITHOUT_IMPORT = ("json", "re", "asyncio", "math", "datetime", "httpx", "litellm")


def name_findings(nodes: Sequence[ast.AST]) -> Iterator[Finding]:
    """What the code, of whose tree these are all nodes, looks up and will not find."""
    return _Names(nodes).findings()


class _Names:
    """What the code looks up."""

    def __init__(self, nodes: Sequence[ast.AST]) -> None:
        self._nodes = nodes
        self._known: dict[str, str] = {}  # names of the code that stand for a module, or for what is taken of one
        self._own = set(_assigned(nodes))
        self._seen_to = seen_to(nodes[0], is_there)
        for name in _WITHOUT_IMPORT:
            self._know(name, name)

    def _know(self, name: str, path: str) -> None:
        """A name that the code gives to something else, too, is nothing we know."""
        if name not in self._own:
            self._known[name] = path

    def findings(self) -> Iterator[Finding]:
        for node in self._nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from self._imported(node)
        for node in self._nodes:
            match node:
                case ast.Attribute(ctx=ast.Load()):
                    yield from self._attribute(node)
                case ast.Call():
                    yield from self._call(node)
                case _:
                    pass

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield Finding(node.lineno, "There is nothing to import from relatively.")
            return
        for alias in node.names:
            if isinstance(node, ast.Import):
                yield from self._missing(node, alias.name)
                path = alias.name if alias.asname else alias.name.split(".")[0]
                self._know(alias.asname or path, path)
                continue
            module = node.module or ""
            yield from self._missing(node, module)
            self._know(alias.asname or alias.name, f"{module}.{alias.name}")
            if alias.name != "*" and _lacks(module, alias.name) and id(node) not in self._seen_to.exactly:
                yield _finding(node, f"{module}.{alias.name}", f"`{module}` has no `{alias.name}` here.")

    def _missing(self, node: Import, module: str) -> Iterator[Finding]:
        """Where the code does not see to that."""
        if is_there(module) or id(node) in self._seen_to.exactly or self._seen_to.is_harmless(node, module):
            return
        yield _finding(node, module, f"There is no module `{module}` here.")

    def _attribute(self, node: ast.Attribute) -> Iterator[Finding]:
        path = self._path(node)
        owner, _, name = path.rpartition(".") if path else ("", "", "")
        if _lacks(owner, name):
            yield _finding(node, f"{owner}.{name}", f"`{owner}` has no `{name}` here.")

    def _call(self, node: ast.Call) -> Iterator[Finding]:
        if isinstance(node.func, ast.Name) and node.func.id not in self._own | self._known.keys():
            name = node.func.id
            if name in _ASKS_SOMEBODY:
                yield _finding(node, name, f"There is no `{name}` here.")
        path = self._path(node.func)
        if path in UNUSABLE:
            yield Finding(node.lineno, f"`{path}` does not work here. {UNUSABLE[path]}")
        if path == "importlib.import_module" or (
            isinstance(node.func, ast.Name) and node.func.id == "__import__" and "__import__" not in self._own
        ):
            for module in modules_of(node):
                yield from self._missing(node, module)

    def _path(self, node: ast.expr) -> str | None:
        """`datetime.datetime.utcnow` for an attribute of a module or a type that the code knows."""
        names: list[str] = []
        while isinstance(node, ast.Attribute) and len(names) < _LONGEST_PATH:
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._known:
            return None
        return ".".join([self._known[node.id], *reversed(names)])


def is_there(module: str) -> bool:
    """Whether it can be imported, or is inside a package that can: what such a package holds is not looked into."""
    top = module.split(".")[0]
    return top in MODULES or top == "__future__" or any(name.split(".")[0] == top for name in HOST_MODULES)


def _lacks(module: str, name: str) -> bool:
    """Whether a module of ours does not have the name."""
    if module not in HOST_MODULES or name.startswith("__"):
        return False
    return name not in HOST_MODULES[module] and f"{module}.{name}" not in HOST_MODULES


def _finding(node: ast.expr | ast.stmt, name: str, message: str) -> Finding:
    way = WAYS_AROUND.get(name) or WAYS_AROUND.get(name.split(".")[0], "")
    return Finding(node.lineno, f"{message} {way}".strip())


def _assigned(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Every name that the code gives to something, anywhere, but by an import."""
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
