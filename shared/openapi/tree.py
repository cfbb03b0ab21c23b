"""Reading a parsed document without trust: what is not of the type that is due counts as not there.

Also follows `$ref`s, within the document only. Nothing is ever fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from shared.openapi.prose import one_line

MAX_NAME_LENGTH = 80
"""Characters of a type's name."""

_MAX_CHAIN = 50
"""References to references. Documents in use have two."""


def as_mapping(value: object) -> dict[str, object]:
    """`value` itself if it is an object, else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """`value` itself if it is a list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """`value` itself if it is text, else empty."""
    return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Resolved:
    """Where a node's `$ref`s lead. `name`: of the first of them, empty if there was none. `node` None: nowhere."""

    node: object
    name: str


class References:
    """Follows `$ref`s in one document, and remembers where they led."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self._root = root
        self._targets: dict[str, object] = {}

    def resolve(self, node: object) -> Resolved:
        """A node that is no reference is its own target."""
        name = ""
        for _ in range(_MAX_CHAIN):
            pointer = as_mapping(node).get("$ref")
            if not isinstance(pointer, str):
                return Resolved(node, name)
            node = self.target(pointer)
            name = name or reference_name(pointer, found=node is not None)
            if node is None:
                return Resolved(None, name)
        return Resolved(None, name)

    def target(self, pointer: str) -> object:
        """One step. None for what is remote, or not there."""
        if pointer not in self._targets:
            self._targets[pointer] = self._look_up(pointer)
        return self._targets[pointer]

    def _look_up(self, pointer: str) -> object:
        if pointer == "#":
            return self._root
        if not pointer.startswith("#/"):
            return None
        node: object = self._root
        for part in pointer[2:].split("/"):
            node = _step(node, part)
            if node is None:
                return None
        return node


def reference_name(pointer: str, *, found: bool = True) -> str:
    """The last part for one within the document; all of it, and that it is missing, for what leads nowhere."""
    if found:
        return one_line(_unescape(unquote(pointer[-500:].rsplit("/", 1)[-1])), MAX_NAME_LENGTH) or "#"
    return f"{one_line(pointer, MAX_NAME_LENGTH)} (not in this document)"


def _step(node: object, part: str) -> object:
    if isinstance(node, dict):
        # Percent signs are due to be decoded, but some documents have them in their keys.
        children = as_mapping(cast("object", node))
        decoded, literal = _unescape(unquote(part)), _unescape(part)
        return children.get(decoded, children.get(literal))
    if isinstance(node, list) and part.isascii() and part.isdigit() and len(part) < 7:
        items = as_list(cast("object", node))
        return items[int(part)] if int(part) < len(items) else None
    return None


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
