"""Limits the memory that large request bodies take in a process.

A process serves many requests at once. The usual limit of a body keeps them small together. Where a function accepts
larger ones, for images, they need a share of a fixed amount of memory, before they are read and before their caller is
known.
"""

from collections.abc import Generator
from contextlib import contextmanager

from shared.models.errors import Unavailable
from shared.per_loop import per_loop
from shared.web.request_headers import HeaderIndex, get_first

MAX_BYTES = 48 * 1024 * 1024
"""The maximum size of all large bodies together. Handling one takes about five times its size."""
LARGE_BYTES = 1024 * 1024
"""The size up to which a body is not counted."""


class _Total:
    size = 0


@per_loop
def _get_total() -> _Total:
    return _Total()


@contextmanager
def reserve_memory(headers: HeaderIndex, limit: int) -> Generator[None]:
    """Counts a request's body during the block. `limit`: the size up to which it would be read, in bytes.

    A body whose size is not known in advance counts as much as it may have. Raises `Unavailable` if there is no memory
    left for it.
    """
    size = _predict_size(headers, limit)
    if size <= LARGE_BYTES:
        yield
        return
    total = _get_total()
    if total.size + size > MAX_BYTES:
        raise Unavailable("Too many large requests are being handled right now. Send this one again.", retry_after=5)
    total.size += size
    try:
        yield
    finally:
        total.size -= size


def _predict_size(headers: HeaderIndex, limit: int) -> int:
    declared = get_first(headers, b"content-length")
    if get_first(headers, b"content-encoding") or b"transfer-encoding" in headers:
        return limit
    return min(int(declared[:20]), limit) if declared.isdecimal() else 0
