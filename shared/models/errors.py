"""Domain errors. Each has an HTTP status and a sentence for the user.

Only `shared.web.errors` turns them into responses. Messages must not contain secrets or the content of chats.
"""

from collections.abc import Sequence
from typing import Any


class ServiceError(Exception):
    """The base class of these errors, never raised itself. `retry_after`: seconds for the `Retry-After` header.

    `body`: the response's fields in addition to `detail`. `headers`: additional response headers. `replayed`: whether
    an earlier request with the same `Idempotency-Key` failed with this error.
    """

    status = 500

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.body: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.replayed = False


class BadRequest(ServiceError):
    """The request is well formed, but cannot be served."""

    status = 400


class Unauthenticated(ServiceError):
    """The token is missing or invalid."""

    status = 401


class AllowanceSpent(ServiceError):
    """The payer's allowance does not cover the request."""

    status = 402


class KeyBudgetSpent(AllowanceSpent):
    """The budget of the caller's API key does not cover the request."""


class Forbidden(ServiceError):
    """The caller is authenticated, but not allowed to do this."""

    status = 403


class NotFound(ServiceError):
    """The resource does not exist, or belongs to another user: the two cases must look the same."""

    status = 404


class Conflict(ServiceError):
    """Another request changed the resource first, or the name is already in use."""

    status = 409


class RunUnderWay(Conflict):
    """An earlier request with the same `Idempotency-Key` is still running."""

    def __init__(self, run_id: str, retry_after: int) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is still running. "
            f"Send the request again in {retry_after} s to get the response.",
            retry_after=retry_after,
        )
        self.body = {"run_id": run_id}


class ResponseNotStored(Conflict):
    """An earlier request with the same `Idempotency-Key` had a response that was too long to be stored."""

    def __init__(self, run_id: str, size: int, limit: int) -> None:
        super().__init__(
            f"The response to the first request with this Idempotency-Key had {size} bytes. At most {limit} are "
            "stored, so it cannot be sent again. To run the agent again, send another key."
        )
        self.body = {"run_id": run_id}


class TooLarge(ServiceError):
    """The body has more bytes than allowed."""

    status = 413


class TooEarly(ServiceError):
    """The queue should deliver the task again later. A 429 or 503 would make Cloud Tasks slow down the whole queue."""

    status = 425


class TooManyRequests(ServiceError):
    """A rate limit is exceeded: the caller should try again after `retry_after` seconds."""

    status = 429


class TooManyChats(TooManyRequests):
    """The caller has as many unfinished chats as allowed."""


class DeploymentBudgetSpent(TooManyRequests):
    """A published agent's daily budget is spent, or held by running calls."""


class Unavailable(ServiceError):
    """The request was not accepted, and may be sent again later."""

    status = 503


class NotStarted(Unavailable):
    """The request was not accepted, and nothing was read or written for it."""


class OutcomeUnknown(Unavailable):
    """The chat may have been accepted: the caller should look up `ticket_id` before sending the request again."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__(
            "The chat may have been accepted: the database became unavailable during the request. Look up the ticket "
            f"{ticket_id} before you send the chat again, or send it again with the same Idempotency-Key.",
            retry_after=5,
        )
        self.body = {"ticket_id": ticket_id}


class NoRunSlot(Unavailable):
    """This process has no free run slot. Nothing has started."""


class InvalidInput(ServiceError):
    """The input does not match its schema. `problems`: the type, path and message of each, in FastAPI's format."""

    status = 422

    def __init__(self, problems: Sequence[tuple[str, tuple[str | int, ...], str]]) -> None:
        super().__init__("The input does not match its schema.")
        self.problems = problems
        self.body = {"detail": [{"type": kind, "loc": ["body", *loc], "msg": msg} for kind, loc, msg in problems]}

    @property
    def summary(self) -> str:
        """The problems as one line of text."""
        named = (("".join(f"{part}." for part in loc)[:-1], msg) for _, loc, msg in self.problems[:5])
        return "; ".join(f"{name}: {msg}" if name else msg for name, msg in named)


class CodeFailed(ServiceError):
    """The agent's code failed, and its author has to fix it. `error` is "TypeName: message".

    `traceback` contains only lines of that code. `engine`: the engine that ran the code.
    """

    status = 400

    def __init__(self, error: str, logs: list[str], traceback: str, engine: str) -> None:
        super().__init__(f"The code failed: {error}")
        self.body = {"error": error, "logs": logs, "traceback": traceback, "engine": engine}


class AgentFailed(ServiceError):
    """A published agent failed. The caller gets the run's id, with which the author finds the run in the log."""

    status = 500

    def __init__(self, run_id: str, message: str | None = None) -> None:
        super().__init__(message or f"The agent failed. Its run is {run_id}; the log says why.")
        self.body = {"run_id": run_id}


class RunInterrupted(AgentFailed):
    """The run of an earlier request with the same `Idempotency-Key` was interrupted."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            run_id,
            "The first request with this Idempotency-Key was interrupted. It is unknown what the run did until then, "
            f"so it is not repeated. Its run is {run_id}. To run the agent again, send another key.",
        )


class CallerDisconnected(ServiceError):
    """The caller no longer waits for the response. The status only appears in the log."""

    status = 499


class UpstreamFailed(ServiceError):
    """A third-party server failed, or its response was unusable."""

    status = 502


class UpstreamTooSlow(ServiceError):
    """A third-party server took too long."""

    status = 504
