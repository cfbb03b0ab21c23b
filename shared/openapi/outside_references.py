"""Warns users about parts of a document that are described in other documents. Nothing is fetched here."""

from typing import cast

from shared.openapi.document import Document
from shared.openapi.operations import list_operations, list_unreachable_paths
from shared.openapi.prose import one_line
from shared.openapi.tree import References

_MAX_NAME_LENGTH = 100
_VALUES = {"example", "examples", "default", "enum", "const"}
"""Keys whose values are the API's data, in which `$ref` has no special meaning."""


def describe_outside_references(document: Document) -> str | None:
    """Returns a paragraph for users, or None if the document contains everything that it refers to."""
    references = References(document.tree)
    outside = _find_outside_references(document.tree, references)
    if not outside:
        return None
    operations = list_operations(document, references)
    operations_outside = sum(1 for operation in operations if operation.missing)
    paths_outside = sum(1 for _ in list_unreachable_paths(document, references))
    parts = [
        f"{operations_outside} of {len(operations)} operations" if operations_outside else "",
        f"{paths_outside} paths" if paths_outside else "",
    ]
    missing = " and ".join(part for part in parts if part)
    problem = f"{missing} are described" if missing else f"{len(outside)} parts of it are described"
    example = one_line(outside[0], _MAX_NAME_LENGTH)
    return (
        f"This document is incomplete: {problem} elsewhere, such as in {example}, which is not fetched. A model will "
        "not know how to call them. If there is a version with everything in one document (a “bundled” one), give its "
        "address."
    )


def _find_outside_references(tree: object, references: References) -> list[str]:
    """Returns the `$ref`s that the document cannot resolve, in document order, without duplicates."""
    pointers: dict[str, None] = {}
    seen: set[int] = set()
    pending: list[object] = [tree]
    while pending:
        node = pending.pop()
        if not isinstance(node, dict | list) or id(node) in seen:
            continue
        seen.add(id(node))  # visit each node once, because aliases share nodes
        if isinstance(node, list):
            pending.extend(reversed(cast("list[object]", node)))
            continue
        fields = cast("dict[str, object]", node)
        pointer = fields.get("$ref")
        if isinstance(pointer, str) and references.target(pointer) is None:
            pointers[pointer] = None
        pending.extend(value for key, value in reversed(fields.items()) if key not in _VALUES)
    return list(pointers)
