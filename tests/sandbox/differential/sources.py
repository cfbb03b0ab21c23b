"""The programs that mutants are made of: those of the corpus and of the algorithms that any CPython runs."""

import ast
import re
from functools import cache

from tests.sandbox.differential.mutation import Source
from tests.sandbox.programs import cases_of, code_of, names
from tests.sandbox.test_algorithms import FOLDER, case_of, checks_of

_OF_THE_ENGINE = re.compile(r"\b(http_client|httpx|litellm|call_llm|mcpc|gofannon_client|RemoteMCPClient|tools\[)")
_WAITS_OR_ASKS = re.compile(
    r"\b(time|perf_counter|uuid4|uuid1|now|today|utcnow|secrets|urandom|tempfile|id)\(|\bimport tempfile|wait_for"
    r"|sleep\((?!0\))"
)
"""What takes time, or is not the same twice."""


@cache
def sources() -> tuple[Source, ...]:
    """Each with its first input: of the corpus by program, of the algorithms by function, with what that needs."""
    of_the_corpus = [
        Source(code_of("corpus", name), case.input)
        for name in names("corpus")
        for case in cases_of(name)[:2]
        if case.cpython and not case.tools
    ]
    of_algorithms = [
        Source(_alone(name, program), case_of(name, program).input)
        for name in names(FOLDER)
        for program in checks_of(name)
    ]
    both = of_the_corpus + of_algorithms
    return tuple(one for one in both if not _OF_THE_ENGINE.search(one.code) and not _WAITS_OR_ASKS.search(one.code))


def _alone(name: str, program: str) -> str:
    """A file of algorithms, of which only one, and what it uses, is left."""
    body = ast.parse(code_of(FOLDER, name)).body
    needed, waiting = set[str](), [program, "run"]
    while waiting:
        wanted = waiting.pop()
        needed.add(wanted)
        for node in body:
            if wanted in _defined(node):
                used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                waiting += used - needed
    kept = [node for node in body if not _defined(node) or _defined(node) & needed]
    return "\n".join(map(ast.unparse, kept)) + "\n"


def _defined(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        case ast.Assign():
            return {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
        case _:
            return set()
