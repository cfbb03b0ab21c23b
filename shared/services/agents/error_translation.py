"""Translates errors of host functions into `CallFailed`, with a message for the agent's author.

Where possible, the class that the agent's code catches is one of Python's own or of httpx.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar

from pydantic import ValidationError

from shared.llm.catalog import CatalogError
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.errors import ServiceError
from shared.outbound import errors as outbound
from shared.sandbox import CallFailed
from shared.services.accounts.run_budgets import BudgetSpent

_log = get_logger("running")
P = ParamSpec("P")
T = TypeVar("T")

_MUST_BE = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a dict",
    "model_type": "a dict",
    "model_attributes_type": "a dict",
    "string_too_short": "a non-empty string",
    "too_short": "a non-empty list",
}
"""Maps pydantic's error types to what the value must be."""


def raise_call_failed(call: Callable[P, Coroutine[Any, Any, T]]) -> "Callable[P, CoroutineType[Any, Any, T]]":
    """Decorates a host function so that it raises every error as a `CallFailed`."""

    @wraps(call)
    async def translate_errors(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await call(*args, **kwargs)
        except CallFailed:
            raise
        except Exception as error:
            raise to_call_failed(error) from error

    return translate_errors


def to_call_failed(error: Exception) -> CallFailed:
    """Returns the error that agent code sees. Logs unexpected errors, which are faults of this service."""
    match error:
        case outbound.TooSlow():
            return CallFailed(error.message, TimeoutError, name="TimeoutException")
        case outbound.Unreachable():
            return CallFailed(error.message, ConnectionError, name="ConnectError")
        case outbound.AddressRefused():
            return CallFailed(error.message, PermissionError)
        case outbound.BadAddress() | outbound.BadRequest() | outbound.TooLong():
            return CallFailed(error.message, ValueError)
        case outbound.OutboundError() | ModelFailure() | CatalogError() | ServiceError():
            return CallFailed(error.message, cause=error)
        case BudgetSpent():
            return CallFailed(str(error), cause=error)
        case ValidationError():
            return CallFailed(_describe(error), ValueError)
        case _:
            _log.exception("A host function failed")
            return CallFailed("Something went wrong on our side.", cause=error)


def _describe(error: ValidationError) -> str:
    """Describes the first problem. Pydantic's own message is written for the service's developers, not the agent's."""
    problem = error.errors(include_url=False)[0]
    location = ".".join(str(part) for part in problem["loc"]) or "A message"
    if problem["type"] == "missing":
        return f"{location} is missing."
    if problem["type"] == "literal_error":
        return f"{location} must be {problem.get('ctx', {}).get('expected')}."
    must_be = _MUST_BE.get(problem["type"])
    return f"{location} must be {must_be}." if must_be else f"{location} is not a valid value."
