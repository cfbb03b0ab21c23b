"""Finds calls that must be awaited but are not: the most common mistake in agent code."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from shared.sandbox.analysis.findings import Finding
from shared.sandbox.analysis.names import find_assigned_names

_FUNCTIONS = {"call_llm", "ask"}
_METHODS = {
    "litellm": {"acompletion"},
    "http_client": {"get", "post", "put", "patch", "delete", "head", "options", "request"},
    "gofannon_client": {"call"},
}


def find_missing_awaits(nodes: Sequence[ast.AST]) -> Iterator[Finding]:
    """Finds calls without `await` whose result is used immediately, or never. `nodes`: all nodes of the code's tree."""
    parents = {id(child): node for node in nodes for child in ast.iter_child_nodes(node)}
    uses: defaultdict[str, list[ast.Name]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Name):
            uses[node.id].append(node)
    functions = _FUNCTIONS.difference(find_assigned_names(nodes), _find_renamed_imports(nodes))
    clients = _find_clients(nodes, uses)
    for node in nodes:
        if (
            isinstance(node, ast.Call)
            and (name := _name_awaitable(node, functions, clients))
            and _is_misused(node, uses, parents)
        ):
            yield Finding(node.lineno, f"`{name}(…)` must be awaited. Put `await` before it.")


def _find_renamed_imports(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yields the names that the code gives to what it imports. `from services.llm_service import call_llm` is none."""
    for node in nodes:
        if isinstance(node, ast.alias) and node.asname is not None:
            yield node.asname


def _find_clients(nodes: Sequence[ast.AST], uses: Mapping[str, list[ast.Name]]) -> set[str]:
    """Returns the names that are bound only to HTTP clients, by `client = httpx.AsyncClient()` or by `with`."""
    bound: defaultdict[str, int] = defaultdict(int)
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=callee)) if _is_client(callee):
                bound[name] += 1
            case ast.withitem(context_expr=ast.Call(func=callee), optional_vars=ast.Name(id=name)) if _is_client(
                callee
            ):
                bound[name] += 1
            case ast.arg(arg=name):
                bound[name] -= 1
            case _:
                pass
    return {name for name in bound if bound[name] == sum(isinstance(use.ctx, ast.Store) for use in uses[name])}


def _is_client(callee: ast.expr) -> bool:
    match callee:
        case ast.Attribute(value=ast.Name(id="httpx"), attr="AsyncClient") | ast.Name(id="AsyncClient"):
            return True
        case _:
            return False


def _name_awaitable(node: ast.Call, functions: set[str], clients: set[str]) -> str | None:
    """Returns the name of the called function if the call must be awaited.

    `functions`: those that the code has not replaced by its own of the same name.
    """
    match node.func:
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in clients and name in _METHODS["http_client"]:
            return f"{owner}.{name}"
        case ast.Name(id=name) if name in functions:
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in _METHODS.get(owner, ()):
            return f"{owner}.{name}"
        case ast.Attribute(value=ast.Subscript(value=ast.Name(id="mcpc")), attr="call" | "list_tools" as name):
            return f"mcpc[…].{name}"
        case _:
            return None


def _is_misused(node: ast.Call, uses: Mapping[str, list[ast.Name]], parents: dict[int, ast.AST]) -> bool:
    """Whether the call's result is used without `await`, or not at all.

    A call that may be awaited later, such as an item of a list for `asyncio.gather`, is not misused.
    """
    match parents.get(id(node)):
        case ast.Attribute() | ast.Subscript(value=ast.Call()) | ast.Expr():
            return True
        case ast.Compare() | ast.FormattedValue() | ast.UnaryOp() | ast.If() | ast.While():
            return True
        case ast.Assign(targets=[ast.Tuple()]):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            loads = [use for use in uses[name] if isinstance(use.ctx, ast.Load)]
            stored_once = len(uses[name]) - len(loads) == 1
            return stored_once and bool(loads) and all(_is_used_as_value(use, parents) for use in loads)
        case _:
            return False


def _is_used_as_value(use: ast.Name, parents: dict[int, ast.AST]) -> bool:
    parent = parents.get(id(use))
    return isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Subscript) and parent.value is use)
