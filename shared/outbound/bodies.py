"""Reads and decompresses the response bodies of untrusted servers, up to a limit.

The HTTP libraries can also decompress, but only a whole chunk at a time, and 64 KB may expand to gigabytes.
"""

import zlib
from collections.abc import AsyncIterable, AsyncIterator

from shared.outbound.errors import BadResponse, TooLong

ACCEPT_ENCODING = "gzip, deflate"
_DETECT_FORMAT = zlib.MAX_WBITS | 32
"""Makes zlib detect whether the data is in gzip or zlib format."""


class Budget:
    """The number of bytes that may still be read, across any number of responses."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.remaining = limit

    def take(self, size: int) -> None:
        """Counts `size` bytes. Raises `TooLong` if the total exceeds the limit."""
        self.remaining -= size
        if self.remaining < 0:
            raise TooLong(f"The response is longer than {self.limit} bytes.")


async def read_bounded(chunks: AsyncIterable[bytes], encoding: str | None, budget: Budget) -> AsyncIterator[bytes]:
    """Decompresses `chunks` and yields the result. `encoding`: the response's Content-Encoding.

    The larger of a chunk's compressed and decompressed sizes counts. Raises `TooLong` before the memory is used, and
    `BadResponse` if the compression was not requested or the data is corrupt.
    """
    match (encoding or "").strip().lower():
        case "" | "identity":
            async for chunk in chunks:
                budget.take(len(chunk))
                yield chunk
        case "gzip" | "x-gzip" | "deflate":
            async for chunk in _inflate(chunks, budget):
                yield chunk
        case _:
            raise BadResponse("The response is compressed in a way that was not requested.")


async def _inflate(chunks: AsyncIterable[bytes], budget: Budget) -> AsyncIterator[bytes]:
    decompressor, began = zlib.decompressobj(_DETECT_FORMAT), False
    async for chunk in chunks:
        began = began or bool(chunk)
        try:
            decompressed = decompressor.decompress(chunk, budget.remaining + 1)
        except zlib.error as error:
            raise BadResponse("The compressed response is corrupt.") from error
        budget.take(max(len(chunk), len(decompressed)))
        yield decompressed
    if began and not decompressor.eof:
        raise BadResponse("The compressed response is incomplete.")
