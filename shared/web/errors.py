"""Turns every error into a response. No other module does so.

What an error says is the same everywhere; its form is a property of the application. By default it is `{"detail": …}`,
and `create_app` takes the renderer of another form.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.log import get_logger
from shared.models.errors import ServiceError, UpstreamFailed, UpstreamTooSlow
from shared.redaction import redact
from shared.text import shorten
from shared.trace import current_request

_log = get_logger("errors")
_MAX_PROBLEMS = 20
_MAX_INPUT_LENGTH = 500
_MAX_NAME_LENGTH = 100
"""The maximum length of a path in a message, and of each part of a problem's location."""
_MAX_REASON_LENGTH = 200


@dataclass(frozen=True)
class Failure:
    """What an error response says. `detail`: a sentence, or the problems of a request that does not validate.

    `error`: the error itself, None if this module or the router found it.
    """

    status: int
    detail: str | list[dict[str, Any]]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    error: ServiceError | None = None


RenderError = Callable[[Failure], Response]
"""Turns a failure into a response."""


def render_detail(failure: Failure) -> Response:
    """Returns `{"detail": …}`, with the error's additional fields."""
    content = {"detail": failure.detail, **(failure.error.body if failure.error else {})}
    return render_json(content, failure.status, failure.headers)


def render_json(content: Any, status: int, headers: Mapping[str, str]) -> Response:
    """Returns a JSON response. Numbers that are not finite, which only invalid input has, become strings."""
    return Response(to_json(content, inf_nan_mode="strings"), status, dict(headers), media_type="application/json")


def describe(error: ServiceError) -> Failure:
    """Returns what the response to the error says."""
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.replayed:
        headers["Idempotent-Replayed"] = "true"
    if error.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return Failure(error.status, error.message, headers, error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Handles the router's errors for unknown paths and unsupported methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    detail = error.detail
    if error.status_code == 404:
        detail = f"There is no route {_shorten_name(request.url.path)}."
    elif error.status_code == 405:
        allowed = ", ".join(_list_methods(request)) or "another method"
        detail = f"{_shorten_name(request.url.path)} does not support {request.method}; use {allowed}."
        return _render(request, Failure(405, detail, {"Allow": allowed}))
    return _render(request, Failure(error.status_code, detail, error.headers or {}))


def _render(request: Request, failure: Failure) -> Response:
    render: RenderError = request.app.state.render_error
    return render(failure)


def _list_methods(request: Request) -> list[str]:
    """Lists all methods that the path supports. The router itself reports only those of the first matching route."""
    routes = request.app.router.routes
    possible = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ["GET", "HEAD", *possible[1:]] if possible[:1] == ["GET"] else possible


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    problems: Sequence[dict[str, Any]] = error.errors()
    detail = [
        {
            "type": problem["type"],
            "loc": [_shorten_name(part) for part in problem["loc"]],
            "msg": _describe_problem(problem),
            "input": _shorten_input(problem.get("input")),
        }
        for problem in problems[:_MAX_PROBLEMS]
    ]
    return _render(request, Failure(422, detail))


def _shorten_name(part: str | int) -> str | int:
    return shorten(part, _MAX_NAME_LENGTH) if isinstance(part, str) else part


def _shorten_input(value: Any) -> Any:
    """Returns the invalid input if it is short, since a response need not repeat a large request."""
    match value:
        case str():
            return shorten(value, _MAX_INPUT_LENGTH)
        case bytes():
            return None
        case dict() | list():
            short = len(value) <= _MAX_PROBLEMS and len(to_json(value, inf_nan_mode="strings")) <= _MAX_INPUT_LENGTH
            return value if short else None
        case _:
            return value


def _describe_problem(problem: dict[str, Any]) -> str:
    if problem["type"] == "json_invalid":
        return f"The body is not valid JSON: {problem['ctx']['error']}"
    if isinstance(problem.get("input"), bytes):
        return "The body was not read as JSON. Send it with 'Content-Type: application/json'."
    if problem["type"] == "missing" and problem["loc"] == ("body",):
        return "The body is missing. Send JSON, with 'Content-Type: application/json'."
    message: str = problem["msg"]
    return message


async def _on_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for this type only
    if isinstance(error, UpstreamFailed | UpstreamTooSlow):
        request.state.access["upstream"] = _explain_upstream(error)
    # Set by a route whose clients look for more in an error than others.
    complete: Callable[[ServiceError], None] | None = getattr(request.state, "complete_error", None)
    if complete is not None:
        complete(error)
    return _render(request, describe(error))


def _explain_upstream(error: ServiceError) -> str:
    """Returns the part of the message for the log that this service wrote. The rest may repeat what it had sent."""
    return redact(error.message.partition(": ")[0])[:_MAX_REASON_LENGTH]


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    HTTPException: _on_http_exception,
    RequestValidationError: _on_invalid,
    ServiceError: _on_service_error,
}
"""Turn errors into responses, by the errors' types."""


async def respond_to(error: Exception, request: Request) -> Response | None:
    """Returns the response to an error that a route has raised, None if no handler is registered for it."""
    for kind in type(error).__mro__:
        if kind in HANDLERS:
            return await HANDLERS[kind](request, error)
    return None


def log_unhandled(status: int) -> None:
    """Logs the exception that is being handled with its stack. `status`: the response's."""
    _log.exception("Unhandled exception", extra={"status": status})


def describe_internal_error() -> Failure:
    """Returns what is said in the response to an unhandled exception: 500, without its stack."""
    request = current_request.get()
    reference = f" with this id: {request.request_id}" if request else ""
    detail = f"Something went wrong on our side. Try again; if it happens again, report it{reference}."
    return Failure(500, detail)
