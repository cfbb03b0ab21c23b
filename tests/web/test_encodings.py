"""Tests request bodies that are compressed, or in an encoding other than UTF-8."""

import contextlib
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st

from shared.models.wire import JsonObject
from shared.settings import Settings
from shared.web import StrictJsonRoute, create_app
from shared.web.encodings import MAX_MEMBERS, to_utf8

router = APIRouter(route_class=StrictJsonRoute)
LIMIT = 10_000
PAYLOAD = {"name": "Zoë 😀", "n": [1, 2.5, None]}
TEXT = json.dumps(PAYLOAD, ensure_ascii=False)
GZIPPED = gzip.compress(TEXT.encode(), mtime=0)


@router.post("/things")
async def make(thing: JsonObject) -> JsonObject:
    return thing


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("things", router, Settings(max_body_bytes=LIMIT))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def send(
    client: httpx.AsyncClient, body: bytes, encoding: str = "", content_type: str = "application/json"
) -> Any:
    headers = {"Content-Type": content_type, **({"Content-Encoding": encoding} if encoding else {})}
    return await client.post("/things", content=body, headers=headers)


READABLE_BODIES = {
    "utf-8": TEXT.encode(),
    "utf-8 with a byte order mark": TEXT.encode("utf-8-sig"),
    "utf-16 with a byte order mark": TEXT.encode("utf-16"),
    "utf-16, little-endian": TEXT.encode("utf-16-le"),
    "utf-16, big-endian": TEXT.encode("utf-16-be"),
    "utf-32 with a byte order mark": TEXT.encode("utf-32"),
    "utf-32, big-endian": TEXT.encode("utf-32-be"),
}


@pytest.mark.parametrize("body", READABLE_BODIES.values(), ids=READABLE_BODIES.keys())
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-16"])
async def test_any_unicode_encoding_is_read(client: httpx.AsyncClient, body: bytes, content_type: str) -> None:
    """UTF-8, UTF-16 and UTF-32 are accepted, because Windows tools and spreadsheets write them."""
    response = await send(client, body, content_type=content_type)
    assert response.status_code == 200, response.text
    assert response.json() == PAYLOAD


@pytest.mark.parametrize("body", READABLE_BODIES.values(), ids=READABLE_BODIES.keys())
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "deflate", "identity"])
async def test_a_compressed_body_is_read(client: httpx.AsyncClient, body: bytes, encoding: str) -> None:
    """A body is decompressed according to its `Content-Encoding`."""
    compress = {"deflate": zlib.compress, "identity": bytes}.get(encoding, gzip.compress)
    response = await send(client, compress(body), encoding)
    assert response.status_code == 200, response.text
    assert response.json() == PAYLOAD


async def test_a_gzip_stream_with_several_members_is_one_body(client: httpx.AsyncClient) -> None:
    """A stream with several members, such as `cat a.gz b.gz` produces, is decompressed completely."""
    half = len(TEXT) // 2
    body = gzip.compress(TEXT[:half].encode()) + gzip.compress(TEXT[half:].encode())
    assert (await send(client, body, "gzip")).json() == PAYLOAD


async def test_a_gzip_stream_with_too_many_members_is_refused(client: httpx.AsyncClient) -> None:
    """The number of members is limited. Decompressing each copies the rest of the stream, so thousands of empty members
    would block other requests."""
    empty, full = gzip.compress(b""), gzip.compress(TEXT.encode())
    assert (await send(client, empty * (MAX_MEMBERS - 1) + full, "gzip")).json() == PAYLOAD
    response = await send(client, empty * MAX_MEMBERS + full, "gzip")
    assert response.status_code == 422
    assert f"at most {MAX_MEMBERS} parts" in response.json()["detail"][0]["msg"]


