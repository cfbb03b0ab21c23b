"""The exceptions of `httpx`. Some also derive from built-in exceptions, which agents may catch instead."""

from __future__ import annotations

from typing import Any

from shared.sandbox.guest.error_translation import kinds

__all__ = [
    "ConnectError",
    "ConnectTimeout",
    "DecodingError",
    "HTTPError",
    "HTTPStatusError",
    "InvalidURL",
    "NetworkError",
    "PoolTimeout",
    "ProtocolError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "RequestError",
    "TimeoutException",
    "TooManyRedirects",
    "TransportError",
    "WriteError",
    "WriteTimeout",
]


class HTTPError(Exception):
    """The base class. `request`: None if it is not known."""

    request: Any = None

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
    """The status of `response` does not indicate success."""

    response: Any


class InvalidURL(Exception):
    pass


kinds.update({kind.__name__: kind for kind in (TimeoutException, ConnectError, HTTPStatusError)})
