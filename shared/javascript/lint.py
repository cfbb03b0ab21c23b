"""Checks the JavaScript that a model wrote for a page: whether it parses, and whether all of it can work there.

This is the only module that imports tree_sitter, whose parser continues after errors and so finds all of them. The
parser also accepts code that does not work in a page's script: JSX and module syntax.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from urllib.parse import unquote

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Tree

API_BASE = "API_BASE_URL"
"""The constant that is defined for the page's script."""
_MAX_PROBLEMS = 10
_MAX_COLLECTED = 100
_MAX_STEPS = 100
_MAX_SHOWN_BYTES = 500
_DYNAMIC = "\0"
_CALL = re.compile(r"(?:https?://[^/\0]*)?(?:/api)?/rest/(?P<name>[^/?#\0]*)(?P<rest>.?)", re.DOTALL)
_STORAGE = {"localStorage", "sessionStorage", "indexedDB"}
_FUNCTIONS = {
    "function_declaration",
    "function_expression",
    "generator_function_declaration",
    "generator_function",
    "arrow_function",
    "method_definition",
    "class_static_block",
}
_UNSUPPORTED = {
    "jsx_element": "This is JSX, which browsers do not run.",
    "jsx_self_closing_element": "This is JSX, which browsers do not run.",
    "import_statement": "The page does not support modules: import does not work.",
    "export_statement": "The page does not support modules: export does not work.",
}


@dataclass(frozen=True)
class Problem:
    """`line` counts from 1. `message` is a sentence for the author of the code."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def find_problems(code: str, apis: Collection[str]) -> list[Problem]:
    """Returns the first problems, by line, that keep `code` from working in a page. `apis`: the selected deployments.

    If the code has syntax errors, only these are returned. Calls are found in literals: a string `/rest/{name}`,
    optionally after `API_BASE_URL` or a host. Names that are composed at run time are not checked.
    """
    source = code.encode(errors="replace").rstrip()
    tree = _parser().parse(source)
    problems = (
        _find_syntax_errors(tree, len(source)) if tree.root_node.has_error else _find_semantic_problems(tree, set(apis))
    )
    return sorted(dict.fromkeys(islice(problems, _MAX_COLLECTED)), key=lambda problem: problem.line)[:_MAX_PROBLEMS]


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


@dataclass(frozen=True)
class _Place:
    """A node, and its ancestors from the root down. `node.parent` would search for the parent from the root."""

    node: Node
    above: list[Node]
    in_function: bool

    @property
    def parent(self) -> Node | None:
        return self.above[-1] if self.above else None


def _places(tree: Tree) -> Iterator[_Place]:
    """Yields all nodes, in source order, at any depth. The walk changes `above`, so callers must not store it."""
    cursor = tree.walk()
    above: list[Node] = []
    functions = 0
    while True:
        node = cursor.node
        assert node is not None  # noqa: S101 - a walking cursor is at a node
        yield _Place(node, above, functions > 0)
        if cursor.goto_first_child():
            above.append(node)
            functions += node.type in _FUNCTIONS
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            functions -= above.pop().type in _FUNCTIONS


def _find_syntax_errors(tree: Tree, length: int) -> Iterator[Problem]:
    for place in _places(tree):
        node = place.node
        if node.is_missing:
            yield Problem(_line(node), f"Syntax error: {node.type!r} is missing.")
        elif node.is_error:
            shown = " ".join(_text(node)[:_MAX_SHOWN_BYTES].split())[:80]
            if node.end_byte == length and node.start_point[0] != node.end_point[0]:
                yield Problem(_line(node), f"Syntax error: the code at {shown!r} is not closed. Is the code complete?")
            else:
                yield Problem(_line(node), f"Syntax error at {shown!r}.")


def _find_semantic_problems(tree: Tree, apis: set[str]) -> Iterator[Problem]:
    for place in _places(tree):
        node, line = place.node, _line(place.node)
        match node.type:
            case "string" | "template_string":
                if (name := _called_deployment(place)) is not None and name not in apis:
                    known = ", ".join(sorted(apis)) or "none"
                    yield Problem(line, f"/rest/{name[:100]} is not among the selected APIs. They are: {known}.")
            case "identifier" | "shorthand_property_identifier_pattern" if _declares(place, API_BASE):
                yield Problem(line, f"{API_BASE} is already defined: use it without declaring it.")
            case "identifier" | "property_identifier" if _text(node) in _STORAGE and not _is_key(place):
                yield Problem(line, f"The page has no {_text(node)}: using it fails. Keep state in variables.")
            case "await_expression" if not place.in_function:
                yield Problem(line, "await only works in async functions.")
            case "return_statement" if not place.in_function:
                yield Problem(line, "return only works in functions.")
            case kind if kind in _UNSUPPORTED:
                yield Problem(line, _UNSUPPORTED[kind])
            case _:
                pass


def _line(node: Node) -> int:
    return node.start_point[0] + 1


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _declares(place: _Place, name: str) -> bool:
    node, parent = place.node, place.parent
    if parent is None or _text(node) != name:
        return False
    if node.type == "shorthand_property_identifier_pattern":
        return True
    return parent.type == "variable_declarator" and parent.child_by_field_name("name") == node


def _is_key(place: _Place) -> bool:
    """Whether it is a property of another object, as in `settings.localStorage`, and not the global one."""
    if place.parent is None or place.node.type != "property_identifier":
        return False
    owner = place.parent.child_by_field_name("object")
    return owner is None or _text(owner) not in ("window", "self", "globalThis")


def _called_deployment(place: _Place) -> str | None:
    """Returns the deployment that a literal calls.

    Returns None for other literals, and for a literal with only the beginning of the name.
    """
    match = _CALL.match(_value(place.node))
    if match is None:
        return None
    name, rest = match["name"], match["rest"]
    is_partial = rest == _DYNAMIC or (not rest and _is_continued(place))
    return None if is_partial else unquote(name)


def _value(literal: Node) -> str:
    """Returns a literal's text. `${API_BASE_URL}` is omitted, and other substitutions become `_DYNAMIC`."""
    parts: list[str] = []
    for child in literal.named_children:
        if child.type == "template_substitution":
            parts.append("" if _text(child).strip("${} \t\r\n") == API_BASE else _DYNAMIC)
        else:
            parts.append("/" if _text(child) == "\\/" else _text(child))
    return "".join(parts)


def _is_continued(place: _Place) -> bool:
    """Whether something is appended to the literal: `"/rest/" + name`."""
    node = place.node
    for parent in reversed(place.above[-_MAX_STEPS:]):
        if parent.type not in ("binary_expression", "parenthesized_expression"):
            return False
        if parent.type == "binary_expression" and parent.child_by_field_name("left") == node:
            return True
        node = parent
    return False
