"""The parts of `httpx` that agent code needs: a client that uses the host functions, responses, and exceptions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit

from shared.sandbox.guest.error_translation import to_exception, translate_all_errors, translate_errors
from shared.sandbox.guest.http_exceptions import *  # noqa: F403 - agents expect all of them in `httpx`
from shared.sandbox.guest.http_exceptions import HTTPError
from shared.sandbox.inside import http_objects
from shared.sandbox.inside.calls import CallFailed, HttpCall, HttpResponse
from shared.sandbox.inside.http_objects import httpx_timeout

if TYPE_CHECKING:
    from shared.sandbox.inside.calls import HostFunctions

_host_functions: HostFunctions


def use_host_functions(host_functions: HostFunctions) -> None:
    """Makes all clients use these host functions."""
    global _host_functions
    _host_functions = host_functions


class Headers(MutableMapping[str, str]):
    """`httpx.Headers`. Names are case-insensitive. Multiple values of a name are joined, except in `get_list`."""

    def __init__(self, headers: Any = None) -> None:
        if isinstance(headers, Headers):
            headers = headers.multi_items()
        elif isinstance(headers, Mapping):
            headers = cast("Mapping[Any, Any]", headers).items()
        self._pairs = [(str(name).lower(), str(value)) for name, value in headers or ()]

    def __getitem__(self, name: str) -> str:
        values = self.get_list(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __setitem__(self, name: str, value: str) -> None:
        index = next((index for index, (other, _) in enumerate(self._pairs) if other == name.lower()), len(self._pairs))
        rest = [pair for pair in self._pairs[index:] if pair[0] != name.lower()]
        self._pairs[index:] = [(name.lower(), str(value)), *rest]

    def __delitem__(self, name: str) -> None:
        remaining = [pair for pair in self._pairs if pair[0] != name.lower()]
        if len(remaining) == len(self._pairs):
            raise KeyError(name)
        self._pairs = remaining

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"Headers({dict(self.items())!r})"

    def copy(self) -> Headers:
        return Headers(self)

    def multi_items(self) -> list[tuple[str, str]]:
        return list(self._pairs)

    def get_list(self, name: str, split_commas: bool = False) -> list[str]:
        values = [value for other, value in self._pairs if other == name.lower()]
        return [part.strip() for value in values for part in value.split(",")] if split_commas else values


class URL(str):
    """`httpx.URL`, which is also a string here."""

    __slots__ = ()

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(str(self))

    @property
    def scheme(self) -> str:
        return self._parts.scheme

    @property
    def host(self) -> str:
        return self._parts.hostname or ""

    @property
    def port(self) -> int | None:
        return self._parts.port

    @property
    def path(self) -> str:
        return unquote(self._parts.path) or "/"

    @property
    def query(self) -> bytes:
        return self._parts.query.encode()

    @property
    def fragment(self) -> str:
        return unquote(self._parts.fragment)

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(self._parts.query, keep_blank_values=True))

    def join(self, url: Any) -> Any:  # overrides `str.join`, as `httpx.URL` has this method
        """Resolves a link on the page with this URL."""
        return URL(urljoin(str(self), str(url)))


class Request:
    """`httpx.Request`: the request that was sent."""

    def __init__(self, call: HttpCall) -> None:
        self.method = call.method
        self.url = URL(call.url)
        self.headers = Headers(call.headers)


@translate_all_errors
class Response(http_objects.Response):
    """An `httpx.Response` that has already been read."""

    def __init__(self, received: HttpResponse, call: HttpCall) -> None:
        super().__init__(received, call)
        self.headers = Headers(received.headers)
        self.url = URL(self.url)
        self.history: list[Response] = []
        self.request = Request(call)
        self.reason_phrase = received.reason
        self.is_client_error = 400 <= self.status_code < 500
        self.is_server_error = self.status_code >= 500
        self.is_redirect = 300 <= self.status_code < 400

    def raise_for_status(self) -> Self:
        try:
            super().raise_for_status()
        except CallFailed as failed:
            error = to_exception(failed)
            error.request, error.response = self.request, self  # type: ignore[attr-defined]
            raise error from None
        return self

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"

    @property
    def cookies(self) -> dict[str, str]:
        jar = SimpleCookie()
        for value in self.headers.get_list("set-cookie"):
            jar.load(value)
        return {name: cookie.value for name, cookie in jar.items()}

    # The interface of a streamed response. The whole response has already arrived.

    def read(self) -> bytes:
        return self.content

    async def aread(self) -> bytes:
        return self.content

    async def aclose(self) -> None:
        pass

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        size = chunk_size or len(self.content) or 1
        for start in range(0, len(self.content), size):
            yield self.content[start : start + size]

    aiter_raw = aiter_bytes

    async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        size = chunk_size or len(self.text) or 1
        for start in range(0, len(self.text), size):
            yield self.text[start : start + size]

    async def aiter_lines(self) -> AsyncIterator[str]:
        for line in self.text.splitlines():
            yield line


@translate_all_errors
class AsyncClient(http_objects.AsyncClient):
    """`httpx.AsyncClient`. It has no connections, so closing it only sets `is_closed`."""

    response_type = Response

    def __init__(self, **options: Any) -> None:
        super().__init__(_host_functions, **options)
        self.is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_closed = True

    @asynccontextmanager
    async def stream(self, method: Any, url: Any, **options: Any) -> AsyncGenerator[http_objects.Response]:
        """Yields the response, which has arrived completely."""
        yield await self.request(method, url, **options)

    async def request(self, method: Any, url: Any, **options: Any) -> http_objects.Response:
        try:
            return await super().request(method, url, **options)
        except CallFailed as failed:
            error = to_exception(failed)
            if isinstance(error, HTTPError):
                error.request = Request(HttpCall(str(method).upper(), str(url)))
            raise error from None


def BasicAuth(username: Any, password: Any) -> tuple[Any, Any]:  # noqa: N802 - the name of a class in httpx
    """Returns the value for `auth=`."""
    return username, password


def Limits(**_limits: Any) -> None:  # noqa: N802 - the name of a class in httpx
    """Accepts any limits and ignores them."""


Timeout = translate_errors(httpx_timeout, "Timeout")
codes = HTTPStatus
