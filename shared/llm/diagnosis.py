"""Reads what litellm raised: may the queue try again, and what is the user told?"""

import re

from litellm import exceptions

from shared.llm.failures import ModelFailure

_MAX_WORDS = 300
_SECRETS = re.compile(
    r"(?i)\b(?:sk|pk|rk|key|pplx|xai|gsk|AKIA|AIza)[-_A-Za-z0-9]*[A-Za-z0-9*]{8,}|bearer\s+\S+|[A-Za-z0-9_\-]{40,}"
)
_PREFIX = re.compile(r"^(?:litellm\.)?\w+(?:Error|Exception|Timeout)?: (?:litellm\.\w+: )*(?:\w+Exception - )?")


def model_failure(error: Exception, provider: str, secret: str | None) -> ModelFailure:
    """Sorts what litellm raised. `secret`: the key of the call, which is struck out of every sentence."""
    status = getattr(error, "status_code", None)
    said = provider_words(error, secret)
    match error:
        case exceptions.RateLimitError() if _quota_is_spent(error):
            return ModelFailure(f"The account at {provider} has no quota left.", transient=False)
        case exceptions.RateLimitError():
            message = f"{provider} is receiving too many requests."
            return ModelFailure(message, transient=True, retry_after=_retry_after(error))
        case exceptions.Timeout() | TimeoutError():
            return ModelFailure(f"{provider} took too long to answer.", transient=True)
        case exceptions.AuthenticationError() | exceptions.PermissionDeniedError():
            return ModelFailure(f"{provider} does not accept this service's key for the model.", transient=False)
        case exceptions.NotFoundError():
            return ModelFailure(f"{provider} does not know the model: {said}", transient=False)
        case exceptions.ContentPolicyViolationError():
            return ModelFailure(f"{provider} refused the content of the chat: {said}", transient=False)
        case exceptions.ContextWindowExceededError():
            return ModelFailure(f"The chat is too long for the model: {said}", transient=False)
        case exceptions.PaymentRequiredError():
            return ModelFailure(f"The account at {provider} has no credit left.", transient=False)
        case _ if isinstance(status, int) and 400 <= status < 500 and status not in (408, 409, 425, 429):
            return ModelFailure(f"{provider} did not take the request: {said}", transient=False)
        case _ if isinstance(status, int):
            return ModelFailure(f"{provider} could not answer.", transient=True, retry_after=_retry_after(error))
        case _:
            return ModelFailure(f"The answer of {provider} could not be understood.", transient=False)


def provider_words(error: Exception, secret: str | None) -> str:
    """The provider's own message in one line, without litellm's prefix and without anything like a key."""
    words = " ".join(str(getattr(error, "message", error)).split())
    words = _PREFIX.sub("", words)
    if secret:
        words = words.replace(secret, "[key]")
    words = _SECRETS.sub("[hidden]", words)
    return words if len(words) <= _MAX_WORDS else words[: _MAX_WORDS - 1] + "…"


def _quota_is_spent(error: Exception) -> bool:
    """OpenAI tells a spent account by the same status as too many requests, and this code."""
    return "insufficient_quota" in str(error)


def _retry_after(error: Exception) -> int | None:
    """The `Retry-After` header in seconds; None without one, or when it is a date."""
    value = getattr(getattr(error, "response", None), "headers", {}).get("retry-after", "")
    return int(value) if value.isdigit() else None
