"""The lean HTTP client: what it writes and reads, and how it uses connections."""

import asyncio

import pytest

from bench.http import Connection, InvalidResponse, Pool, Response, read_response, write_request
from tests.bench.answering import answering

_OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello"


def test_a_request_has_its_headers_and_its_body() -> None:
    """A body is JSON, with its length in bytes."""
    written = write_request("POST", "/chat", {"X-Account": "ada"}, "é".encode())
    head, _, body = written.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /chat HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Content-Type: application/json",
        b"X-Account: ada",
        b"Content-Length: 2",
    ]
    assert body == "é".encode()


def test_a_request_without_a_body_has_no_length() -> None:
    """It ends with its headers."""
    assert write_request("GET", "/") == b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def test_a_complete_response_is_read() -> None:
    """Header names are compared without case."""
    assert read_response(_OK) == Response(200, b"hello")


@pytest.mark.parametrize("size", range(len(_OK)))
def test_an_incomplete_response_is_awaited(size: int) -> None:
    """Wherever it was cut."""
    assert read_response(_OK[:size]) is None


def test_a_response_without_content_needs_no_length() -> None:
    """As the worker's 204."""
    assert read_response(b"HTTP/1.1 204 No Content\r\nserver: x\r\n\r\n") == Response(204, b"")


def test_a_response_may_close_the_connection() -> None:
    """The next request needs another connection."""
    response = read_response(b"HTTP/1.1 500 Oops\r\nConnection: close\r\ncontent-length: 0\r\n\r\n")
    assert response == Response(500, b"", closes=True)


@pytest.mark.parametrize(("status", "succeeded"), [(199, False), (200, True), (299, True), (300, False)])
def test_only_2xx_is_success(status: int, succeeded: bool) -> None:
    """Redirects are not followed."""
    assert Response(status, b"").succeeded is succeeded


@pytest.mark.parametrize(
    "received", [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"SSH-2.0\r\n\r\n"]
)
def test_other_responses_are_refused(received: bytes) -> None:
    """The client would otherwise wait for ever, or count a wrong body."""
    with pytest.raises(InvalidResponse):
        read_response(received)


async def test_a_connection_is_used_again() -> None:
    """Responses may arrive in pieces."""
    async with answering(lambda _: _OK) as server:
        connection = await Connection.open(server.port)
        assert [(await connection.send(write_request("GET", "/"))).body for _ in range(2)] == [b"hello", b"hello"]
        assert server.requests == [2]
        connection.close()


async def test_a_lost_connection_raises() -> None:
    """The response will not come."""
    async with answering(lambda _: None) as server:
        connection = await Connection.open(server.port)
        with pytest.raises(ConnectionError):
            await connection.send(write_request("GET", "/"))
        assert not connection.is_open
        with pytest.raises(ConnectionError):
            await connection.send(write_request("GET", "/"))


async def test_a_pool_opens_as_many_connections_as_it_needs() -> None:
    """Two requests at a time need two; later ones use them again."""
    async with answering(lambda _: _OK, 0.02) as server:
        pool = Pool(server.port)
        await asyncio.gather(*(pool.send(write_request("GET", "/")) for _ in range(2)))
        await pool.send(write_request("GET", "/"))
        await pool.send(write_request("GET", "/"))
        assert sorted(server.requests) == [1, 3]
        pool.close()
