"""A provider's own words about a failure, as they may be shown: one line, without keys, pages and libraries' advice."""

import json
import re
from collections.abc import Iterable
from typing import Any

from shared.llm.catalog import ModelRoute
from shared.llm.forms.faults import error_body
from shared.llm.text import repair_text
from shared.redaction import redact
from shared.text import shorten

MAX_WORDS_LENGTH = 300
_MAX_READ = 4_000
"""Characters that are looked at."""
_PREFIX = re.compile(r"^(?:(?:litellm\.)?(?:\w+Exception )?\w*(?:Error|Exception|Timeout)(?::| -) )*")
_PAGE = re.compile(r"<(?:!doctype|\?xml|/?(?:html|head|body|title|center|div|h1|pre|p|script|style)\b)", re.IGNORECASE)
_SECRET_NAME = re.compile(r"key|secret|token", re.IGNORECASE)
_LIBRARY = re.compile(r"[^.!?]*(?:litellm|drop_params)[^.!?]*(?:[.!?](?=\s|\w)|[.!?]?$)[^\s]*", re.IGNORECASE)
"""A sentence that mentions the library that calls, which some providers call through themselves."""


def secrets_of(route: ModelRoute) -> list[str]:
    """What a call must not show: its keys and tokens."""
    arguments = [value for name, value in route.arguments.items() if _SECRET_NAME.search(name)]
    return [secret for secret in (route.api_key, *arguments) if secret]


def clean_message(words: str, secrets: Iterable[str]) -> str:
    """At most `MAX_WORDS_LENGTH` characters; empty for what is no sentence for people."""
    words = repair_text(words)[:_MAX_READ]
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    words = _unwrap(_PREFIX.sub("", words))
    if _PAGE.search(words):
        return ""
    for secret in secrets:
        words = words.replace(secret, "[key]")
    words = " ".join(_LIBRARY.sub("", redact(words)).split())
    return shorten(words, MAX_WORDS_LENGTH)


def _unwrap(words: str) -> str:
    """The message of an error that came as JSON within a text; other words as they are."""
    start, end = words.find("{"), words.rfind("}")
    try:
        parsed: Any = json.loads(words[start : end + 1])
    except (ValueError, RecursionError):
        return words
    return error_body(parsed).message or words
