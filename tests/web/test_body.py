"""Bodies are received completely, however they arrive."""

import asyncio

from starlette.types import Message

from shared.web.body import read_body
from tests.growth import grows_linearly


def receive_in_parts(body: str) -> bytes:
    """Reads a body that arrives one byte at a time, with an empty part at its end."""
    parts = iter([byte.encode() for byte in body])

    async def receive() -> Message:
        part = next(parts, b"")
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    headers = {b"transfer-encoding": [b"chunked"]}
    return asyncio.run(read_body({"type": "http", "headers": []}, headers, receive, 10**6))


def test_a_body_in_many_parts_is_joined() -> None:
    """The parts are joined in their order. A body without parts is empty."""
    assert receive_in_parts("0123456789") == b"0123456789"
    assert receive_in_parts("") == b""


def test_the_time_to_join_parts_grows_linearly() -> None:
    """A body that arrives in tiny parts does not take longer per byte than a short one."""
    assert grows_linearly(receive_in_parts, "x".__mul__, 100_000)
