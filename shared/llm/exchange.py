"""Observes the request and the response of a model call, in the transport below every HTTP client.

The whole response is read here, within limits, before other code sees it, because a provider can make it arbitrarily
long, slow or highly compressed. An event stream is joined while it arrives (`event_stream`), and passed on as one
document. `shared.llm.results` interprets the document.
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

from shared.llm.connection_pools import ConnectionPools
from shared.llm.decompression import decompress
from shared.llm.event_stream import EventStream, TooLong
from shared.llm.images import NO_IMAGES, ImageCount
from shared.llm.streams import Follow, Framing, ServerSentEvents, choose_framing, choose_joiner
from shared.llm.text import object_of

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The maximum decompressed size of a response, in bytes. A stored answer has at most a quarter of this."""
MAX_STREAM_BYTES = 64 * 1024 * 1024
"""The maximum decompressed size of a stream, in bytes. Each event wraps a few letters in a few hundred bytes."""
MAX_ERROR_BYTES = 64 * 1024
"""The maximum number of bytes that are read from the body of an error response."""
MAX_HEADERS = 200
"""The maximum number of response headers."""
MAX_HEADER_BYTES = 64 * 1024
"""The maximum size of all response headers together, in bytes."""
_EVENT_STARTS = (b"data:", b"event:", b"id:", b"retry:", b": ", codecs.BOM_UTF8 + b"data:")
_DETECTION_BYTES = max(map(len, _EVENT_STARTS))
"""How many bytes at the beginning of a response show its form. They may arrive one at a time."""
_MAX_LEADING_BLANKS = 1024
"""The maximum number of white-space bytes before them."""
LINGER_SECONDS = 1.0
"""How long a stream that has ended may take to complete the response, so that its connection can be reused."""
_MAX_IDLE_SECONDS = 60.0
"""How long an answer that has begun may pause. Before that, a model may think for minutes, during which some providers
send nothing.
"""


class ResponseTooLong(Exception):
    """A response exceeds a limit. `args[0]` describes the limit."""


class BrokenOff(httpx.ReadError):
    """The connection was lost after the request had been sent.

    After some of httpx's errors, litellm sends the request again, which would be billed twice. This class prevents
    that.
    """


class Answered(BaseException):
    """Ends litellm's call as soon as the whole response has been observed.

    litellm would read, price and log the response, which takes as long as everything else in the call, and whose
    results are not used. It is not an `Exception`, so neither litellm nor an HTTP client handles or reports it.
    """


@dataclass
class Exchange:
    """The observed state of one call.

    `request`: the body of the request, None until it is sent. `status`: the status of the response, None until it
    arrives. `received`: the decompressed bytes of the body so far. `body`: the complete body, or a stream's joined
    document. `stream`: the part of a stream that has arrived; it is set once the headers announce events, or the body
    contains them. `is_undecodable`: whether no part of the body could be decoded.

    `wants_stream`: whether a stream is requested. `follow`: gets what the model says while a stream arrives. `images`:
    the images in the request.
    """

    wants_stream: bool = False
    follow: Follow | None = None
    images: ImageCount = NO_IMAGES

    request: bytes | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    received: int = 0
    body: bytes | None = None
    stream: EventStream | None = None
    too_long: str | None = None
    is_undecodable: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether the provider accepted the request and the whole response has arrived."""
        return self.status is not None and self.status < 300 and self.body is not None


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


@contextmanager
def observe(
    *, wants_stream: bool = False, follow: Follow | None = None, images: ImageCount = NO_IMAGES
) -> Generator[Exchange]:
    """Observes the call that this task, or a task that it starts, makes in the context. See `Exchange`."""
    exchange = Exchange(wants_stream, follow, images)
    token = _current.set(exchange)
    try:
        yield exchange
    finally:
        _current.reset(token)


class ObservedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that records the current exchange and enforces its limits.

    Redirects are not followed, because a key is meant for one address. Connections stay open for later calls, and are
    closed with their event loop.
    """

    def __init__(self, **options: Any) -> None:
        """`options` are those of `httpx.AsyncHTTPTransport`."""
        self._pools = ConnectionPools(**options)
        self._loop: Callable[[], asyncio.AbstractEventLoop | None] = lambda: None
        self._end: AsyncGenerator[None] | None = None

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._pools.aclose()

    async def _close_with_loop(self) -> None:
        """Closes the connections when the loop ends: it then closes the generator that is started here."""
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
        """Sends the request, and records the response in the current exchange."""
        await self._close_with_loop()
        async with self._pools.pool() as pool:
            exchange = _current.get()
            if exchange is None:
                return await pool.handle_async_request(request)
            return await _exchange(pool, request, exchange)


async def _exchange(pool: httpx.AsyncHTTPTransport, request: httpx.Request, exchange: Exchange) -> httpx.Response:
    """Sends the request over the pool, and records the response in the exchange."""
    body = await request.aread()
    request.headers["Accept-Encoding"] = "gzip"  # the only encoding that is decompressed here within a limit
    request.extensions = {**request.extensions, "trace": _trace_request(exchange, body)}
    try:
        response = await _read(await pool.handle_async_request(request), exchange, request)
        if exchange.is_answered:
            raise Answered
        return response
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ReadTimeout):
        raise
    except httpx.TransportError as error:
        if exchange.request is None:
            raise
        raise BrokenOff("The connection was lost.") from error


