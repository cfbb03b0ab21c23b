"""`httpx`, as far as agent code needs it: its client over the host's abilities, its response, its exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

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


class NetworkError(TransportError, ConnectionError):
    pass


class ConnectError(NetworkError):
    pass


class ReadError(NetworkError):
    pass


class HTTPStatusError(HTTPError):
    """`response`: the answer, whose status is no success."""

    response: Response


class InvalidURL(Exception):
    pass


kinds.update({kind.__name__: kind for kind in (TimeoutException, ConnectError, HTTPStatusError)})


class Headers(dict[str, str]):
    """Each name in lower case and as HTTP usually writes it, as in the fast engine; found in any case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Request:
    """What was sent."""

    def __init__(self, call: HttpCall) -> None:
        self.method = call.method
        self.url = call.url
        self.headers = Headers({name.lower(): value for name, value in call.headers.items()})


@all_told
class Response(http_objects.Response):
    """`httpx.Response`, read whole."""

    def __init__(self, answer: HttpAnswer, call: HttpCall) -> None:
        super().__init__(answer, call)
        self.headers = Headers(self.headers)
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

    async def request(self, method: Any, url: Any, **options: Any) -> http_objects.Response:
        try:
            return await super().request(method, url, **options)
        except CallFailed as failed:
            error = exception_of(failed)
            if isinstance(error, HTTPError):
                error.request = Request(HttpCall(str(method).upper(), str(url)))
            raise error from None


Timeout = told(httpx_timeout, "Timeout")
