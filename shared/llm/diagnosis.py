"""Classifies the failure of a call: whether the queue may try again, and which message the user gets.

Users may see messages of the provider, but never those of a library.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from shared.llm.answer import Fault
from shared.llm.catalog import ModelRoute
from shared.llm.engine import exceptions
from shared.llm.exchange import Exchange
from shared.llm.failures import ModelFailure
from shared.llm.forms import error_body
from shared.llm.provider_messages import clean_message, secrets_of
from shared.llm.results import parse_json
from shared.llm.text import text_of
from shared.models.chat import ChatRequest

_RETRIABLE = {408, 409, 425, 429, 499}
"""The 4xx statuses of temporary failures."""
_LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}
_NO_QUOTA = ("insufficient_quota", "billing_hard_limit_reached")
"""OpenAI's codes for an account without credit, which it reports with the same status as too many requests."""
_TOO_LONG_CODES = {"context_length_exceeded", "string_above_max_length", "request_too_large"}
_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size)|(?:prompt|input) is too long|too many (?:input )?tokens"
    r"|maximum (?:number of )?(?:input )?tokens|input token count",
    re.IGNORECASE,
)
_REFUSED_CODES = {"content_policy_violation", "content_filter", "responsibleaipolicyviolation", "moderation"}


@dataclass(frozen=True)
class Hints:
    """litellm's classification of a provider's error."""

    too_long: bool = False
    refused: bool = False


def diagnose(error: Exception, exchange: Exchange, route: ModelRoute, request: ChatRequest) -> ModelFailure:
    """Returns the failure that caused an error of litellm, based on the observed exchange. Its cost is not set yet."""
    if exchange.too_long:
        return ModelFailure(f"The answer from {route.provider_name} is too long: {exchange.too_long}.", transient=False)
    if exchange.status is not None and exchange.status >= 300:
        hints = Hints(
            too_long=isinstance(error, exceptions.ContextWindowExceededError),
            refused=isinstance(error, exceptions.ContentPolicyViolationError),
        )
        return diagnose_fault(_read_fault(exchange), exchange.status, route, hints, _read_retry_after(exchange.headers))
    if _has_cause(error, TimeoutError, httpx.TimeoutException, exceptions.Timeout):
        return ModelFailure(f"{route.provider_name} took too long to answer.", transient=True)
    if exchange.request is None:
        return _diagnose_unsent(error, route, request)
    if _has_cause(error, httpx.DecodingError):
        return diagnose_unreadable(route)
    return ModelFailure(
        f"The connection to {route.provider_name} was lost before the answer was complete.", transient=True
    )


def diagnose_fault(
    fault: Fault, status: int | None, route: ModelRoute, hints: Hints | None = None, retry_after: int | None = None
) -> ModelFailure:
    """Returns the failure for a provider's status and code. If `status` is None, the fault's own status is used."""
    provider, hints = route.provider_name, hints or Hints()
    reason = clean_message(fault.message, secrets_of(route))
    code = (fault.code or "").lower()
    status = status or fault.status

    def permanent(message: str, *, with_reason: bool = False) -> ModelFailure:
        return ModelFailure(f"{message}: {reason}" if with_reason and reason else f"{message}.", transient=False)

    def temporary(message: str) -> ModelFailure:
        return ModelFailure(message, transient=True, retry_after=retry_after)

    match status:
        case _ if hints.too_long or code in _TOO_LONG_CODES or (status in (400, 413, 422) and _TOO_LONG.search(reason)):
            tokens = f", which accepts at most {route.info.context_window} tokens" if route.info.context_window else ""
            return permanent(f"This is too long for {route.name}{tokens}. Shorten it, or choose another model")
        case _ if hints.refused or code in _REFUSED_CODES:
            return permanent(f"{provider} refused the content of the chat", with_reason=True)
        case 429 | None if code in _NO_QUOTA or any(word in reason for word in _NO_QUOTA):
            return permanent(f"The account at {provider} has no quota left")
        case 429:
            return temporary(f"{provider} is receiving too many requests.")
        case 408 | 504:
            return temporary(f"{provider} took too long to answer.")
        case 401:
            return permanent(f"{provider} does not accept this service's key")
        case 403:
            return permanent(f"{provider} does not allow this request", with_reason=True)
        case 402:
            return permanent(f"The account at {provider} has no credit left")
        case 404:
            return permanent(f"{provider} does not know the model", with_reason=True)
        case int() if 300 <= status < 400:
            return permanent(f"{provider} redirects this service to another address")
        case int() if 400 <= status < 500 and status not in _RETRIABLE:
            return permanent(f"{provider} did not accept the request", with_reason=True)
        case _:
            return temporary(f"{provider} could not answer.")


def diagnose_unreadable(route: ModelRoute) -> ModelFailure:
    """Returns the failure for an unusable response, such as an error page of a proxy or an incomplete document."""
    return ModelFailure(f"The answer from {route.provider_name} could not be understood.", transient=True)


def _diagnose_unsent(error: Exception, route: ModelRoute, request: ChatRequest) -> ModelFailure:
    provider = route.provider_name
    if (address := _local_address(route)) and _has_cause(error, ConnectionRefusedError):
        return ModelFailure(f"{provider} does not respond at {address}. Is it running?", transient=True)
    if _has_cause(error, httpx.TransportError, OSError):
        return ModelFailure(f"{provider} could not be reached.", transient=True)
    if getattr(error, "status_code", None) in (401, 403):
        return ModelFailure(f"{provider} does not accept this service's key.", transient=False)
    # litellm could not build the request, so another attempt would fail in the same way.
    mentioned = [name for name in request.parameters if re.search(rf"\b{re.escape(name)}\b", str(error))]
    suffix = f" with these parameters: {', '.join(mentioned)}" if mentioned else ""
    return ModelFailure(f"{route.name} does not accept this kind of request{suffix}.", transient=False)


def _read_fault(exchange: Exchange) -> Fault:
    """Returns the fault in the body of an error response, which may be JSON or plain text."""
    document = parse_json(exchange.body)
    if document is None:
        return Fault(text_of((exchange.body or b"").decode("utf-8", "replace")))
    return error_body(document)


def _local_address(route: ModelRoute) -> str | None:
    """Returns the address of a free model's server on this machine, or None: other addresses are not shown."""
    address = urlsplit(route.base_url or "")
    if route.charged or address.hostname not in _LOCAL_HOSTS:
        return None
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


def _has_cause(error: BaseException | None, *kinds: type[BaseException]) -> bool:
    """Whether the error or one of its causes is of these kinds. litellm, openai and httpx wrap each other's errors."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kinds):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _read_retry_after(headers: dict[str, str]) -> int | None:
    """Returns the `Retry-After` header in seconds, at most a day, or None if it is missing or a date."""
    value: Any = headers.get("retry-after", "").strip()
    return min(int(value), 86_400) if value.isascii() and value.isdigit() and len(value) < 10 else None
