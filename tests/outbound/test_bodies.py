"""How much is read of what strangers send."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outbound.bodies import Budget, read_bounded
from shared.outbound.errors import BadAnswer, TooLong


async def _pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def _read(body: bytes, encoding: str | None, limit: int, size: int = 65536) -> bytes:
    return b"".join([piece async for piece in read_bounded(_pieces(body, size), encoding, Budget(limit))])


@given(
    body=st.binary(max_size=2000), size=st.integers(1, 300), packed=st.sampled_from(["", "gzip", "x-gzip", "deflate"])
)
async def test_what_fits_is_read_as_it_was_written(body: bytes, size: int, packed: str) -> None:
    """In whatever pieces it comes, packed or not."""
    sent = {"": body, "deflate": zlib.compress(body)}.get(packed, gzip.compress(body))

    assert await _read(sent, packed, max(len(body), len(sent)) + 1000 * bool(packed), size) == body


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity"])
async def test_one_byte_too_many_is_too_long(encoding: str | None) -> None:
    """The limit itself is not."""
    assert len(await _read(b"x" * 100, encoding, 100)) == 100
    with pytest.raises(TooLong, match="longer than 100 bytes"):
        await _read(b"x" * 101, encoding, 100)


async def test_a_bomb_takes_no_memory() -> None:
    """A hundred megabytes in a hundred kilobytes are not unpacked to be counted."""
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    with pytest.raises(TooLong):
        await _read(bomb, "gzip", 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000


async def test_a_stream_that_unpacks_to_nothing_is_counted_too() -> None:
    """By the bytes that came: empty blocks are legal, and may be endless."""
    packer = zlib.compressobj(wbits=31)
    blocks = packer.compress(b"") + b"".join(packer.flush(zlib.Z_SYNC_FLUSH) or b"" for _ in range(10))
    empty = blocks[:10] + b"\x00\x00\x00\xff\xff" * 1000

    with pytest.raises(TooLong):
        await _read(empty, "gzip", 1000, 100)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip;q=1", "compress", "nonsense"])
async def test_packing_that_was_not_asked_for_is_a_bad_answer(encoding: str) -> None:
    """Unpacking it twice, or by an unknown library, is how bombs grow."""
    with pytest.raises(BadAnswer):
        await _read(gzip.compress(b"hello"), encoding, 1000)


async def test_broken_packing_is_a_bad_answer() -> None:
    """Garbage, and what ends too early. Nothing at all is nothing."""
    with pytest.raises(BadAnswer):
        await _read(b"this is not gzip", "gzip", 1000)
    with pytest.raises(BadAnswer):
        await _read(gzip.compress(b"hello")[:-4], "gzip", 1000)
    assert await _read(b"", "gzip", 1000) == b""
