"""Turns a generated call's response into its result, or into an exception that describes the error."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from firebase_agents_client.generated.models import Error, FailedCode, FailedRun, Invalid, UnknownOutcome

ErrorBody = Error | Invalid | FailedCode | FailedRun | UnknownOutcome
"""The possible bodies of an error response. `detail` is a sentence or, for an invalid request, a list of problems."""

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class ServiceError(Exception):
    """The service, or a proxy in front of it, responded with a status of 400 or higher.

    `status`: the HTTP status. `body`: the service's error, or None if the response is not from the service itself.
    `retry_after`: the number of seconds to wait before a retry, or None if the response does not say. `request_id`:
    identifies the request in the service's logs; include it when you contact the operator.
    """

    def __init__(self, status: int, body: ErrorBody | None, headers: Mapping[str, str]) -> None:
        self.status = status
        self.body = body
        self.retry_after = _seconds(headers.get("Retry-After", ""))
        self.request_id = headers.get("X-Request-Id")
        super().__init__(f"{status}: {_sentence(body)}")


class _Response(Protocol[T_co]):
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def parsed(self) -> T_co: ...


def unwrap(response: _Response[T | ErrorBody | None]) -> T:
    """Returns the result of a `sync_detailed` or `asyncio_detailed` call. Raises `ServiceError`."""
    parsed: Any = response.parsed
    if response.status_code >= 400 or isinstance(parsed, ErrorBody):
        body = parsed if isinstance(parsed, ErrorBody) else None
        raise ServiceError(int(response.status_code), body, response.headers)
    return parsed


def _sentence(body: ErrorBody | None) -> str:
    match body:
        case None:
            return "the response is not from the service itself"
        case Invalid():
            return "; ".join(f"{'.'.join(map(str, problem.loc))}: {problem.msg}" for problem in body.detail)
        case _:
            return body.detail


def _seconds(header: str) -> int | None:
    return int(header) if header.isascii() and header.isdigit() else None
