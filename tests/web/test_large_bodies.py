"""Large bodies share a fixed amount of memory."""

from contextlib import AbstractContextManager
from itertools import count

import pytest

from shared.models.errors import Unavailable
from shared.web.large_bodies import LARGE_BYTES, MAX_BYTES, Reservation, reserve_memory

LIMIT = MAX_BYTES // 2
_numbers = count()


def reserve(headers: dict[bytes, list[bytes]], address: str | None = None) -> AbstractContextManager[Reservation]:
    """Reserves memory for a body from this address, by default from one that no other body comes from."""
    return reserve_memory(headers, LIMIT, lambda: address or f"192.0.2.{next(_numbers)}")


async def test_large_bodies_are_refused_when_the_memory_is_used_up() -> None:
    """A body that does not fit is refused with a hint to send it again, and fits when another one has ended."""
    declared = {b"content-length": [str(LIMIT).encode()]}
    slightly_large = {b"content-length": [str(LARGE_BYTES + 1).encode()]}
    with reserve(declared), reserve(declared):
        with (
            pytest.raises(Unavailable) as raised,
            reserve(slightly_large),
        ):
            pass
        assert raised.value.retry_after
        with reserve({b"content-length": [str(LARGE_BYTES).encode()]}), reserve({}):
            pass
    with reserve(declared):
        pass


@pytest.mark.parametrize(
    "headers",
    [
        {b"transfer-encoding": [b"chunked"]},
        {b"content-length": [b"10"], b"content-encoding": [b"gzip"]},
        {b"content-length": [b"9" * 30]},
    ],
)
async def test_a_body_of_unknown_size_counts_as_the_largest(headers: dict[bytes, list[bytes]]) -> None:
    """A body without a length, or one that is compressed, may have any size up to the limit."""
    declared = {b"content-length": [str(LIMIT).encode()]}
    with (
        reserve(headers),
        reserve(declared),
        pytest.raises(Unavailable),
        reserve(headers),
    ):
        pass


async def test_a_body_counts_with_its_real_size_once_it_is_known() -> None:
    """Small bodies of unknown size do not keep the memory that large ones might have needed."""
    unknown = {b"transfer-encoding": [b"chunked"]}
    declared = {b"content-length": [str(LIMIT).encode()]}
    with reserve(unknown) as first, reserve(unknown) as second:
        first.shrink(10)
        second.shrink(LARGE_BYTES + 1)
        with reserve(declared):
            pass
        with pytest.raises(Unavailable), reserve(declared), reserve(declared):
            pass
    with reserve(declared), reserve(declared):
        pass


async def test_one_address_gets_at_most_half_of_the_memory() -> None:
    """However many large bodies come from one address, others still get memory."""
    unknown = {b"transfer-encoding": [b"chunked"]}
    with reserve(unknown, "a"):
        with pytest.raises(Unavailable), reserve(unknown, "a"):
            pass
        with reserve(unknown, "b"):
            pass
