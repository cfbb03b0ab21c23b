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
    """An error: a sentence for the person who has to act."""

    detail: str


class Problem(BaseModel):
    """One mistake, with its location and the invalid input; `input` is missing or null if it is long or secret."""

    type: str
    loc: list[str | int]
    msg: str
    input: JsonValue = None


class Invalid(BaseModel):
    """A request that does not validate: one entry for each mistake."""

    detail: list[Problem]


class FailedCode(BaseModel):
    """Code that failed. `error`: "TypeName: message". `logs`: printed lines. `traceback`: the code's own lines.

    `engine`: the engine that ran it.
    """

    detail: str
    error: str
    logs: list[str]
    traceback: str
    engine: str


class FailedRun(BaseModel):
    """A run that failed. The agent's author can find it in the log by its id."""

    detail: str
    run_id: str | None = Field(default=None, description="Missing if the service itself failed.")


class UnknownOutcome(BaseModel):
    """A chat that may or may not have been accepted."""

    detail: str
    ticket_id: str | None = Field(
        default=None, description="The ticket of a chat that may have been accepted: look it up."
    )


class Fault(ServiceError):
    """The service failed."""


_TICKET = "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10"
_RUN = "run-3f1c2a10-5d0b-4c56-8f5e-6f7f0b6f0d0e"
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}}
_AUTHENTICATE = {"WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}}}
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
_SENTENCES: dict[type[ServiceError], str] = {
    BadRequest: 'OpenAI has no model "gpt-nothing" in the catalog.',
    Unauthenticated: "Sign in, and send the ID token as 'Authorization: Bearer <ID token>'.",
    AllowanceSpent: "Your allowance is used up. Wait for its next refill, or have it raised.",
    Forbidden: "Only its owner may change this agent.",
    NotFound: "There is no such agent.",
    Conflict: "The agent has changed meanwhile. Read it again, and repeat the change with its new _rev.",
    TooLarge: "The request body is 3000000 bytes or more; at most 2097152 are accepted. Send less.",
    TooManyRequests: "Too many requests. Try again in 7 s.",
    Fault: "Something went wrong on our side. Try again; if it happens again, report when it did.",
    UpstreamFailed: "api.example.com responded with status 500 instead of a document.",
    Unavailable: "The database cannot be reached right now. Try again.",
    UpstreamTooSlow: "api.example.com did not answer within 40 seconds.",
}
_OTHER_EXAMPLES: dict[type[ServiceError], dict[str, Any]] = {
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
KINDS: tuple[type[ServiceError], ...] = (*_SENTENCES, *_OTHER_EXAMPLES)


def response(kind: type[ServiceError]) -> dict[str, Any]:
    """Returns the response for one kind, for `components.responses`."""
    schema = {"$ref": f"#/components/schemas/{_BODIES.get(kind, Error).__name__}"}
    example = _OTHER_EXAMPLES.get(kind) or {"detail": _SENTENCES[kind]}
    described: dict[str, Any] = {
        "description": (kind.__doc__ or "").partition("\n")[0],
        "content": {"application/json": {"schema": schema, "example": example}},
    }
    return described | ({"headers": _HEADERS[kind]} if kind in _HEADERS else {})


def schemas() -> dict[str, Any]:
    """Returns the schemas of the bodies, for `components.schemas`."""
    found: dict[str, Any] = {}
    for model in (Error, *_BODIES.values()):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        found |= schema.pop("$defs", {}) | {model.__name__: schema}
    return found
