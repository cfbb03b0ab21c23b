"""`read_bounded` limits how much of a third-party server's response is read."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outbound.bodies import Budget, read_bounded
from shared.outbound.errors import BadResponse, TooLong


async def _pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def _read(body: bytes, encoding: str | None, limit: int, size: int = 65536) -> bytes:
    return b"".join([piece async for piece in read_bounded(_pieces(body, size), encoding, Budget(limit))])


@given(
    body=st.binary(max_size=2000), size=st.integers(1, 300), encoding=st.sampled_from(["", "gzip", "x-gzip", "deflate"])
)
async def test_a_body_within_the_limit_is_read_unchanged(body: bytes, size: int, encoding: str) -> None:
    """A body within the limit is read unchanged, compressed or not, in pieces of any size."""
    sent = {"": body, "deflate": zlib.compress(body)}.get(encoding, gzip.compress(body))

    assert await _read(sent, encoding, max(len(body), len(sent)) + 1000 * bool(encoding), size) == body


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity"])
async def test_a_body_with_one_byte_too_many_is_refused(encoding: str | None) -> None:
    """A body of exactly the maximum length is read. A body with one more byte is too long."""
    assert len(await _read(b"x" * 100, encoding, 100)) == 100
    with pytest.raises(TooLong, match="longer than 100 bytes"):
        await _read(b"x" * 101, encoding, 100)


async def test_a_compression_bomb_is_not_decompressed_completely() -> None:
    """A body that expands to a hundred megabytes is refused without being decompressed completely."""
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    with pytest.raises(TooLong):
        await _read(bomb, "gzip", 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000


async def test_a_stream_that_decompresses_to_nothing_is_limited() -> None:
    """Received bytes count toward the limit, because a stream of empty blocks is valid and may be endless."""
    packer = zlib.compressobj(wbits=31)
    blocks = packer.compress(b"") + b"".join(packer.flush(zlib.Z_SYNC_FLUSH) or b"" for _ in range(10))
    empty = blocks[:10] + b"\x00\x00\x00\xff\xff" * 1000

    with pytest.raises(TooLong):
        await _read(empty, "gzip", 1000, 100)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip;q=1", "compress", "nonsense"])
async def test_an_encoding_that_was_not_requested_is_refused(encoding: str) -> None:
    """Nested and unknown encodings are refused, because compression bombs use them."""
    with pytest.raises(BadResponse):
        await _read(gzip.compress(b"hello"), encoding, 1000)


async def test_invalid_compression_is_refused() -> None:
    """Invalid or truncated compressed data is refused. An empty body is accepted."""
    with pytest.raises(BadResponse):
        await _read(b"this is not gzip", "gzip", 1000)
    with pytest.raises(BadResponse):
        await _read(gzip.compress(b"hello")[:-4], "gzip", 1000)
    assert await _read(b"", "gzip", 1000) == b""
