"""Analyzes the syntax tree of agent code before it runs: finds code that is sure to fail, and suggests alternatives.

Other errors appear only during the run. Code with findings is not run at all, so that it does not stop halfway through.
"""

import ast
import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from shared.sandbox.analysis.awaits import find_missing_awaits
from shared.sandbox.analysis.findings import Finding
from shared.sandbox.analysis.names import find_unavailable_names
from shared.sandbox.analysis.source import MAX_CODE_CHARACTERS, Unreadable, parse_code, unwrap_code

_LONG_CODE = 20_000
"""In characters. Shorter code is analyzed in a few hundredths of a second."""
_MAX_REMEMBERED = 1000
_NO_RUN = "The code defines no `async def run(input_dict, tools)`."
_NO_COROUTINE = "`run` must be `async def run(input_dict, tools)`."


def analyze_sync(code: str) -> list[Finding]:
    """Returns everything that is sure to fail, ordered by line. Takes up to a second for the longest code."""
    if len(code) > MAX_CODE_CHARACTERS:
        return [Finding(1, f"The code has {len(code)} characters; at most {MAX_CODE_CHARACTERS} can be run.")]
    try:
        tree = parse_code(unwrap_code(code))
    except Unreadable as error:
        return [Finding(error.line, error.message, error.syntax, error.column)]
    nodes = list(ast.walk(tree))
    found = {*find_unavailable_names(nodes), *find_missing_awaits(nodes), *_check_entry_point(tree, nodes)}
    return sorted(found, key=lambda finding: (finding.line, finding.message))


async def analyze(code: str) -> list[Finding]:
    """Like `analyze_now`, but analyzes long code in a thread, and remembers code without findings."""
    digest = hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
    if digest in _clean:
        _clean.move_to_end(digest)
        return []
    findings = await asyncio.to_thread(analyze_sync, code) if len(code) > _LONG_CODE else analyze_sync(code)
    if not findings:
        _clean[digest] = None
        if len(_clean) > _MAX_REMEMBERED:
            _clean.popitem(last=False)
    return findings


_clean: OrderedDict[bytes, None] = OrderedDict()
"""Digests of code without findings, the least recently used first: saved agents run again and again."""


def _check_entry_point(tree: ast.Module, nodes: Sequence[ast.AST]) -> Iterator[Finding]:
    """Checks whether there is a `run` to call."""
    for node in tree.body:
        match node:
            case ast.AsyncFunctionDef(name="run"):
                return
            case ast.FunctionDef(name="run"):
                if not node.decorator_list:
                    yield Finding(node.lineno, _NO_COROUTINE)
                return
            case ast.ImportFrom() | ast.Import() if any("run" in (alias.asname, alias.name) for alias in node.names):
                return
            case ast.Assign() if any(isinstance(target, ast.Name) and target.id == "run" for target in node.targets):
                return
            case _:
                pass
    if not any(isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name == "run" for node in nodes):
        yield Finding(1, _NO_RUN)
