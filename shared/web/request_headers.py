"""Reads a request's headers once, for all parts of the web layer that need some of them.

ASGI passes names in lower case. Starlette's own `Headers` searches the whole list for each name.
"""

from collections.abc import Sequence

from starlette.types import Scope

HeaderIndex = dict[bytes, list[bytes]]
"""The values of each header, in the order in which they were sent."""


def index_headers(scope: Scope) -> HeaderIndex:
    """Returns the request's headers by name."""
    index: HeaderIndex = {}
    for name, value in scope["headers"]:
        if name in index:
            index[name].append(value)
        else:
            index[name] = [value]
    return index


def get_all(index: HeaderIndex, name: bytes) -> Sequence[str]:
    """Returns all values of the header."""
    return [value.decode("latin-1") for value in index.get(name, ())]


def get_first(index: HeaderIndex, name: bytes) -> str:
    """Returns the header's first value, or an empty string."""
    values = index.get(name)
    return values[0].decode("latin-1") if values else ""
