"""Analyzes the syntax tree of agent code before it runs: finds code that is certain to fail, and suggests alternatives.

Other errors appear only during the run. Code with findings is not run at all, because it would stop halfway through.
"""

import ast
import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from shared.sandbox.analysis.awaits import find_missing_awaits
from shared.sandbox.analysis.findings import Finding
from shared.sandbox.analysis.names import find_unavailable_names
from shared.sandbox.analysis.source import MAX_CODE_CHARACTERS, UnparsableCode, parse_code, unwrap_code

_LONG_CODE_CHARACTERS = 20_000
"""Code that is longer is analyzed in a thread. Shorter code takes only a few hundredths of a second."""
_MAX_REMEMBERED = 1000
_NO_RUN = "The code defines no `async def run(input_dict, tools)`."
_NOT_ASYNC = "`run` must be `async def run(input_dict, tools)`."


def analyze_sync(code: str) -> list[Finding]:
    """Finds all code that is certain to fail, in the order of its lines. Takes up to a second for the longest code."""
    if len(code) > MAX_CODE_CHARACTERS:
        return [Finding(1, f"The code has {len(code)} characters; the limit is {MAX_CODE_CHARACTERS}.")]
    try:
        tree = parse_code(unwrap_code(code))
    except UnparsableCode as error:
        return [Finding(error.line, error.message, error.syntax, error.column)]
    nodes = list(ast.walk(tree))
    findings = {*find_unavailable_names(nodes), *find_missing_awaits(nodes), *_check_entry_point(tree, nodes)}
    return sorted(findings, key=lambda finding: (finding.line, finding.message))


async def analyze(code: str) -> list[Finding]:
    """Like `analyze_sync`, but analyzes long code in a thread, and remembers code without findings."""
    digest = hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
    if digest in _clean:
        _clean.move_to_end(digest)
        return []
    findings = await asyncio.to_thread(analyze_sync, code) if len(code) > _LONG_CODE_CHARACTERS else analyze_sync(code)
    if not findings:
        _clean[digest] = None
        if len(_clean) > _MAX_REMEMBERED:
            _clean.popitem(last=False)
    return findings


_clean: OrderedDict[bytes, None] = OrderedDict()
"""Digests of code without findings, the least recently used first. Saved agents run repeatedly."""


def _check_entry_point(tree: ast.Module, nodes: Sequence[ast.AST]) -> Iterator[Finding]:
    """Yields a finding if the code does not define `run` as a coroutine function."""
    for node in tree.body:
        match node:
            case ast.AsyncFunctionDef(name="run"):
                return
            case ast.FunctionDef(name="run"):
                if not node.decorator_list:
                    yield Finding(node.lineno, _NOT_ASYNC)
                return
            case ast.ImportFrom() | ast.Import() if any("run" in (alias.asname, alias.name) for alias in node.names):
                return
            case ast.Assign() if any(isinstance(target, ast.Name) and target.id == "run" for target in node.targets):
                return
            case _:
                pass
    if not any(isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name == "run" for node in nodes):
        yield Finding(1, _NO_RUN)
