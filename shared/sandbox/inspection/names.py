"""The look at names: modules, what is taken of them, built-in names and types that the fast engine does not have."""

import ast
from collections.abc import Iterator, Sequence

from shared.sandbox.inspection.findings import FULL_HOST_MODULES, HOST_MODULES, WAYS_AROUND, Finding
from shared.sandbox.inspection.imports import Import, modules_of, seen_to
from shared.sandbox.inspection.surface import Surface, full_modules, surface

_LONGEST_PATH = 5
_ASKS_SOMEBODY = {"input", "breakpoint"}


def name_findings(nodes: Sequence[ast.AST]) -> Iterator[Finding]:
    """What the code, of whose tree these are all nodes, looks up and will not find."""
    return _Names(nodes, surface()).findings()


class _Names:
    """What the code looks up: modules, what it takes of them, built-in names and types."""

    def __init__(self, nodes: Sequence[ast.AST], there: Surface) -> None:
        self._nodes = nodes
        self._there = there
        self._offered = {**there.modules, **HOST_MODULES}
        self._known: dict[str, str] = {}  # names of the code that stand for a module or for a type of one
        self._own = set(_bound(nodes))
        self._seen_to = seen_to(nodes[0], _is_anywhere)
        handlers = [node for node in nodes if isinstance(node, ast.ExceptHandler)]
        self._caught_types = {id(part) for node in handlers if node.type for part in ast.walk(node.type)}
        self._caught_names = {node.name for node in handlers if node.name} - set(_assigned(nodes))
        self._called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        for name in ("json", "re", "asyncio", "math", "datetime", "httpx", "litellm"):
            self._know(name, name)

    def _know(self, name: str, path: str) -> None:
        """A name that the code gives to something else, too, is nothing we know."""
        if name not in self._own:
            self._known[name] = path

    def findings(self) -> Iterator[Finding]:
        for node in self._nodes:
            if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in self._seen_to.exactly:
                yield from self._imported(node)
        for node in self._nodes:
            match node:
                case ast.Name(ctx=ast.Load()):
                    yield from self._name(node)
                case ast.Attribute(ctx=ast.Load()):
                    yield from self._attribute(node)
                case ast.Call():
                    yield from self._call(node)
                case ast.ExceptHandler():
                    yield from self._caught(node)
                case _:
                    pass

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[Finding]:
        for alias in node.names:
            module = alias.name if isinstance(node, ast.Import) else node.module or ""
            if module == "__future__" or (isinstance(node, ast.ImportFrom) and (node.level or alias.name == "*")):
                continue
            if isinstance(node, ast.Import):
                if not self._is_module(module):
                    yield self._no_module(node, module)
                path = module if alias.asname else module.split(".")[0]
                self._know(alias.asname or path, path)
                continue
            inner = f"{module}.{alias.name}"
            if self._is_module(inner):
                self._know(alias.asname or alias.name, inner)
            elif module not in self._offered:
                yield self._no_module(node, module)
                self._know(alias.asname or alias.name, inner)
            elif alias.name not in self._offered[module]:
                yield self._finding(
                    node, inner, f"`{module}` has no `{alias.name}` here.", everywhere=_nowhere(module, alias.name)
                )
            else:
                self._know(alias.asname or alias.name, inner)

    def _imported_by_name(self, node: ast.Call) -> Iterator[Finding]:
        yield Finding(node.lineno, "Modules cannot be imported by name here. Write `import`.")
        for module in modules_of(node):
            if not self._is_module(module):
                yield self._no_module(node, module)

    def _is_module(self, path: str) -> bool:
        return any(name == path or name.startswith(f"{path}.") for name in self._offered)

    def _name(self, node: ast.Name) -> Iterator[Finding]:
        if node.id in self._there.missing_builtins and node.id not in self._own:
            yield self._finding(node, node.id, f"There is no `{node.id}` here.", everywhere=node.id in _ASKS_SOMEBODY)

    def _attribute(self, node: ast.Attribute) -> Iterator[Finding]:
        if isinstance(node.value, ast.Call) and self._path(node.value.func) == "uuid.uuid4" and node.attr == "hex":
            yield self._finding(node, "uuid.uuid4().hex", "`uuid4()` has no `hex` here.")
        if node.attr == "__class__" and isinstance(node.value, ast.Name) and node.value.id in self._caught_names:
            name = node.value.id
            yield Finding(node.lineno, f"`{name}.__class__` is not there. Write `type({name})`.")
        if node.attr in ("__cause__", "__context__") and isinstance(node.value, ast.Name):
            yield Finding(node.lineno, f"`{node.value.id}.{node.attr}` is not there.")
        path = self._path(node)
        if path is None or id(node) in self._caught_types:
            return
        owner, _, name = path.rpartition(".")
        if owner in self._offered and not self._is_module(path):
            if name not in self._offered[owner]:
                yield self._finding(node, path, f"`{owner}` has no `{name}` here.", everywhere=_nowhere(owner, name))
        elif owner in self._there.missing and not name.startswith("_"):
            if name in self._there.missing[owner]:
                yield self._finding(node, path, f"`{owner}.{name}` is not there.", "Call it on a value.")
            elif id(node) not in self._called:
                yield self._finding(node, path, f"`{owner}.{name}` can only be called here.", "Use a lambda.")

    def _path(self, node: ast.expr) -> str | None:
        """`datetime.datetime.utcnow` for an attribute of a module or a type that the code knows."""
        names: list[str] = []
        while isinstance(node, ast.Attribute) and len(names) < _LONGEST_PATH:
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        start = self._known.get(node.id)
        if start is None and node.id in self._there.missing and node.id not in self._own:
            start = node.id
        return None if start is None else ".".join([start, *reversed(names)])

    def _call(self, node: ast.Call) -> Iterator[Finding]:
        path = self._path(node.func)
        if path == "importlib.import_module" or (
            isinstance(node.func, ast.Name) and node.func.id == "__import__" and "__import__" not in self._own
        ):
            yield from self._imported_by_name(node)
        keywords = {keyword.arg for keyword in node.keywords}
        match path:
            case "asyncio.gather" if "return_exceptions" in keywords:
                yield Finding(
                    node.lineno, "`gather` takes no `return_exceptions` here. Catch what may fail in each coroutine."
                )
            case "json.dumps" | "json.dump" if keywords & {"default", "cls"}:
                yield Finding(node.lineno, "`json.dumps` takes no `default` here. Turn the values into JSON's first.")
            case "re.sub" if len(node.args) > 1 and isinstance(node.args[1], ast.Lambda):
                yield Finding(node.lineno, "`re.sub` takes no function here. Use `re.finditer` and join the parts.")
            case _:
                pass
        if (
            isinstance(node.func, ast.Name)
            and node.func.id == "next"
            and "next" not in self._own
            and node.args
            and isinstance(node.args[0], ast.GeneratorExp)
        ):
            yield Finding(
                node.lineno, "`next` of a generator expression does not run here. Write `next(iter([…]), default)`."
            )

    def _caught(self, node: ast.ExceptHandler) -> Iterator[Finding]:
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        for kind in kinds:
            path = self._path(kind) or ""
            if path.split(".")[0] in ("httpx", "litellm"):
                yield Finding(
                    kind.lineno,
                    f"`except {path}` does not run here. Catch `TimeoutError`, `OSError` (no connection), "
                    "or `Exception` (a status of 400 and above).",
                    everywhere=_nowhere(*path.rpartition(".")[::2]),
                )

    def _no_module(self, node: Import, module: str) -> Finding:
        """Where it is in no engine, and the code does not see to that, nothing is to be run."""
        nowhere = not _is_anywhere(module) and not self._seen_to.is_harmless(node, module)
        return self._finding(node, module, f"There is no module `{module}` here.", everywhere=nowhere)

    @staticmethod
    def _finding(
        node: ast.expr | ast.stmt, name: str, message: str, otherwise: str = "", everywhere: bool = False
    ) -> Finding:
        way = WAYS_AROUND.get(name) or WAYS_AROUND.get(name.split(".")[0], otherwise)
        return Finding(node.lineno, f"{message} {way}".strip(), everywhere=everywhere)


def _is_anywhere(module: str) -> bool:
    """Whether an engine has it, or a package of its name."""
    top = module.split(".")[0]
    return top in full_modules() or any(name.split(".")[0] == top for name in FULL_HOST_MODULES)


def _nowhere(module: str, name: str) -> bool:
    """Whether a module of ours, in the full engine, too, lacks the name."""
    return module in FULL_HOST_MODULES and name not in FULL_HOST_MODULES[module]


def _bound(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Every name that the code gives to something, anywhere, but by an import."""
    yield from _assigned(nodes)
    for node in nodes:
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _assigned(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The same, but by `except … as`, too."""
    for node in nodes:
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                yield node.id
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.MatchAs() | ast.MatchStar() if node.name:
                yield node.name
            case _:
                pass
