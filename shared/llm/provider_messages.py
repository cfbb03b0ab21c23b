"""Cleans a provider's error message for users: one line, without keys, HTML pages or advice about libraries."""

import json
import re
from collections.abc import Iterable
from typing import Any

from shared.llm.catalog import ModelRoute
from shared.llm.forms.faults import error_body
from shared.llm.text import repair_text
from shared.redaction import redact
from shared.text import shorten

MAX_MESSAGE_LENGTH = 300
"""The maximum length of a cleaned message, in characters."""
_MAX_READ = 4_000
"""The maximum number of characters that are examined."""
_PREFIX = re.compile(r"^(?:(?:litellm\.)?(?:\w+Exception )?\w*(?:Error|Exception|Timeout)(?::| -) )*")
_PAGE = re.compile(r"<(?:!doctype|\?xml|/?(?:html|head|body|title|center|div|h1|pre|p|script|style)\b)", re.IGNORECASE)
_IMAGE = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]*|[A-Za-z0-9+/=]{200,}", re.IGNORECASE)
"""Matches an image that a provider quotes, as a URL or only its base64."""
_SECRET_NAME = re.compile(r"key|secret|token", re.IGNORECASE)
_LIBRARY = re.compile(r"[^.!?]*(?:litellm|drop_params)[^.!?]*(?:[.!?](?=\s|\w)|[.!?]?$)[^\s]*", re.IGNORECASE)
"""Matches a sentence that mentions litellm, which some providers use themselves."""


def secrets_of(route: ModelRoute) -> list[str]:
    """Returns the keys and tokens of a call, which must not be shown."""
    arguments = [value for name, value in route.arguments.items() if _SECRET_NAME.search(name)]
    return [secret for secret in (route.api_key, *arguments) if secret]


def clean_message(message: str, secrets: Iterable[str]) -> str:
    """Returns at most `MAX_MESSAGE_LENGTH` characters of the message; empty if users could not read it."""
    message = _IMAGE.sub("[image]", repair_text(message)[:_MAX_READ])
    message = " ".join("".join(character if character.isprintable() else " " for character in message).split())
    message = _unwrap(_PREFIX.sub("", message))
    if _PAGE.search(message):
        return ""
    for secret in secrets:
        message = message.replace(secret, "[key]")
    message = " ".join(_LIBRARY.sub("", redact(message)).split())
    return shorten(message, MAX_MESSAGE_LENGTH)


def _unwrap(message: str) -> str:
    """Returns the inner message of an error that contains JSON. Other messages are returned unchanged."""
    start, end = message.find("{"), message.rfind("}")
    try:
        parsed: Any = json.loads(message[start : end + 1])
    except (ValueError, RecursionError):
        return message
    return repair_text(error_body(parsed).message or message)