UNREADABLE_BODIES = [
    (GZIPPED, "", "gzip"),
    (b"\x28\xb5\x2f\xfd\x04\x00", "", "zstd"),
    (TEXT.encode(), "gzip", "gzip"),
    (GZIPPED[:-12], "gzip", "gzip"),
    (GZIPPED + b"more", "gzip", "gzip"),
    (b"\x00" * 20, "deflate", "deflate"),
    (TEXT.encode(), "br", "'br'"),
    (TEXT.encode(), "zstd", "'zstd'"),
    (gzip.compress(GZIPPED, mtime=0), "gzip, gzip", "'gzip, gzip'"),
    (TEXT.encode(), "x" * 5000, "Content-Encoding"),
    ('{"name": "Zoë"}'.encode("latin-1"), "", "UTF-8"),
    ('{"name": "Zoë"}'.encode("cp037"), "", ""),
    (b'{"name": "\xed\xa0\x80"}', "", "UTF-8"),
    (TEXT.encode("utf-16")[:-1], "", "UTF-16"),
    (b"\xff\xfe{\x00\x00\xd8", "", "UTF-16"),
    (b"\xef\xbb\xbf", "", ""),
    (b"\x00\x00\x00\x00", "", ""),
]


@pytest.mark.parametrize(("body", "encoding", "expected_text"), UNREADABLE_BODIES)
async def test_the_error_for_an_unreadable_body_names_the_encoding(
    client: httpx.AsyncClient, body: bytes, encoding: str, expected_text: str
) -> None:
    """A body that cannot be read gets a 422 that names the encoding that is invalid or missing."""
    response = await send(client, body, encoding)
    assert response.status_code == 422, response.text
    (problem,) = response.json()["detail"]
    assert problem["loc"][0] == "body"
    assert expected_text in problem["msg"]
    assert len(problem["msg"]) < 300


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
async def test_a_decompression_bomb_is_413(client: httpx.AsyncClient, compress: Any) -> None:
    """A body of a few kilobytes that contains a hundred megabytes is not decompressed beyond the limit."""
    encoding = "gzip" if compress is gzip.compress else "deflate"
    for body in (compress(b" " * 100_000_000)[: LIMIT - 1], compress(b'"' + b"x" * LIMIT + b'"'), compress(b" ") * 300):
        response = await send(client, body, encoding)
        assert response.status_code in (413, 422)
        assert set(response.json()) == {"detail"}
    exact = json.dumps({"x": "y" * (LIMIT - 9)}).encode()
    assert len(exact) == LIMIT
    assert (await send(client, compress(exact), encoding)).status_code == 200
    assert (await send(client, compress(exact + b" "), encoding)).status_code == 413


@given(st.binary(max_size=60))
def test_no_bytes_cause_an_internal_error(body: bytes) -> None:
    """Any bytes are either converted, or refused with a `ValueError`."""
    with contextlib.suppress(ValueError):
        assert isinstance(to_utf8(body), bytes)


UNUSUAL_JSON = [
    (b'{"a": 1, "a": 2}', 200),
    (b'{"a": "\\u0000"}', 200),
    (b'{"a": "\x00"}', 422),
    (b"[" * 9000, 422),
    (b'{"a":' * 1500 + b"1" + b"}" * 1500, 422),
    (b'{"a": 1' + b"0" * 5000 + b"}", 422),
    (b'{"a": -1e999}', 422),
    (b'{"a": 1' + b"0" * 220 + b"e99}", 422),
    (b'{"a": "\\ud800"}', 422),
    (b'{"\\udc00": 1}', 422),
    (b"nul", 422),
    (b"{'a': 1}", 422),
    (b"", 422),
]


@pytest.mark.parametrize(("body", "status"), UNUSUAL_JSON)
async def test_unusual_json_is_read_or_refused(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    """JSON is parsed strictly. If a key occurs twice, the last value is used, as in browsers."""
    response = await send(client, body)
    assert response.status_code == status, response.text
    if body == b'{"a": 1, "a": 2}':
        assert response.json() == {"a": 2}


async def test_an_incomplete_body_is_refused() -> None:
    """A body that ends early is refused, even if its beginning is valid JSON."""
    app = create_app("things", router, Settings())
    incoming = [
        {"type": "http.request", "body": b'{"a": 1}', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent_messages: list[Any] = []

    async def receive() -> Any:
        return incoming.pop(0)

    async def send_message(message: Any) -> None:
        sent_messages.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/things", "query_string": b"", "headers": headers}
    await app(scope, receive, send_message)
    assert sent_messages[0]["status"] == 400
