"""Sends HTTP requests to URLs that users chose, on untrusted servers."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import JsonValue

from shared.outbound.bodies import ACCEPT_ENCODING, Budget, read_bounded
from shared.outbound.diagnosis import FAILURES, explain_failure
from shared.outbound.errors import BadRequest, BadResponse, OutboundError, TooLong, TooManyRedirects, TooSlow
from shared.outbound.http_transport import shared_transport
from shared.outbound.network import USER_AGENT, Guard, Resolver, resolve
from shared.outbound.urls import check_url, display_host, parse_url
from shared.settings import Settings

logging.getLogger("httpx2").setLevel(logging.WARNING)  # otherwise it logs each request with its query

_METHOD = re.compile(r"[A-Za-z][A-Za-z-]{0,31}")
_REFUSED_METHODS = {"CONNECT", "TRACE"}
_RESERVED_HEADERS = {
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
}
"""Headers that apply to the connection (RFC 9110, 7.6.1), or determine where a message ends or which host gets it."""
_CROSS_ORIGIN_HEADERS = {
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-language",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "user-agent",
}
"""Headers that are still sent after a redirect to another origin.

A list of headers to remove would be incomplete, because headers with secrets have many names. Cookies are sent because
httpx2 has dropped those of the caller: the rest were set by the new origin during this call.
"""

_MAX_DISCARDED_BYTES = 4096
"""The size up to which an ignored body is read."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, with at most one of `json`, `data` (a form) and `content`.

    `params` are added to the parameters in the URL. `timeout`: seconds for everything, including redirects and the
    body; the deployment's limit also applies. `headers` that apply to the connection, such as `Host`, are refused.
    `Accept-Encoding` is replaced, because the response is decompressed here. `ignore_body`: the response is returned
    without its content.
    """

    method: str
    url: str
    params: Mapping[str, Scalar | list[Scalar]] | None = None
    headers: Mapping[str, str] | None = None
    json: JsonValue = None
    data: Mapping[str, Scalar | list[Scalar]] | None = None
    content: bytes | str | None = None
    timeout: float | None = None
    follow_redirects: bool = False
    max_redirects: int = 5
    ignore_body: bool = False


@dataclass(frozen=True)
class Response:
    """A response. `headers`: in order, with lower-case names; `content`: decompressed; `url`: after redirects."""

    status_code: int
    reason: str
    headers: list[tuple[str, str]]
    content: bytes
    url: str
    redirects: int


class Outbound:
    """Sends requests. Connections are reused within an event loop; cookies, caches and credentials are not."""

    def __init__(self, settings: Settings, resolver: Resolver = resolve) -> None:
        self._guard = Guard.of(settings, resolver)
        self._timeout = settings.outbound_timeout_seconds
        self._max_bytes = settings.outbound_max_bytes

    async def send(self, request: Request) -> Response:
        """Returns the response, whatever its status. Raises `OutboundError`.

        Redirects are followed only if the request says so. Each target is checked like the first URL, and only
        harmless headers are sent to another origin. Nothing is retried.
        """
        seconds = self._timeout if request.timeout is None else min(self._timeout, request.timeout)
        url = parse_url(request.url)
        # Each call has its own client, because a client stores cookies. It is cheap, because it holds no connections.
        client = httpx2.AsyncClient(
            transport=shared_transport(self._guard),
            headers={"User-Agent": USER_AGENT},
            trust_env=False,
            timeout=None,
        )
        first = self._prepare(client, url, request)
        try:
            async with asyncio.timeout(seconds):
                return await self._fetch(client, first, request)
        except TimeoutError as error:
            raise TooSlow(f"{url.host} did not answer within {seconds:g} seconds.") from error

    def _prepare(self, client: httpx2.AsyncClient, url: httpx2.URL, request: Request) -> httpx2.Request:
        """Builds the request to send. Raises `BadRequest` and `TooLong`."""
        if not _METHOD.fullmatch(request.method) or request.method.upper() in _REFUSED_METHODS:
            raise BadRequest("This HTTP method is invalid or not allowed.")
        headers = dict(request.headers or {})
        for name in headers:
            if name.strip().lower() in _RESERVED_HEADERS:
                raise BadRequest(f"The header {name.strip()} cannot be set by the caller.")
        headers = {name: value for name, value in headers.items() if name.lower() != "accept-encoding"}
        if sum(body is not None for body in (request.json, request.data, request.content)) > 1:
            raise BadRequest("A request can have only one body: json, data or content.")
        params: dict[str, Any] = dict(request.params or {})
        try:
            built = client.build_request(
                request.method.upper(),
                url.copy_merge_params(params) if params else url,
                headers={**headers, "Accept-Encoding": ACCEPT_ENCODING},
                json=request.json,
                data=None if request.data is None else dict(request.data),
                content=request.content,
            )
        except (ValueError, TypeError, httpx2.InvalidURL) as error:  # NaN, a lone surrogate, a non-ASCII header
            raise BadRequest("The request contains something that cannot be sent.") from error
        if len(built.content) > self._max_bytes:
            raise TooLong(f"The request body is longer than {self._max_bytes} bytes.")
        return built

    async def _fetch(self, client: httpx2.AsyncClient, outgoing: httpx2.Request, request: Request) -> Response:
        redirects = 0
        while True:
            try:
                response = await client.send(outgoing, stream=True)
                try:
                    following = response.next_request if request.follow_redirects else None
                    if following is None:
                        if request.follow_redirects and response.has_redirect_location:
                            raise BadResponse(f"{outgoing.url.host} redirects to an invalid URL.")
                        if request.ignore_body:
                            await _discard(response)
                            return _to_response(response, b"", redirects)
                        return await self._read(response, redirects)
                finally:
                    await response.aclose()  # never read the body of a redirect: it may be endless
            except FAILURES as error:
                raise explain_failure(error, display_host(outgoing.url)) from error
            except UnicodeError as error:  # the cookie goes into the request to which the response redirects
                raise BadResponse(f"{outgoing.url.host} set a cookie with characters beyond ASCII.") from error
            redirects += 1
            if redirects > request.max_redirects:
                raise TooManyRedirects(f"{outgoing.url.host} redirects more than {request.max_redirects} times.")
            outgoing = _follow(outgoing, following)

    async def _read(self, response: httpx2.Response, redirects: int) -> Response:
        budget = Budget(self._max_bytes)
        has_no_body = response.request.method == "HEAD" or response.status_code in (204, 304)
        declared = response.headers.get("content-length", "")
        if not has_no_body and declared.isdecimal() and int(declared[:20]) > budget.limit:
            budget.take(int(declared[:20]))
        encoding = None if has_no_body else response.headers.get("content-encoding")
        content = b"".join([chunk async for chunk in read_bounded(response.aiter_raw(), encoding, budget)])
        return _to_response(response, content, redirects)


def _to_response(response: httpx2.Response, content: bytes, redirects: int) -> Response:
    return Response(
        response.status_code,
        response.reason_phrase,
        response.headers.multi_items(),
        content,
        str(response.url),
        redirects,
    )


async def _discard(response: httpx2.Response) -> None:
    """Reads a body of up to `_MAX_DISCARDED_BYTES`. A longer one is left unread, which closes the connection."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > _MAX_DISCARDED_BYTES:
            return


def _follow(sent: httpx2.Request, following: httpx2.Request) -> httpx2.Request:
    """Returns the request that follows a redirect. httpx2 has already removed `Authorization` for another origin.

    Raises `BadAddress` for a URL that callers may not request.
    """
    try:
        check_url(following.url)
    except OutboundError as error:
        raise type(error)(f"{sent.url.host} redirects to a URL that cannot be followed. {error.message}") from error
    if not _same_origin(sent.url, following.url):
        for name in set(following.headers) - _CROSS_ORIGIN_HEADERS:
            del following.headers[name]
    return following


def _same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Whether two URLs have the same origin. A redirect from http to https counts, if both use the default port."""
    upgraded = (one.scheme, one.port, other.scheme, other.port) == ("http", None, "https", None)
    return one.host == other.host and (upgraded or (one.scheme, one.port) == (other.scheme, other.port))
