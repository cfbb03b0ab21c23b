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


class Reservation:
    """The memory that is counted for a request's body."""

    def __init__(self, total: _Total, size: int) -> None:
        self._total = total
        self._size = size
        total.size += size

    def shrink(self, size: int) -> None:
        """Counts the body with the size that it has turned out to have, or not at all if it is not large."""
        size = min(self._size, size if size > LARGE_BYTES else 0)
        self._total.size -= self._size - size
        self._size = size


@contextmanager
def reserve_memory(headers: HeaderIndex, limit: int) -> Generator[Reservation]:
    """Counts a request's body during the block. `limit`: the size up to which it would be read, in bytes.

    A body whose size is not known in advance counts as much as it may have, until it has been read. Raises
    `Unavailable` if there is no memory left for it.
    """
    size, total = _predict_size(headers, limit), _get_total()
    if size <= LARGE_BYTES:
        size = 0
    elif total.size + size > MAX_BYTES:
        raise Unavailable("Too many large requests are being handled right now. Send this one again.", retry_after=5)
    reservation = Reservation(total, size)
    try:
        yield reservation
    finally:
        reservation.shrink(0)


def _predict_size(headers: HeaderIndex, limit: int) -> int:
    declared = get_first(headers, b"content-length")
    if get_first(headers, b"content-encoding") or b"transfer-encoding" in headers:
        return limit
    return min(int(declared[:20]), limit) if declared.isdecimal() else 0
