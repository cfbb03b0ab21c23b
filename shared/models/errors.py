"""Errors of the domain: each knows its HTTP status and a sentence for the person who has to act.

`shared.web.errors` alone turns them into responses. Messages must hold no secret and no message content.
"""

from collections.abc import Sequence
from typing import Any


class ServiceError(Exception):
    """The base class; never raised itself. `retry_after` is in seconds and becomes the `Retry-After` header.

    `body`: fields of the answer beside `detail`. `headers`: additional headers of the answer. `replayed`: the
    same request got this error before, under its `Idempotency-Key`.
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
    """Well formed, but it cannot be served as it is."""

    status = 400


class Unauthenticated(ServiceError):
    """No token, or an invalid one."""

    status = 401


class AllowanceSpent(ServiceError):
    """The payer's allowance does not cover it."""

    status = 402


class Forbidden(ServiceError):
    """The caller is known, but not allowed to do this."""

    status = 403


class NotFound(ServiceError):
    """It does not exist, or belongs to another user: the two must look the same."""

    status = 404


class Conflict(ServiceError):
    """Another request was faster, or something already has the name."""

    status = 409


class RunUnderWay(Conflict):
    """The same request came before under its `Idempotency-Key`, and is not answered yet."""

    def __init__(self, run_id: str, retry_after: int) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is still running. "
            f"Send it again in {retry_after} s to get its answer.",
            retry_after=retry_after,
        )
        self.body = {"run_id": run_id}


class AnswerNotKept(Conflict):
    """The same request came before under its `Idempotency-Key`, and its answer was too long to be kept."""

    def __init__(self, run_id: str, size: int, limit: int) -> None:
        super().__init__(
            f"The first request with this Idempotency-Key was answered with {size} bytes; at most {limit} are kept, so "
            "it cannot be answered again. To run the agent again, send another key."
        )
        self.body = {"run_id": run_id}


class TooLarge(ServiceError):
    """More bytes than allowed."""

    status = 413


class TooEarly(ServiceError):
    """For the queue: not done yet. A 429 or 503 would make Cloud Tasks slow down the whole queue."""

    status = 425


class TooManyRequests(ServiceError):
    """Try again after `retry_after` seconds."""

    status = 429


class DeploymentBudgetSpent(TooManyRequests):
    """A published agent's daily budget is spent, or held by running calls."""


class Unavailable(ServiceError):
    """Not accepted now; the same request may be sent again later."""

    status = 503


class NeverBegun(Unavailable):
    """Not accepted now, and nothing was read or written for it."""


class OutcomeUnknown(Unavailable):
    """Not accepted now, and may be sent again; with a `ticket_id` it may have been accepted: look that up first."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__(
            "The chat may have been accepted: the database could not be reached in the middle of it. Look up the ticket"
            f" {ticket_id} before you send the chat again, or send it again with the same Idempotency-Key.",
            retry_after=5,
        )
        self.body = {"ticket_id": ticket_id}


class NoRoom(Unavailable):
    """Too much is running in this process. Nothing has begun."""


class InvalidInput(ServiceError):
    """Input that does not fit its schema. `problems`: (type, path, message) of each, shown as FastAPI does."""

    status = 422

    def __init__(self, problems: Sequence[tuple[str, tuple[str | int, ...], str]]) -> None:
        super().__init__("The input does not fit.")
        self.problems = problems
        self.body = {"detail": [{"type": kind, "loc": ["body", *loc], "msg": msg} for kind, loc, msg in problems]}

    @property
    def summary(self) -> str:
        """The problems in one sentence."""
        named = (("".join(f"{part}." for part in loc)[:-1], msg) for _, loc, msg in self.problems[:5])
        return "; ".join(f"{name}: {msg}" if name else msg for name, msg in named)


class CodeFailed(ServiceError):
    """Code that its author has to fix: `error` is "TypeName: message", the traceback the code's own lines.

    `engine`: which one ran it.
    """

    status = 400

    def __init__(self, error: str, logs: list[str], traceback: str, engine: str) -> None:
        super().__init__(f"The code failed: {error}")
        self.body = {"error": error, "logs": logs, "traceback": traceback, "engine": engine}


class AgentFailed(ServiceError):
    """A published agent failed. The caller gets the run's id, by which the author finds it in the log."""

    status = 500

    def __init__(self, run_id: str, message: str | None = None) -> None:
        super().__init__(message or f"The agent failed. Its run is {run_id}; the log says why.")
        self.body = {"run_id": run_id}


class RunInterrupted(AgentFailed):
    """The same request came before under its `Idempotency-Key`, and its run died."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            run_id,
            "The first request with this Idempotency-Key was interrupted. What it did before is not known, so it is "
            f"not run again. Its run is {run_id}. To run the agent again, send another key.",
        )


class CallerLeft(ServiceError):
    """The caller no longer waits for the answer. The status only appears in the log."""

    status = 499


class UpstreamFailed(ServiceError):
    """A server that we called failed, or its answer was unusable."""

    status = 502


class UpstreamTooSlow(ServiceError):
    """A server that we called took too long."""

    status = 504
