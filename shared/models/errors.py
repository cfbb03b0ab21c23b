"""Errors of the domain: each knows its HTTP status and a sentence for the person who has to act.

`shared.web.errors` alone turns them into responses. Messages must hold no secret and no message content.
"""


class ServiceError(Exception):
    """The base; never raised itself. `retry_after` is in seconds and becomes the `Retry-After` header."""

    status = 500

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class BadRequest(ServiceError):
    """It parses, but cannot be served as it is."""

    status = 400


class Unauthenticated(ServiceError):
    """No token, or one that does not hold."""

    status = 401


class AllowanceSpent(ServiceError):
    """Nothing is left to pay for it."""

    status = 402


class Forbidden(ServiceError):
    """Known, and not allowed."""

    status = 403


class NotFound(ServiceError):
    """Unknown, or somebody else's: the two must look the same."""

    status = 404


class Conflict(ServiceError):
    """Somebody else was faster, or has it."""

    status = 409


class TooLarge(ServiceError):
    """More bytes than the limit."""

    status = 413


class ComeAgain(ServiceError):
    """For the queue: not done yet. A 429 or 503 would make Cloud Tasks slow down the whole queue."""

    status = 425


class TooManyRequests(ServiceError):
    """Again after `retry_after` seconds."""

    status = 429


class Unavailable(ServiceError):
    """Not accepted now; the same request may be sent again."""

    status = 503
