"""A lean HTTP/1.1 client: keep-alive connections, bodies with a content length, and nothing else.

httpx needs half a millisecond for a request, which is more than a bare function needs to answer it.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class Response:
    """A response. `closes`: the server closes the connection after it."""

    status: int
    body: bytes
    closes: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


class InvalidResponse(Exception):
    """The response has no content length, or is not HTTP/1.1."""


def write_request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> bytes:
    """Returns a request's bytes. A body is sent as JSON unless `headers` name another type."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    given = dict(headers or {})
    if body is not None:
        given = {"Content-Type": "application/json", **given, "Content-Length": str(len(body))}
    lines += [f"{name}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def read_response(received: bytes | bytearray) -> Response | None:
    """Returns the response in `received`, None if it is not complete. Raises `InvalidResponse`."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end])
    status = _STATUS.match(head)
    if status is None:
        raise InvalidResponse(f"Not a response in HTTP/1.1: {head[:100]!r}")
    code, start = int(status[1]), end + 4
    length = _LENGTH.search(head)
    if length is None and code not in _WITHOUT_BODY:
        raise InvalidResponse(f"A response without a content length: {head[:300]!r}")
    size = 0 if length is None else int(length[1])
    if len(received) < start + size:
        return None
    return Response(code, bytes(received[start : start + size]), _CLOSES.search(head) is not None)


class Connection(asyncio.Protocol):
    """A connection that sends one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[Response] | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connects to a port of this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, request: bytes) -> Response:
        """Sends a request and waits for its response. Raises `ConnectionError`, `InvalidResponse`."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("The connection is closed.")
        self._waiting = asyncio.get_running_loop().create_future()
        self._received.clear()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Closes the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._received += data
        if self._waiting is None or self._waiting.done():
            return
        try:
            response = read_response(self._received)
        except InvalidResponse as error:
            self._waiting.set_exception(error)
            self.close()
            return
        if response is not None:
            if response.closes:
                self.close()
            self._waiting.set_result(response)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError("The server closed the connection."))


class Pool:
    """Connections to one port, as many as there are requests at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []

    async def send(self, request: bytes) -> Response:
        """Sends a request on an idle connection, or on a new one."""
        connection = await self._take()
        response = await connection.send(request)
        if connection.is_open:
            self._idle.append(connection)
        return response

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return await Connection.open(self._port)

    def close(self) -> None:
        """Closes all idle connections."""
        while self._idle:
            self._idle.pop().close()
