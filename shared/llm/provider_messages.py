"""Cleans a provider's error message for users: one line, without keys, HTML pages and advice about libraries."""

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
_MAX_READ = 4_000
"""The limit of characters that are examined."""
_PREFIX = re.compile(r"^(?:(?:litellm\.)?(?:\w+Exception )?\w*(?:Error|Exception|Timeout)(?::| -) )*")
_PAGE = re.compile(r"<(?:!doctype|\?xml|/?(?:html|head|body|title|center|div|h1|pre|p|script|style)\b)", re.IGNORECASE)
_SECRET_NAME = re.compile(r"key|secret|token", re.IGNORECASE)
_LIBRARY = re.compile(r"[^.!?]*(?:litellm|drop_params)[^.!?]*(?:[.!?](?=\s|\w)|[.!?]?$)[^\s]*", re.IGNORECASE)
"""A sentence that mentions litellm, which some providers use themselves."""


def secrets_of(route: ModelRoute) -> list[str]:
    """The keys and tokens of a call, which must not be shown."""
    arguments = [value for name, value in route.arguments.items() if _SECRET_NAME.search(name)]
    return [secret for secret in (route.api_key, *arguments) if secret]


def clean_message(message: str, secrets: Iterable[str]) -> str:
    """The message in at most `MAX_MESSAGE_LENGTH` characters; empty if it is not readable for users."""
    message = repair_text(message)[:_MAX_READ]
    message = " ".join("".join(letter if letter.isprintable() else " " for letter in message).split())
    message = _unwrap(_PREFIX.sub("", message))
    if _PAGE.search(message):
        return ""
    for secret in secrets:
        message = message.replace(secret, "[key]")
    message = " ".join(_LIBRARY.sub("", redact(message)).split())
    return shorten(message, MAX_MESSAGE_LENGTH)


def _unwrap(message: str) -> str:
    """The inner message of an error that contains JSON; other messages are returned unchanged."""
    start, end = message.find("{"), message.rfind("}")
    try:
        parsed: Any = json.loads(message[start : end + 1])
    except (ValueError, RecursionError):
        return message
    return error_body(parsed).message or message