def _trace_request(exchange: Exchange, body: bytes) -> Any:
    """Returns a trace function that records the request once it is sent completely."""

    method = b""

    async def trace(event: str, info: dict[str, Any]) -> None:
        nonlocal method
        if event.endswith("send_request_body.started"):
            method = info["request"].method
        elif event.endswith("send_request_body.complete") and method != b"CONNECT":  # CONNECT is for a proxy
            exchange.request = body

    return trace


async def _read(response: httpx.Response, exchange: Exchange, request: httpx.Request) -> httpx.Response:
    """Reads and decompresses the whole body, and returns a response with it. Raises `ResponseTooLong`."""
    try:
        exchange.status = response.status_code
        if framing := choose_framing(response.headers.get("content-type", "")):
            exchange.stream = _open_stream(framing, exchange, request)
        _check_headers(response)
        exchange.headers = dict(response.headers)
        if response.status_code >= 300:
            exchange.body = await _read_beginning(response, exchange)
        else:
            exchange.body = await _read_answer(response, exchange, request)
    except (ResponseTooLong, TooLong) as error:
        exchange.too_long = str(error)
        raise
    except httpx.DecodingError:
        exchange.is_undecodable = not exchange.received
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
        raise ResponseTooLong(f"more than {MAX_HEADERS} headers, or more than {MAX_HEADER_BYTES} bytes of headers")


async def _read_beginning(response: httpx.Response, exchange: Exchange) -> bytes:
    """Returns the beginning of an error response's body, or the part that arrived before the connection was lost."""
    body = bytearray()
    try:
        async for chunk in decompress(response):
            body += chunk
            exchange.received += len(chunk)
            if len(body) >= MAX_ERROR_BYTES:
                break
    except (httpx.TransportError, zlib.error):
        pass  # the status is sufficient
    return bytes(body[:MAX_ERROR_BYTES])


def _open_stream(framing: Framing, exchange: Exchange, request: httpx.Request) -> EventStream:
    return EventStream(framing, choose_joiner(request.url.path, exchange.follow))


async def _read_answer(response: httpx.Response, exchange: Exchange, request: httpx.Request) -> bytes:
    """Returns the body. Some servers send a wrong content type, so the first bytes tell events from JSON."""
    chunks = decompress(response)
    first = b""
    try:
        async for chunk in chunks:
            first += chunk
            if len(first.lstrip()) >= _DETECTION_BYTES or len(first) >= _MAX_LEADING_BLANKS:
                break
    finally:  # even if the connection is lost
        _detect_form(first.lstrip(), exchange, request)
    if exchange.stream is not None:
        return await _read_stream(first, chunks, exchange, exchange.stream)
    return await _read_whole(first, chunks, exchange)


def _detect_form(start: bytes, exchange: Exchange, request: httpx.Request) -> None:
    if exchange.stream is not None:
        if exchange.stream.has_marked_events and start.removeprefix(codecs.BOM_UTF8).startswith(b"{"):
            exchange.stream = None
    elif exchange.wants_stream and start.startswith(_EVENT_STARTS):
        exchange.stream = _open_stream(ServerSentEvents(), exchange, request)


def parse_request(request: bytes | None) -> dict[str, Any]:
    """Returns the fields of a request; an empty object if it is not JSON."""
    try:
        return object_of(json.loads(request or b"{}"))
    except (ValueError, RecursionError):
        return {}


async def _prepend(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _read_whole(first: bytes, rest: AsyncIterator[bytes], exchange: Exchange) -> bytes:
    body = bytearray()
    async for chunk in _prepend(first, rest):
        body += chunk
        exchange.received += len(chunk)
        if len(body) > MAX_BODY_BYTES:
            raise ResponseTooLong(f"more than {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _read_stream(first: bytes, rest: AsyncIterator[bytes], exchange: Exchange, stream: EventStream) -> bytes:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as limit:
            async for chunk in _prepend(first, rest):
                exchange.received += len(chunk)
                if exchange.received > MAX_STREAM_BYTES:
                    raise ResponseTooLong(f"more than {MAX_STREAM_BYTES} bytes")
                had_ended = stream.has_ended
                stream.feed(chunk)
                if stream.has_ended and not had_ended:
                    limit.reschedule(loop.time() + LINGER_SECONDS)
                elif stream.joiner.has_begun and not had_ended:
                    limit.reschedule(loop.time() + _MAX_IDLE_SECONDS)
    except (TimeoutError, httpx.TransportError):
        if not (stream.has_ended or stream.is_complete):
            with contextlib.suppress(TooLong):
                stream.finish()  # the provider also bills the text of an incomplete event
            raise
    stream.finish()
    return json.dumps(stream.document()).encode()
