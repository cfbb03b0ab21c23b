"""What one call of a model sends and receives, observed where it passes: in the transport below every HTTP client.

The whole answer is read here, within limits, before anything else sees it: a provider's answer is as long, as slow and
as deeply compressed as the provider likes. A stream of events is joined while it arrives (`event_stream`), and handed
on as the one document that it amounts to. What the document means is `reading`'s to say.
"""

import asyncio
import codecs
import contextlib
import json
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import ref

import httpx

from shared.llm.event_stream import EventStream, TooLong
from shared.llm.text import object_of

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of an answer, decompressed. One that is stored has a quarter of it; what searches found may come on top."""
MAX_STREAM_BYTES = 64 * 1024 * 1024
"""Of a stream, decompressed: each of its events wraps a few letters in some hundred bytes."""
MAX_ERROR_BYTES = 64 * 1024
"""Of the body of an error status. What comes after it is not read."""
MAX_HEADERS = 200
MAX_HEADER_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024
_MAX_MEMBERS = 100
"""Of a body in gzip: each takes as long as many bytes."""
_EVENT_STARTS = (b"data:", b"event:", b"id:", b"retry:", b": ", codecs.BOM_UTF8 + b"data:")
_DETECTION_BYTES = max(map(len, _EVENT_STARTS))
"""Of the beginning of an answer, which may come a byte at a time."""
_MAX_LEADING_BLANKS = 1024
"""Before it."""
_LINGER_SECONDS = 1.0
"""How long a stream that has ended may keep its connection open, for the next call to have it."""


class ResponseTooLong(Exception):
    """An answer exceeds a limit. `args[0]` says which."""


class BrokenOff(httpx.ReadError):
    """The connection was lost after the request had been sent.

    A class of its own, because litellm sends a request again by itself after some of httpx's errors, which would be
    billed twice.
    """


@dataclass
class Exchange:
    """What is known of one call so far.

    `request`: the body that the provider was sent, None before it was. `status`: of the answer, once there is one.
    `received`: bytes of its body, decompressed. `body`: all of it, once it is there; of a stream, the document that it
    amounts to. `stream`: what a stream has brought so far; there is one once the headers say that events come, or the
    body shows it. `undecoded`: it is encoded in a way that hides all of it.
    """

    request: bytes | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    received: int = 0
    body: bytes | None = None
    stream: EventStream | None = None
    too_long: str | None = None
    undecoded: bool = False

    @property
    def answered(self) -> bool:
        """Whether the whole answer to a request that the provider took is there."""
        return self.status is not None and self.status < 300 and self.body is not None


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


@contextmanager
def observe() -> Generator[Exchange]:
    """What is sent and received within, by this task and by those that it starts."""
    exchange = Exchange()
    token = _current.set(exchange)
    try:
        yield exchange
    finally:
        _current.reset(token)


class ObservedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport, which reports to the exchange that it is used in, and keeps its limits.

    A redirect is not followed: a key is meant for one address. Connections are kept for later calls, and are closed
    with the loop that they belong to.
    """

    _loop: Callable[[], asyncio.AbstractEventLoop | None] = staticmethod(lambda: None)
    _end: AsyncGenerator[None] | None = None

    async def _close_with_loop(self) -> None:
        """A loop that ends closes its asynchronous generators: the one that is begun here closes the connections."""
        loop = asyncio.get_running_loop()
        if self._loop() is not loop:
            self._loop = ref(loop)
            self._end = self._close_at_end()
            await anext(self._end)

    async def _close_at_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request, and keeps what is answered for the call that makes it."""
        await self._close_with_loop()
        exchange = _current.get()
        if exchange is None:
            return await super().handle_async_request(request)
        body = await request.aread()
        request.headers["Accept-Encoding"] = "gzip"  # the one that can be decompressed here within a limit
        request.extensions = {**request.extensions, "trace": _trace_request(exchange, body)}
        try:
            response = await super().handle_async_request(request)
            return await _read(response, exchange, request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ReadTimeout):
            raise
        except httpx.TransportError as error:
            if exchange.request is None:
                raise
            raise BrokenOff("The connection was lost.") from error


def _trace_request(exchange: Exchange, body: bytes) -> Any:
    """Notes the request when all of it is on its way."""

    method = b""

    async def note(event: str, info: dict[str, Any]) -> None:
        nonlocal method
        if event.endswith("send_request_body.started"):
            method = info["request"].method
        elif event.endswith("send_request_body.complete") and method != b"CONNECT":  # which is for a proxy
            exchange.request = body

    return note


async def _read(response: httpx.Response, exchange: Exchange, request: httpx.Request) -> httpx.Response:
    """The response with all of its body, as it is without compression. Raises `ResponseTooLong`."""
    try:
        exchange.status = response.status_code
        if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            exchange.stream = EventStream()
        _check_headers(response)
        exchange.headers = dict(response.headers)
        if response.status_code >= 300:
            exchange.body = await _read_beginning(response, exchange)
        else:
            exchange.body = await _read_answer(response, exchange)
    except (ResponseTooLong, TooLong) as error:
        exchange.too_long = str(error)
        raise
    except httpx.DecodingError:
        exchange.undecoded = not exchange.received
        raise
    finally:
        await response.aclose()
    dropped = {"content-encoding", "content-length", "transfer-encoding", "location"}
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in dropped]
    if exchange.stream is not None:
        headers = [(name, value) for name, value in headers if name != "content-type"]
        headers.append(("content-type", "application/json"))
    return httpx.Response(response.status_code, headers=headers, content=exchange.body, request=request)


def _check_headers(response: httpx.Response) -> None:
    raw = response.headers.raw
    if len(raw) > MAX_HEADERS or sum(len(name) + len(value) for name, value in raw) > MAX_HEADER_BYTES:
        raise ResponseTooLong(f"more than {MAX_HEADERS} headers, or than {MAX_HEADER_BYTES} bytes of them")


async def _read_beginning(response: httpx.Response, exchange: Exchange) -> bytes:
    """What an error says, as far as it is read; of one that breaks off, what came."""
    read = bytearray()
    try:
        async for piece in _decompress(response):
            read += piece
            exchange.received += len(piece)
            if len(read) >= MAX_ERROR_BYTES:
                break
    except (httpx.TransportError, zlib.error):
        pass  # the status says enough
    return bytes(read[:MAX_ERROR_BYTES])


async def _read_answer(response: httpx.Response, exchange: Exchange) -> bytes:
    """Events that were asked for are told by how they begin, too, and so is JSON: some servers give another type."""
    pieces = _decompress(response)
    first = b""
    try:
        async for piece in pieces:
            first += piece
            if len(first.lstrip()) >= _DETECTION_BYTES or len(first) >= _MAX_LEADING_BLANKS:
                break
    finally:  # by as much as has come of it, if it breaks off
        _detect_form(first.lstrip(), exchange)
    if exchange.stream is not None:
        return await _read_stream(first, pieces, exchange, exchange.stream)
    return await _read_whole(first, pieces, exchange)


def _detect_form(start: bytes, exchange: Exchange) -> None:
    if exchange.stream is not None and start.removeprefix(codecs.BOM_UTF8).startswith(b"{"):
        exchange.stream = None
    elif exchange.stream is None and start.startswith(_EVENT_STARTS) and parse_request(exchange.request).get("stream"):
        exchange.stream = EventStream()


def parse_request(request: bytes | None) -> dict[str, Any]:
    """The fields of a request; none if it is not JSON."""
    try:
        return object_of(json.loads(request or b"{}"))
    except (ValueError, RecursionError):
        return {}


async def _prepend(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def _read_whole(first: bytes, rest: AsyncIterator[bytes], exchange: Exchange) -> bytes:
    read = bytearray()
    async for piece in _prepend(first, rest):
        read += piece
        exchange.received += len(piece)
        if len(read) > MAX_BODY_BYTES:
            raise ResponseTooLong(f"more than {MAX_BODY_BYTES} bytes")
    return bytes(read)


async def _read_stream(first: bytes, rest: AsyncIterator[bytes], exchange: Exchange, stream: EventStream) -> bytes:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as patience:
            async for piece in _prepend(first, rest):
                exchange.received += len(piece)
                if exchange.received > MAX_STREAM_BYTES:
                    raise ResponseTooLong(f"more than {MAX_STREAM_BYTES} bytes")
                stream.feed(piece)
                if stream.ended and patience.when() is None:
                    patience.reschedule(loop.time() + _LINGER_SECONDS)
    except (TimeoutError, httpx.TransportError):
        if not (stream.ended or stream.whole):
            with contextlib.suppress(TooLong):
                stream.finish()  # what has come of an event that was cut was said, and is billed
            raise
    stream.finish()
    return json.dumps(stream.document()).encode()


async def _decompress(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body in small pieces, each decompressed before the next: a small one may hold gigabytes."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError(f"an unknown encoding, {encoding[:20]}")
    decompressor = None if encoding in ("identity", "") else zlib.decompressobj(zlib.MAX_WBITS | 32)
    members = 1
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport gives no other
    async for raw in stream:
        if decompressor is None:
            for start in range(0, len(raw), _PIECE_BYTES):
                yield raw[start : start + _PIECE_BYTES]
            continue
        while raw:
            if decompressor.eof:  # several members are one text
                members += 1
                if members > _MAX_MEMBERS:
                    raise httpx.DecodingError(f"gzip in more than {_MAX_MEMBERS} pieces")
                decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
            try:
                piece = decompressor.decompress(raw, _PIECE_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError("invalid gzip") from error
            raw = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
            if piece:
                yield piece
