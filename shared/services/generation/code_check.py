"""Finds faults in code that a model wrote, by its syntax tree.

`Engine.load` detects code that does not load. The faults that are found here would otherwise appear only when the agent
runs.
"""

import ast
from collections.abc import Iterable, Iterator

from shared.sandbox.analysis.source import UnparsableCode, parse_code

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_NOTHING = (None, ...)

NO_RUN = (
    "There is no `async def run(input_dict, tools)` at the top level. Define it there, outside of any class, and "
    "return the result from it."
)
NO_RESULT = (
    "`run` never returns a value. Do the work inside `async def run(input_dict, tools)`, at the top level, and end "
    "it with `return` and the result, a dict that fits the output schema."
)
TOO_MANY_PARAMETERS = (
    "`run` is called with two arguments, but has more parameters without a default. Define it as "
    "`async def run(input_dict, tools)`."
)


def find_fault(code: str) -> str | None:
    """Returns a message for the model if `run` is missing, cannot be called or never returns a value; otherwise None.

    Also returns None for code that does not parse, since loading it gives a better error, and for a `run` that is
    assigned or imported rather than defined. A `run` that only raises an error or never ends counts as one that never
    returns a value.
    """
    try:
        tree = parse_code(code)
    except UnparsableCode:
        return None
    run: Function | None = None
    for statement in _walk_statements(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == "run":
            run = statement
        elif "run" in _list_assigned_names(statement):
            return None
    if run is None:
        return NO_RUN
    if not run.decorator_list and _has_too_many_parameters(run.args):
        return TOO_MANY_PARAMETERS
    return None if any(_returns_a_value(node) for node in _walk_own_nodes(run.body)) else NO_RESULT


def _has_too_many_parameters(parameters: ast.arguments) -> bool:
    """Returns whether a function with these parameters needs more arguments than the input and the tools."""
    required_by_position = len(parameters.posonlyargs) + len(parameters.args) - len(parameters.defaults)
    keyword_only = zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
    required_by_name = {parameter.arg for parameter, default in keyword_only if not default}
    return required_by_position > 2 or bool(required_by_name - {"input_dict", "tools"})


def _walk_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yields a module's statements, including those nested in statements that open no scope, such as `if` or `try`."""
    stack = [*body][::-1]
    while stack:
        statement = stack.pop()
        yield statement
        if not isinstance(statement, _SCOPES):
            inner = list(ast.iter_child_nodes(statement))
            branches = [node for node in inner if isinstance(node, ast.ExceptHandler | ast.match_case)]
            in_branches = [nested for branch in branches for nested in branch.body]
            stack += [*(node for node in inner if isinstance(node, ast.stmt)), *in_branches][::-1]


def _list_assigned_names(statement: ast.stmt) -> set[str]:
    """Returns the names that the statement assigns or imports."""
    match statement:
        case ast.Assign(targets=targets):
            nodes = [node for target in targets for node in ast.walk(target)]
            return {node.id for node in nodes if isinstance(node, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}
        case _:
            return set()


def _walk_own_nodes(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Yields the nodes of a function itself, without those of functions and classes defined inside it."""
    stack: list[ast.AST] = [*body]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _SCOPES):
            stack += ast.iter_child_nodes(node)


def _returns_a_value(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value in _NOTHING)
