"""What an error says in OpenAI's form: a message, and a type, a code and a field for programs."""

from typing import Any

from shared.models.errors import AllowanceSpent, InvalidInput, ServiceError

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    499: "invalid_request_error",
}
_CODES = {
    400: "invalid_value",
    401: "invalid_api_key",
    402: "insufficient_quota",
    403: "permission_denied",
    405: "method_not_allowed",
    409: "conflict",
    413: "request_too_large",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
    504: "timeout",
}


def describe_error(error: ServiceError) -> dict[str, Any]:
    """Returns the fields of `error` in a response, and in a stream that ends with it."""
    message = error.summary if isinstance(error, InvalidInput) else error.message
    if isinstance(error, AllowanceSpent):
        return describe(402, message)
    described = describe(error.status, message)
    for name in ("param", "code"):
        if (value := getattr(error, name, None)) is not None:
            described[name] = value
    return described


def describe(status: int, message: str, param: str | None = None) -> dict[str, Any]:
    """Returns the fields of an error with this status."""
    return {
        "message": message,
        "type": _TYPES.get(status, "server_error"),
        "param": param,
        "code": _CODES.get(status),
    }
