"""Reads a parsed document without trusting it: a value of the wrong type counts as missing.

Also follows `$ref`s within the document. Nothing is ever fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from shared.json_pointers import follow_written_pointer, unescape
from shared.openapi.prose import one_line

MAX_NAME_LENGTH = 80
"""The maximum length of a type's name, in characters."""

_MAX_CHAIN = 50
"""The maximum length of a chain of references. Real documents have at most two in a row."""


def as_mapping(value: object) -> dict[str, object]:
    """Returns `value` if it is an object, otherwise an empty object."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Returns `value` if it is a list, otherwise an empty list."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Returns `value` if it is a string, otherwise an empty string."""
    return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Target:
    """The target of a node's `$ref`s. `name`: the name of the first `$ref`, or empty. `node`: None if unresolvable."""

    node: object
    name: str


class References:
    """Follows `$ref`s in one document, and caches their targets."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self._root = root
        self._targets: dict[str, object] = {}

    def resolve(self, node: object) -> Target:
        """Follows the node's `$ref`s to the end. A node that is not a reference is its own target."""
        name = ""
        for _ in range(_MAX_CHAIN):
            pointer = as_mapping(node).get("$ref")
            if not isinstance(pointer, str):
                return Target(node, name)
            node = self.target(pointer)
            name = name or reference_name(pointer, found=node is not None)
            if node is None:
                return Target(None, name)
        return Target(None, name)

    def target(self, pointer: str) -> object:
        """Follows one `$ref`. Returns None if it leads outside of the document, or has no target."""
        if pointer not in self._targets:
            try:
                self._targets[pointer] = follow_written_pointer(self._root, pointer)
            except LookupError:
                self._targets[pointer] = None
        return self._targets[pointer]


def reference_name(pointer: str, *, found: bool = True) -> str:
    """Returns the last part of a pointer. An unresolvable pointer is returned whole, with a note."""
    if found:
        return one_line(unescape(unquote(pointer[-500:].rsplit("/", 1)[-1])), MAX_NAME_LENGTH) or "#"
    return f"{one_line(pointer, MAX_NAME_LENGTH)} (not in this document)"
