"""Follows JSON Pointers (RFC 6901) in the fragments of `$ref`s, within one untrusted document.

The library `referencing` is not used: it resolves references across documents, which must not be possible here. It
also indexes into strings, and raises `ValueError` or `TypeError` for pointers that do not fit a document.
"""

from collections.abc import Callable
from typing import cast
from urllib.parse import unquote

_MAX_INDEX_DIGITS = 6


def follow_pointer(document: object, reference: str) -> object:
    """What `reference` ("#", "#/a/0") leads to in `document`. Raises `LookupError` if it leads nowhere or elsewhere.

    Percent escapes are decoded before the pointer is split at its slashes, as validators do (RFC 6901, section 6).
    """
    return _follow(document, reference, unquote(reference), unescape)


def follow_written_pointer(document: object, reference: str) -> object:
    """Like `follow_pointer`, for documents that people wrote: an escaped slash belongs to a key, not between two."""
    return _follow(document, reference, reference, lambda part: unescape(unquote(part)))


def unescape(part: str) -> str:
    """Returns one part of a pointer, with its `~0` and `~1` replaced."""
    return part.replace("~1", "/").replace("~0", "~")


def _follow(document: object, reference: str, pointer: str, decode: Callable[[str], str]) -> object:
    if reference != "#" and not reference.startswith("#/"):
        raise LookupError(reference)
    node = document
    for part in pointer.split("/")[1:]:
        node = _step(node, part, decode(part))
    return node


def _step(node: object, part: str, name: str) -> object:
    if isinstance(node, dict):
        children = cast("dict[str, object]", node)
        return children[name if name in children else unescape(part)]  # some keys contain percent escapes themselves
    if isinstance(node, list) and part.isascii() and part.isdigit() and len(part) <= _MAX_INDEX_DIGITS:
        return cast("list[object]", node)[int(part)]
    raise LookupError(part)
