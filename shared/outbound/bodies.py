"""Reads bodies from untrusted servers: decompressed, and never more than the limit.

The HTTP libraries decompress too, but a whole piece at a time, and 64 KB may become gigabytes.
"""

import zlib
from collections.abc import AsyncIterable, AsyncIterator

from shared.outbound.errors import BadAnswer, TooLong

ACCEPT_ENCODING = "gzip, deflate"
_EITHER = zlib.MAX_WBITS | 32
"""zlib detects which of the two it is."""


class Budget:
    """How many bytes may still be read, over any number of answers."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.left = limit

    def take(self, size: int) -> None:
        """Count `size` bytes. Raises `TooLong` if that exceeds the limit."""
        self.left -= size
        if self.left < 0:
            raise TooLong(f"The answer is longer than {self.limit} bytes.")


async def read_bounded(pieces: AsyncIterable[bytes], encoding: str | None, budget: Budget) -> AsyncIterator[bytes]:
    """Yield `pieces` decompressed. `encoding`: the answer's Content-Encoding.

    Compressed and decompressed sizes both count. Raises `TooLong` before the memory is used, and `BadAnswer` for a
    compression that was not requested or is broken.
    """
    match (encoding or "").strip().lower():
        case "" | "identity":
            async for piece in pieces:
                budget.take(len(piece))
                yield piece
        case "gzip" | "x-gzip" | "deflate":
            async for piece in _inflate(pieces, budget):
                yield piece
        case _:
            raise BadAnswer("The answer is compressed in a way that was not requested.")


async def _inflate(pieces: AsyncIterable[bytes], budget: Budget) -> AsyncIterator[bytes]:
    inflate, began = zlib.decompressobj(_EITHER), False
    async for piece in pieces:
        began = began or bool(piece)
        try:
            grown = inflate.decompress(piece, budget.left + 1)
        except zlib.error as error:
            raise BadAnswer("The answer's compression is broken.") from error
        budget.take(max(len(piece), len(grown)))
        yield grown
    if began and not inflate.eof:
        raise BadAnswer("The answer ended too early.")
