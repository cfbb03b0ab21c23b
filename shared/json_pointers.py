"""Follows JSON Pointers (RFC 6901) in the fragments of `$ref`s, within one untrusted document.

The library `referencing` is not used: it resolves references across documents, which must not be possible here. It
also indexes into strings, and raises `ValueError` or `TypeError` for pointers that do not fit a document.
"""

from typing import cast
from urllib.parse import unquote

_MAX_INDEX_DIGITS = 6


def follow_pointer(document: object, reference: str) -> object:
    """Returns the target of `reference`, such as "#/a/0". Raises `LookupError` if it has no target in `document`."""
    start, *parts = reference.split("/")
    if start != "#":
        raise LookupError(reference)
    node = document
    for part in parts:
        node = _step(node, part)
    return node


def unescape(part: str) -> str:
    """Returns one part of a pointer, with its `~0` and `~1` replaced."""
    return part.replace("~1", "/").replace("~0", "~")


def _step(node: object, part: str) -> object:
    if isinstance(node, dict):
        # Percent escapes should be decoded, but some documents have them in their keys.
        children = cast("dict[str, object]", node)
        decoded = unescape(unquote(part))
        return children[decoded if decoded in children else unescape(part)]
    if isinstance(node, list) and part.isascii() and part.isdigit() and len(part) <= _MAX_INDEX_DIGITS:
        return cast("list[object]", node)[int(part)]
    raise LookupError(part)
