"""`httpx`, as far as agent code needs it: its client over the host's abilities, its response, its exceptions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit

from shared.sandbox.guest.told import all_told, exception_of, kinds, told
from shared.sandbox.inside import http_objects
from shared.sandbox.inside.calls import CallFailed, HttpAnswer, HttpCall
from shared.sandbox.inside.http_objects import httpx_timeout

if TYPE_CHECKING:
    from shared.sandbox.inside.calls import Abilities

_abilities: Abilities


def use(abilities: Abilities) -> None:
    """Those of the run."""
    global _abilities
    _abilities = abilities


class HTTPError(Exception):
    """`request` where it is known."""

    request: Request | None = None

    def __init__(self, message: str = "", *, request: Any = None, response: Any = None) -> None:
        super().__init__(message)
        self.request = request
        self.response = response


class RequestError(HTTPError):
    pass


class TransportError(RequestError):
    pass


class TimeoutException(TransportError, TimeoutError):
    pass


class ConnectTimeout(TimeoutException):
    pass


class ReadTimeout(TimeoutException):
    pass


class WriteTimeout(TimeoutException):
    pass


class PoolTimeout(TimeoutException):
    pass


class NetworkError(TransportError, ConnectionError):
    pass


class ConnectError(NetworkError):
    pass


class ReadError(NetworkError):
    pass


class WriteError(NetworkError):
    pass


class ProtocolError(TransportError):
    pass


class RemoteProtocolError(ProtocolError):
    pass


class DecodingError(RequestError):
    pass


class TooManyRedirects(RequestError):
    pass


class HTTPStatusError(HTTPError):
    """`response`: the answer, whose status is no success."""

    response: Response


class InvalidURL(Exception):
    pass


kinds.update({kind.__name__: kind for kind in (TimeoutException, ConnectError, HTTPStatusError)})


class Headers(MutableMapping[str, str]):
    """Names in lower case, found in any case."""

    def __init__(self, headers: Any = None) -> None:
        self._values = {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __setitem__(self, name: str, value: str) -> None:
        self._values[name.lower()] = value

    def __delitem__(self, name: str) -> None:
        del self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"

    def multi_items(self) -> list[tuple[str, str]]:
        return list(self._values.items())

    def get_list(self, name: str, split_commas: bool = False) -> list[str]:
        value = self._values.get(name.lower())
        if value is None:
            return []
        return [part.strip() for part in value.split(",")] if split_commas else [value]


class URL(str):
    """`httpx.URL`, which is a text as well."""

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

    def join(self, url: Any) -> Any:  # `httpx.URL` has this name, and so has `str`
        """Of another address, seen from this one."""
        return URL(urljoin(str(self), str(url)))


class Request:
    """What was sent."""

    def __init__(self, call: HttpCall) -> None:
        self.method = call.method
        self.url = URL(call.url)
        self.headers = Headers(call.headers)


@all_told
class Response(http_objects.Response):
    """`httpx.Response`, read whole."""

    def __init__(self, answer: HttpAnswer, call: HttpCall) -> None:
        super().__init__(answer, call)
        self.headers = Headers(self.headers)
        self.url = URL(self.url)
        self.history: list[Response] = []
        self.request = Request(call)
        self.reason_phrase = answer.reason
        self.is_client_error = 400 <= self.status_code < 500
        self.is_server_error = self.status_code >= 500
        self.is_redirect = 300 <= self.status_code < 400

    def raise_for_status(self) -> Self:
        try:
            super().raise_for_status()
        except CallFailed as failed:
            error = exception_of(failed)
            error.request, error.response = self.request, self  # type: ignore[attr-defined]
            raise error from None
        return self

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"

    @property
    def cookies(self) -> dict[str, str]:
        jar = SimpleCookie(self.headers.get("set-cookie", ""))
        return {name: crumb.value for name, crumb in jar.items()}

    # As of a response that is read while it arrives: this one has arrived.

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


@all_told
class AsyncClient(http_objects.AsyncClient):
    """`httpx.AsyncClient`. It keeps no connection, so that its end is nothing."""

    response_type = Response

    def __init__(self, **options: Any) -> None:
        super().__init__(_abilities, **options)
        self.is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_closed = True

    @asynccontextmanager
    async def stream(self, method: Any, url: Any, **options: Any) -> AsyncGenerator[http_objects.Response]:
        """The response, which has arrived whole by then."""
        yield await self.request(method, url, **options)

    async def request(self, method: Any, url: Any, **options: Any) -> http_objects.Response:
        try:
            return await super().request(method, url, **options)
        except CallFailed as failed:
            error = exception_of(failed)
            if isinstance(error, HTTPError):
                error.request = Request(HttpCall(str(method).upper(), str(url)))
            raise error from None


def BasicAuth(username: Any, password: Any) -> tuple[Any, Any]:  # noqa: N802 - a class of that name in httpx
    """As `auth=` takes it."""
    return username, password


def Limits(**_limits: Any) -> None:  # noqa: N802 - likewise
    """Taken, and changes nothing."""


Timeout = told(httpx_timeout, "Timeout")
codes = HTTPStatus
