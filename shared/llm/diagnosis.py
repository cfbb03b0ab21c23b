"""Reads what litellm raised: may the queue try again, and what is the user told?"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from shared.llm.catalog import ModelRoute
from shared.llm.catalog.data import curated
from shared.llm.engine import exceptions
from shared.llm.failures import ModelFailure
from shared.redaction import redacted

_MAX_WORDS = 300
_PREFIX = re.compile(r"^(?:(?:litellm\.)?(?:\w+Exception )?\w*(?:Error|Exception|Timeout)(?::| -) )*")
_RETRIABLE = {408, 409, 425, 429, 499}
"""Of the 4xx, those that time may heal."""
_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}
_NO_QUOTA = ("insufficient_quota", "billing_hard_limit_reached")
"""OpenAI tells an empty account by the same status as too many requests."""


def model_failure(error: Exception, route: ModelRoute) -> ModelFailure:
    """Sorts by litellm's class where that knows more, and else by the status and the code that the provider sent.

    The key of the call is struck out of every sentence.
    """
    provider = route.provider
    status, code = getattr(error, "status_code", None), _code(error)
    words = provider_words(error, route.api_key)

    def lasting(message: str) -> ModelFailure:
        return ModelFailure(message, transient=False)

    def passing(message: str) -> ModelFailure:
        return ModelFailure(message, transient=True, retry_after=_retry_after(error))

    match status:
        case _ if isinstance(error, exceptions.Timeout | TimeoutError):
            return passing(f"{provider} took too long to answer.")
        case _ if isinstance(error, exceptions.ContextWindowExceededError) or code == "context_length_exceeded":
            tokens = f", which takes {route.info.context_window} tokens" if route.info.context_window else ""
            return lasting(f"This is too long for {route.name}{tokens}. Shorten it, or choose another model.")
        case _ if isinstance(error, exceptions.ContentPolicyViolationError) or code == "content_policy_violation":
            return lasting(f"{provider} refused the content of the chat: {words}")
        case 429 if code in _NO_QUOTA or any(word in words for word in _NO_QUOTA):
            return lasting(f"The account at {provider} has no quota left.")
        case 429:
            return passing(f"{provider} is receiving too many requests.")
        case 401:
            return lasting(f"{provider} does not accept this service's key.")
        case 403:
            return lasting(f"{provider} does not allow it: {words}")
        case 402:
            return lasting(f"The account at {provider} has no credit left.")
        case 404:
            return lasting(f"{provider} does not know the model: {words}")
        case int() if 400 <= status < 500 and status not in _RETRIABLE:
            return lasting(f"{provider} did not take the request: {words}")
        case _ if (address := _local_address(route)) and _is_refused(error):
            return passing(f"{curated(provider).name} does not answer at {address}. Is it running?")
        case int():
            return passing(f"{provider} could not answer.")
        case _:
            return passing(f"The answer of {provider} could not be understood.")


def _local_address(route: ModelRoute) -> str | None:
    """Where a free model's server would be on this machine; None for all others, whose addresses are not told."""
    address = urlsplit(route.base_url or "")
    if route.charged or address.hostname not in _THIS_MACHINE:
        return None
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


def _is_refused(error: BaseException | None) -> bool:
    """Whether nothing listens there: litellm, openai and httpx each wrap the error of the one below."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False


def provider_words(error: Exception, secret: str | None) -> str:
    """The provider's own message in one line, without litellm's prefix and without anything like a key."""
    words = " ".join(str(getattr(error, "message", error)).split())
    words = _message_of(_PREFIX.sub("", words))
    if secret:
        words = words.replace(secret, "[key]")
    words = redacted(words)
    return words if len(words) <= _MAX_WORDS else words[: _MAX_WORDS - 1] + "…"


def _message_of(words: str) -> str:
    """The `message` of an error that came as JSON, which litellm passes on as text; other words as they are."""
    start, end = words.find("{"), words.rfind("}")
    try:
        parsed: Any = json.loads(words[start : end + 1])
    except ValueError:
        return words
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
    message: Any = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else words


def _code(error: Exception) -> str | None:
    """The `code` of OpenAI's error shape."""
    body: Any = getattr(error, "body", None)
    return body.get("code") if isinstance(body, dict) else None


def _retry_after(error: Exception) -> int | None:
    """The `Retry-After` header in seconds; None without one, or when it is a date."""
    headers: Mapping[str, str] = getattr(error, "litellm_response_headers", None) or {}
    value = headers.get("retry-after", "")
    return int(value) if value.isdigit() else None
