"""From a generated call's response to its answer, or to an exception that says what went wrong."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from firebase_agents_client.generated.models import Error, FailedCode, FailedRun, Invalid, UnknownOutcome

ErrorBody = Error | Invalid | FailedCode | FailedRun | UnknownOutcome
"""What the service says of an error. All have a `detail`: a sentence, or of what does not validate, a list."""

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class ServiceError(Exception):
    """An answer of 400 or more.

    `status`: the HTTP status. `body`: what the service says, None if it was not the service that answered.
    `retry_after`: seconds to wait before trying again, None if it did not say. `request_id`: for whoever runs it.
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


def answered(response: _Response[T | ErrorBody | None]) -> T:
    """The answer in what a call's `sync_detailed` or `asyncio_detailed` returned. Raises `ServiceError`."""
    parsed: Any = response.parsed
    if response.status_code >= 400 or isinstance(parsed, ErrorBody):
        body = parsed if isinstance(parsed, ErrorBody) else None
        raise ServiceError(int(response.status_code), body, response.headers)
    return parsed


def _sentence(body: ErrorBody | None) -> str:
    match body:
        case None:
            return "not the service's own answer"
        case Invalid():
            return "; ".join(f"{'.'.join(map(str, problem.loc))}: {problem.msg}" for problem in body.detail)
        case _:
            return body.detail


def _seconds(header: str) -> int | None:
    return int(header) if header.isascii() and header.isdigit() else None
