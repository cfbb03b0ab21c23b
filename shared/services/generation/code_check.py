"""What is wrong with code that a model wrote, although it parses and loads: seen in its syntax tree.

The engine (`Engine.load`) sees what does not load. What is seen here would first show when the agent is run.
"""

import ast
from collections.abc import Iterable, Iterator

from shared.sandbox.analysis.source import Unreadable, parsed_code

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_NOTHING = (None, ...)

NO_RUN = (
    "There is no `async def run(input_dict, tools)` at the top level. Define it there, outside of any class, and "
    "return the result from it."
)
NO_RESULT = (
    "`run` never returns a value. Do the work inside of `async def run(input_dict, tools)`, at the top level, and end "
    "it with `return` and the result, a dict by the output schema."
)
TOO_MANY_PARAMETERS = (
    "`run` is called with two arguments, and has more parameters without a default. Define it as "
    "`async def run(input_dict, tools)`."
)


def fault_of(code: str) -> str | None:
    """A sentence for the model on code whose `run` is missing, cannot be called or can give no result; None where
    there is none.

    Code that does not parse has none here: loading it tells more. A `run` that only raises, or never ends, returns no
    value either. What is assigned to the name `run` is taken as it is.
    """
    try:
        tree = parsed_code(code)
    except Unreadable:
        return None
    found: Function | None = None
    for statement in _statements(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == "run":
            found = statement
        elif "run" in _assigned(statement):
            return None
    if found is None:
        return NO_RUN
    if not found.decorator_list and _asks_for_more(found.args):
        return TOO_MANY_PARAMETERS
    return None if any(_gives_a_value(node) for node in _own(found.body)) else NO_RESULT


def _asks_for_more(parameters: ast.arguments) -> bool:
    """Than the input and the tools."""
    by_position = len(parameters.posonlyargs) + len(parameters.args) - len(parameters.defaults)
    by_name = {
        each.arg for each, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True) if not default
    }
    return by_position > 2 or bool(by_name - {"input_dict", "tools"})


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a module, and of what is nested in them but opens no scope: `if`, `try`, `with`."""
    waiting = [*body][::-1]
    while waiting:
        statement = waiting.pop()
        yield statement
        if not isinstance(statement, _SCOPES):
            inner = list(ast.iter_child_nodes(statement))
            branches = [node for node in inner if isinstance(node, ast.ExceptHandler | ast.match_case)]
            handlers = [each for branch in branches for each in branch.body]
            waiting += [*(node for node in inner if isinstance(node, ast.stmt)), *handlers][::-1]


def _assigned(statement: ast.stmt) -> set[str]:
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


def _own(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """What a function itself consists of: not what functions and classes within it do."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def _gives_a_value(node: ast.AST) -> bool:
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value in _NOTHING)
