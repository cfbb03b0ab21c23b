"""A look at agent code before it runs: what the fast engine cannot run, found in the syntax tree, and a way around it.

Only what is sure to fail when it is reached is found; what a look cannot know shows itself in the run.
"""

import ast
import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.models.agent import EngineName
from shared.sandbox.inspection.awaits import await_findings
from shared.sandbox.inspection.findings import Finding
from shared.sandbox.inspection.names import name_findings
from shared.sandbox.inspection.source import MAX_CODE_CHARACTERS, Unreadable, parsed_code

_LONG_CODE = 20_000
"""Characters: a few hundredths of a second."""
_BY_POSITION = "await run(_input_dict, _tools)"
_NO_RUN = "The code defines no `async def run(input_dict, tools)`, which is what is called."
_SPECIAL = frozenset(
    (
        *("__lt__", "__le__", "__gt__", "__ge__", "__ne__", "__len__", "__bool__", "__format__", "__reversed__"),
        *("__getattr__", "__setattr__", "__new__", "__iadd__", "__await__", "__aenter__", "__aiter__", "__anext__"),
    )
)
"""Methods of own classes that the engine does not call."""


@dataclass(frozen=True)
class Looked:
    """`findings`: what will not run, in the order of the lines. `entry`: how `run` is called, with our two names."""

    findings: list[Finding]
    entry: str = _BY_POSITION

    @property
    def faults(self) -> list[Finding]:
        """What no engine runs."""
        return [finding for finding in self.findings if finding.everywhere]

    @property
    def engine(self) -> EngineName:
        """Which one runs the code. In doubt the full one, which runs all that the fast one does.

        Faults say nothing of it: code that has them is not run.
        """
        return "full" if self.why else "fast"

    @property
    def why(self) -> str | None:
        """Why it is the full one."""
        first = next((finding for finding in self.findings if not finding.everywhere), None)
        return first.why_full if first else None


def look(code: str) -> list[Finding]:
    """What will not run, in the order of the lines; empty if nothing was found."""
    return looked_at(code).findings


def looked_at(code: str) -> Looked:
    """The whole of the look. Up to a second for the longest code."""
    if len(code) > MAX_CODE_CHARACTERS:
        message = f"The code has {len(code)} characters; at most {MAX_CODE_CHARACTERS} can be run."
        return Looked([Finding(1, message, everywhere=True)])
    try:
        source = parsed_code(code)
    except Unreadable as error:
        return Looked([Finding(error.line, error.message, syntax=True, everywhere=not error.syntax)])
    tree = source.tree
    nodes = list(ast.walk(tree))
    newer = [] if source.newer is None else [Finding(source.newer, "Syntax newer than Python 3.11 does not run here.")]
    found = {*newer, *_constructs(nodes), *name_findings(nodes), *await_findings(nodes), *_entry(tree, nodes)}
    return Looked(sorted(found, key=lambda finding: (finding.line, finding.message)), _entry_call(tree))


async def looked_at_soon(code: str) -> Looked:
    """The same; of long code beside the event loop."""
    return await asyncio.to_thread(looked_at, code) if len(code) > _LONG_CODE else looked_at(code)


def _entry_call(tree: ast.Module) -> str:
    """By name where `run` has the names of the contract, else by position."""
    run = next(
        (node for node in reversed(tree.body) if isinstance(node, ast.AsyncFunctionDef) and node.name == "run"), None
    )
    if run is None:
        return _BY_POSITION
    names = [argument.arg for argument in (*run.args.posonlyargs, *run.args.args, *run.args.kwonlyargs)]
    if "input_dict" in names and "tools" in names and not run.args.posonlyargs:
        return "await run(input_dict=_input_dict, tools=_tools)"
    if run.args.vararg is None and len(names) < 2:
        return f"await run({', '.join(['_input_dict'] * len(names))})"
    return _BY_POSITION


def _entry(tree: ast.Module, nodes: Sequence[ast.AST]) -> Iterator[Finding]:
    """Whether there is a `run` to call."""
    for node in tree.body:
        match node:
            case ast.AsyncFunctionDef(name="run"):
                return
            case ast.FunctionDef(name="run"):
                yield Finding(
                    node.lineno,
                    "`run` must be `async def run(input_dict, tools)`.",
                    everywhere=not node.decorator_list,
                )
                return
            case ast.ImportFrom() | ast.Import() if any("run" in (alias.asname, alias.name) for alias in node.names):
                return
            case ast.Assign() if any(isinstance(target, ast.Name) and target.id == "run" for target in node.targets):
                return
            case _:
                pass
    inner = any(isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name == "run" for node in nodes)
    yield Finding(1, _NO_RUN, everywhere=not inner)


def _constructs(nodes: Sequence[ast.AST]) -> Iterator[Finding]:
    """Syntax that the engine does not have."""
    for node in nodes:
        match node:
            case ast.ClassDef():
                yield from _in_class(node)
            case ast.Yield() | ast.YieldFrom():
                yield Finding(node.lineno, "Generators (`yield`) do not run here. Collect the items in a list.")
            case ast.AsyncWith():
                yield Finding(
                    node.lineno,
                    "`async with` does not run here. Write `client = httpx.AsyncClient()`; it needs no end.",
                )
            case ast.AsyncFor():
                yield Finding(node.lineno, "`async for` does not run here. Await a list, and use `for`.")
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() if any(
                part.is_async for part in node.generators
            ):
                yield Finding(node.lineno, "Comprehensions with `async for` do not run here. Use a loop.")
            case ast.Delete():
                yield Finding(node.lineno, "`del` does not run here. Use `.pop(...)`, or leave it out.")
            case ast.TryStar():
                yield Finding(node.lineno, "`except*` does not run here. Use `except`.")
            case ast.ImportFrom() if node.level:
                yield Finding(node.lineno, "There is nothing to import from relatively.", everywhere=True)
            case ast.ImportFrom() if any(alias.name == "*" for alias in node.names):
                yield Finding(node.lineno, "`import *` does not run here. Name what you import.")
            case ast.BinOp(op=ast.MatMult()):
                yield Finding(node.lineno, "Matrices (`@`) are not there.")
            case _:
                if type(node).__name__ == "TypeAlias":
                    yield Finding(getattr(node, "lineno", 1), "`type X = …` does not run here. Leave it out.")


def _in_class(node: ast.ClassDef) -> Iterator[Finding]:
    if node.bases or node.keywords:
        yield Finding(
            node.lineno,
            f"Class `{node.name}` has a base, which does not run here. Write it without one; for an error of your own, "
            "raise `RuntimeError` or `ValueError`.",
        )
    for part in node.body:
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if part.decorator_list:
                    yield Finding(
                        part.lineno,
                        f"Decorated methods (`{part.name}`) do not run here. Use plain methods or functions.",
                    )
                if part.name in _SPECIAL:
                    yield Finding(part.lineno, f"`{part.name}` is not called here. Use a method with a name.")
            case ast.ClassDef():
                yield Finding(part.lineno, f"Class `{part.name}` is inside another, which does not run here.")
            case _:
                pass
