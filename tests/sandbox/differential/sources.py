"""The programs that mutants are derived from: those in the corpus and the algorithms that run in any CPython."""

import ast
import re
from functools import cache

from tests.sandbox.differential.mutation import Source
from tests.sandbox.programs import list_names, load_cases, load_code
from tests.sandbox.test_algorithms import FOLDER, load_checks, make_case

_ENGINE_ONLY = re.compile(r"\b(http_client|httpx|litellm|call_llm|mcpc|gofannon_client|RemoteMCPClient|tools\[)")
_NOT_REPEATABLE = re.compile(
    r"\b(time|perf_counter|uuid4|uuid1|now|today|utcnow|secrets|urandom|tempfile|id)\(|\bimport tempfile|wait_for"
    r"|sleep\((?!0\))"
)
"""Matches calls that take time, and calls whose result changes from run to run."""


@cache
def load_sources() -> tuple[Source, ...]:
    """Returns the corpus's programs with their first inputs, and each function in the algorithms as a program."""
    corpus = [
        Source(load_code("corpus", name), case.input)
        for name in list_names("corpus")
        for case in load_cases(name)[:2]
        if case.cpython and not case.tools
    ]
    algorithms = [
        Source(_extract(name, program), make_case(name, program).input)
        for name in list_names(FOLDER)
        for program in load_checks(name)
    ]
    return tuple(
        source
        for source in corpus + algorithms
        if not _ENGINE_ONLY.search(source.code) and not _NOT_REPEATABLE.search(source.code)
    )


def _extract(name: str, program: str) -> str:
    """Returns one algorithm from a file of algorithms, with everything that it uses."""
    body = ast.parse(load_code(FOLDER, name)).body
    needed, waiting = set[str](), [program, "run"]
    while waiting:
        current = waiting.pop()
        needed.add(current)
        for node in body:
            if current in _defined_names(node):
                used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                waiting += used - needed
    selected = [node for node in body if not _defined_names(node) or _defined_names(node) & needed]
    return "\n".join(map(ast.unparse, selected)) + "\n"


def _defined_names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        case ast.Assign():
            return {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
        case _:
            return set()
