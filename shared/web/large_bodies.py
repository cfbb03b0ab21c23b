"""Limits the memory that large request bodies take in a process.

A process serves many requests at once. The usual limit of a body keeps them small together. Where a function accepts
larger ones, for images, they need a share of a fixed amount of memory, before they are read and before their caller is
known. One address gets at most half of it, so that it cannot shut out all others.
"""

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager

from shared.models.errors import Unavailable
from shared.per_loop import per_loop
from shared.web.request_headers import HeaderIndex, get_first

MAX_BYTES = 48 * 1024 * 1024
"""The maximum size of all large bodies together. Handling one takes about five times its size."""
MAX_BYTES_PER_ADDRESS = MAX_BYTES // 2
LARGE_BYTES = 1024 * 1024
"""The size up to which a body is not counted."""


@per_loop
def _get_sizes() -> Counter[str]:
    """The sizes of the large bodies that are being handled, by the addresses that they come from."""
    return Counter()


class Reservation:
    """The memory that is counted for a request's body."""

    def __init__(self, sizes: Counter[str], address: str, size: int) -> None:
        self._sizes = sizes
        self._address = address
        self._size = 0
        self._count(size)

    def shrink(self, size: int) -> None:
        """Counts the body with the size that it has turned out to have, or not at all if it is not large."""
        self._count(min(self._size, size if size > LARGE_BYTES else 0))

    def _count(self, size: int) -> None:
        self._sizes[self._address] += size - self._size
        self._size = size
        if not self._sizes[self._address]:
            del self._sizes[self._address]


NOTHING_RESERVED = Reservation(Counter(), "", 0)
"""For bodies that are not large."""


@contextmanager
def reserve_memory(headers: HeaderIndex, limit: int, find_address: Callable[[], str]) -> Generator[Reservation]:
    """Counts a request's body during the block. `limit`: the size up to which it would be read, in bytes.

    `find_address`: returns where it comes from, and is called for a large body only.

    A body whose size is not known in advance counts as much as it may have, until it has been read. Raises
    `Unavailable` if there is no memory left for it, or for its address.
    """
    size = _predict_size(headers, limit)
    if size <= LARGE_BYTES:
        yield NOTHING_RESERVED
        return
    sizes, address = _get_sizes(), find_address()
    if sizes.total() + size > MAX_BYTES or sizes[address] + size > MAX_BYTES_PER_ADDRESS:
        raise Unavailable("Too many large requests are being handled right now. Send this one again.", retry_after=5)
    reservation = Reservation(sizes, address, size)
    try:
        yield reservation
    finally:
        reservation.shrink(0)


def _predict_size(headers: HeaderIndex, limit: int) -> int:
    declared = get_first(headers, b"content-length")
    if get_first(headers, b"content-encoding") or b"transfer-encoding" in headers:
        return limit
    return min(int(declared[:20]), limit) if declared.isdecimal() else 0
