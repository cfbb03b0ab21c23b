"""What the OpenAI-compatible endpoints need of the web: the form of their errors and streams, and their time limits."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from fastapi import Request, Response

from shared.models.errors import InvalidInput, OutcomeUnknown
from shared.models.events import to_line
from shared.services.openai_api.error_bodies import describe, describe_error
from shared.web.error_responses import Responses
from shared.web.errors import Failure, render_json
from shared.web.sse import MAX_SECONDS, EventStream, is_through_hosting

WAIT_SECONDS = 270.0
"""How long a request waits for an answer. Its response still has to be sent within `timeoutSeconds`."""
HOSTING_WAIT_SECONDS = 55.0
"""The same through Hosting, which waits for 60 seconds."""
Lines = AbstractAsyncContextManager[AsyncIterator[Sequence[bytes]]]


def render_openai_error(failure: Failure) -> Response:
    """Returns an error in OpenAI's form. A request that does not validate has the status 400, as there.

    OpenAI's clients send a request again by themselves after some errors. `x-should-retry` keeps them from it if
    another attempt would fail in the same way, or be charged again.
    """
    headers = dict(failure.headers)
    status = 400 if failure.status == 422 else failure.status
    if isinstance(failure.detail, list):
        error = _describe_problems(failure.detail)
    elif failure.error is not None:
        error = describe_error(failure.error)
        if isinstance(failure.error, InvalidInput):
            error["code"] = "invalid_value"
    else:
        error = describe(status, failure.detail)
        if status == 404:
            error["code"] = "unknown_url"
    if status == 409 or isinstance(failure.error, OutcomeUnknown) or getattr(failure.error, "is_final", False):
        headers.setdefault("x-should-retry", "false")
    return render_json({"error": error}, status, headers)


def _describe_problems(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describes the first problem of a request, which OpenAI's form has room for."""
    place = [str(part) for part in problems[0]["loc"] if part not in ("body", "query", "path", "header")]
    is_json = problems[0]["type"] != "json_invalid"
    param = ".".join(place) if place and is_json else None
    message: str = problems[0]["msg"]
    return describe(400, f"{param}: {message}" if param else message, param) | {"code": "invalid_value"}


def choose_seconds(request: Request) -> float:
    """Returns how long the request may wait."""
    return HOSTING_WAIT_SECONDS if is_through_hosting(request) else WAIT_SECONDS


class LineStream(EventStream):
    """A stream whose lines are ready to be sent. It ends by itself, within the time that `choose_seconds` returns."""

    _prelude = b""  # OpenAI's clients take each message for data
    _farewell = b"data: %b\n\n" % to_line({"error": describe(401, "The API key has been revoked or has expired.")})

    def __init__(self, open_: Callable[[], Lines], request: Request) -> None:
        super().__init__(cast("Any", open_), request)
        self._seconds = MAX_SECONDS if choose_seconds(request) == WAIT_SECONDS else HOSTING_WAIT_SECONDS + 3

    def _encode(self, batch: Sequence[bytes]) -> Iterable[bytes]:
        return (b"".join(batch),)


def openai_errors(*statuses: int) -> Responses:
    """Declares errors in OpenAI's form, for the OpenAPI document."""
    return {status: {"$ref": f"#/components/responses/OpenAiError{status}"} for status in statuses}


def _stream_of(text: str, example: str) -> Responses:
    content = {"schema": {"type": "string"}, "example": example}
    return {200: {"description": text, "content": {"text/event-stream": content}}}


STREAMED_CHUNKS = _stream_of(
    "The completion or, with `stream`, its chunks, each as the data of a server-sent event, and `[DONE]`.",
    'data: {"id":"chatcmpl-0b6f0d0e5d0b4c568f5e6f7f3f1c2a10","choices": ...}\n\ndata: [DONE]\n\n',
)
STREAMED_EVENTS = _stream_of(
    "The response or, with `stream`, its events, as OpenAI documents them.",
    'event: response.created\ndata: {"type":"response.created","sequence_number":0, ...}\n\n',
)
