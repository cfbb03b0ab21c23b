"""Reads the errors in providers' responses."""

from typing import Any

from shared.llm.answer import Fault, parse_count
from shared.llm.text import name_of, object_of, text_of

_STATUSES = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "resource_exhausted": 429,
    "server_error": 500,
    "internal_server_error": 500,
    "internal": 500,
    "api_error": 500,
    "vector_store_timeout": 500,
    "unavailable": 503,
    "overloaded_error": 503,
    "overloaded": 503,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "authentication_error": 401,
    "unauthenticated": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "not_found": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "failed_precondition": 400,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "throttlingexception": 429,
    "modelnotreadyexception": 429,
    "servicequotaexceededexception": 429,
    "internalserverexception": 500,
    "modelerrorexception": 500,
    "serviceunavailableexception": 503,
    "modeltimeoutexception": 504,
    "accessdeniedexception": 403,
    "resourcenotfoundexception": 404,
    "validationexception": 400,
}
"""HTTP statuses by the providers' error names, in lower case."""


def find_fault(document: Any) -> Fault | None:
    """Returns the error that a document contains in any of the usual forms, or None."""
    fields = object_of(document)
    error = fields.get("error")
    match error:
        case {**inner} if inner:
            return _read_fault(inner)
        case str() if error.strip():
            return Fault(error)
        case _ if name_of(fields.get("__type")):  # Bedrock's form, with any status
            return _read_fault(fields)
        case _:
            return None


def error_body(document: Any) -> Fault:
    """Returns the error in the body of an error response, in any of the usual forms."""
    if isinstance(document, list) and document:
        return error_body(document[0])
    fields = object_of(document)
    return find_fault(document) or (_read_fault(fields) if fields else Fault())


def _read_fault(error: dict[str, Any]) -> Fault:
    code = error.get("code")
    names = [name_of(code), name_of(error.get("status")), name_of(error.get("type")), name_of(error.get("__type"))]
    status = _read_status(code) or _read_status(error.get("status")) or _read_status(error.get("http_code"))
    for name in names:
        status = status or _STATUSES.get((name or "").rpartition("#")[2].lower())
    message = text_of(error.get("message")) or text_of(error.get("Message")) or text_of(error.get("detail"))
    return Fault(message, next((name for name in names if name), None), status)


def _read_status(value: Any) -> int | None:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3 else value
    number = parse_count(number)
    return number if number is not None and 400 <= number <= 599 else None
