"""Large bodies share a fixed amount of memory."""

import pytest

from shared.models.errors import Unavailable
from shared.web.large_bodies import LARGE_BYTES, MAX_BYTES, reserve_memory

LIMIT = MAX_BYTES // 2


async def test_large_bodies_are_refused_when_the_memory_is_used_up() -> None:
    """A body that does not fit is refused with a hint to send it again, and fits when another one has ended."""
    declared = {b"content-length": [str(LIMIT).encode()]}
    slightly_large = {b"content-length": [str(LARGE_BYTES + 1).encode()]}
    with reserve_memory(declared, LIMIT), reserve_memory(declared, LIMIT):
        with (
            pytest.raises(Unavailable) as raised,
            reserve_memory(slightly_large, LIMIT),
        ):
            pass
        assert raised.value.retry_after
        with reserve_memory({b"content-length": [str(LARGE_BYTES).encode()]}, LIMIT), reserve_memory({}, LIMIT):
            pass
    with reserve_memory(declared, LIMIT):
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
        reserve_memory(headers, LIMIT),
        reserve_memory(declared, LIMIT),
        pytest.raises(Unavailable),
        reserve_memory(headers, LIMIT),
    ):
        pass


async def test_a_body_counts_with_its_real_size_once_it_is_known() -> None:
    """Small bodies of unknown size do not keep the memory that large ones might have needed."""
    unknown = {b"transfer-encoding": [b"chunked"]}
    declared = {b"content-length": [str(LIMIT).encode()]}
    with reserve_memory(unknown, LIMIT) as first, reserve_memory(unknown, LIMIT) as second:
        first.shrink(10)
        second.shrink(LARGE_BYTES + 1)
        with reserve_memory(declared, LIMIT):
            pass
        with pytest.raises(Unavailable), reserve_memory(declared, LIMIT), reserve_memory(declared, LIMIT):
            pass
    with reserve_memory(declared, LIMIT), reserve_memory(declared, LIMIT):
        pass
