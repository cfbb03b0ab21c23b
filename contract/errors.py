"""Describes errors: each kind has a response with the error's own status and description."""

from typing import Any

from pydantic import BaseModel, Field, JsonValue

from shared.models.errors import (
    AgentFailed,
    AllowanceSpent,
    BadRequest,
    CodeFailed,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    ServiceError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UpstreamFailed,
    UpstreamTooSlow,
)


class Error(BaseModel):
    """An error, with a sentence for the person who has to act on it."""

    detail: str


class Problem(BaseModel):
    """One mistake, with its location and the invalid input. `input` is missing or null if it is long or secret."""

    type: str
    loc: list[str | int]
    msg: str
    input: JsonValue = None


class Invalid(BaseModel):
    """A request that does not validate, with one entry for each mistake."""

    detail: list[Problem]


class FailedCode(BaseModel):
    """Code that failed. `error` has the form "TypeName: message". `logs` contains the printed lines.

    `traceback` contains only lines of the submitted code. `engine` names the engine that ran the code.
    """

    detail: str
    error: str
    logs: list[str]
    traceback: str
    engine: str


class FailedRun(BaseModel):
    """A run that failed. The run's id identifies it in the log."""

    detail: str
    run_id: str | None = Field(default=None, description="Missing if the service itself failed.")


class UnknownOutcome(BaseModel):
    """A chat that may or may not have been accepted."""

    detail: str
    ticket_id: str | None = Field(
        default=None, description="The ticket of the chat that may have been accepted. Look it up."
    )


class Fault(ServiceError):
    """An internal error of the service."""


_TICKET = "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10"
_RUN = "run-3f1c2a10-5d0b-4c56-8f5e-6f7f0b6f0d0e"
_REQUEST = "1f0b6f0d-5d0b-4c56-8f5e-6f7f3f1c2a10"
_RETRY_AFTER = {
    "Retry-After": {"description": "How many seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
}
_AUTHENTICATE = {
    "WWW-Authenticate": {
        "description": "`Bearer`, from `POST /mcp` with the URL of its metadata.",
        "schema": {"type": "string"},
    }
}
_HEADERS: dict[type[ServiceError], dict[str, Any]] = {
    Unauthenticated: _AUTHENTICATE,
    TooManyRequests: _RETRY_AFTER,
    Unavailable: _RETRY_AFTER,
    OutcomeUnknown: _RETRY_AFTER,
}
_BODIES: dict[type[ServiceError], type[BaseModel]] = {
    InvalidInput: Invalid,
    CodeFailed: FailedCode,
    AgentFailed: FailedRun,
    OutcomeUnknown: UnknownOutcome,
}
_EXAMPLE_DETAILS: dict[type[ServiceError], str] = {
    BadRequest: 'OpenAI has no model "gpt-nothing" in the catalog.',
    Unauthenticated: "Sign in, and send the ID token as 'Authorization: Bearer <ID token>'.",
    AllowanceSpent: "Your allowance is used up. Wait for its next refill, or ask for a higher one.",
    Forbidden: "This agent can be changed only by its owner.",
    NotFound: "There is no such agent.",
    Conflict: "The agent has changed in the meantime. Read it again, and repeat the change with its new _rev.",
    TooLarge: "The request body has at least 3000000 bytes; the limit is 2097152. Send less.",
    TooManyRequests: "Too many requests. Try again in 7 s.",
    Fault: f"Something went wrong on our side. Try again; if it happens again, report it with this id: {_REQUEST}.",
    UpstreamFailed: "api.example.com responded with status 500 instead of a document.",
    Unavailable: "The database cannot be reached right now. Try again.",
    UpstreamTooSlow: "api.example.com did not answer within 40 seconds.",
}
_EXAMPLE_BODIES: dict[type[ServiceError], dict[str, Any]] = {
    InvalidInput: {
        "detail": [
            {"type": "missing", "loc": ["body", "provider"], "msg": "Field required", "input": {"model": "gpt-5"}}
        ]
    },
    CodeFailed: {
        "detail": "The code failed: ValueError: no tea",
        "error": "ValueError: no tea",
        "logs": ["looking for tea"],
        "traceback": "Traceback (most recent call last):\n"
        '  File "agent.py", line 3, in run\n    raise ValueError("no tea")\nValueError: no tea',
        "engine": "python",
    },
    AgentFailed: {"detail": f"The agent failed. Its run is {_RUN}; the log says why.", "run_id": _RUN},
    OutcomeUnknown: {"detail": OutcomeUnknown(_TICKET).message, "ticket_id": _TICKET},
}
KINDS: tuple[type[ServiceError], ...] = (*_EXAMPLE_DETAILS, *_EXAMPLE_BODIES)


def response(kind: type[ServiceError]) -> dict[str, Any]:
    """Returns the response for one kind of error, for `components.responses`."""
    schema = {"$ref": f"#/components/schemas/{_BODIES.get(kind, Error).__name__}"}
    example = _EXAMPLE_BODIES.get(kind) or {"detail": _EXAMPLE_DETAILS[kind]}
    result: dict[str, Any] = {
        "description": (kind.__doc__ or "").partition("\n")[0],
        "content": {"application/json": {"schema": schema, "example": example}},
    }
    return result | ({"headers": _HEADERS[kind]} if kind in _HEADERS else {})


def schemas() -> dict[str, Any]:
    """Returns the schemas of the response bodies, for `components.schemas`."""
    result: dict[str, Any] = {}
    for model in (Error, *_BODIES.values()):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        result |= schema.pop("$defs", {}) | {model.__name__: schema}
    return result
