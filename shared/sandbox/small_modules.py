"""The small modules that the engine lacks and much code imports: `urllib.parse`, `uuid`, `html`, `string`.

Their functions run on our side, on plain values, and refuse long ones: what they cost is ours.
"""

import html
import string
import urllib.parse
import uuid
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from shared.sandbox.json_values import NotJson, refuse_large
from shared.sandbox.program import CallFailed

_LONGEST = 200_000


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, for arguments that are short enough; what it does not take is told as a TypeError or ValueError."""

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        name = function.__name__
        try:
            refuse_large([args, kwargs], _LONGEST, name)
        except NotJson as error:
            raise CallFailed(f"{name}() takes at most {_LONGEST} characters here.", ValueError) from error
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            raise CallFailed(f"{name}(): {error}", ValueError) from error
        except Exception as error:
            raise CallFailed(f"{name}(): {error}", TypeError) from error

    return bounded


def _parsed(url: str, scheme: str = "", allow_fragments: bool = True) -> urllib.parse.ParseResult:
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance] - agent code calls it
        raise TypeError("a URL must be a text")
    return urllib.parse.urlparse(url, scheme, allow_fragments)


def _unparsed(parts: Sequence[str]) -> str:
    return urllib.parse.urlunparse([str(part) for part in parts])


def _uuid4() -> str:
    return str(uuid.uuid4())


def _uuid1() -> str:
    """Random as well: the real one tells the machine's address."""
    return str(uuid.uuid4())


def _uuid5(namespace: str, name: str) -> str:
    return str(uuid.uuid5(uuid.UUID(namespace), name))


def _uuid(text: str) -> str:
    return str(uuid.UUID(text))


PARSE: dict[str, Callable[..., Any]] = {
    name: _bounded(function)
    for name, function in {
        "quote": urllib.parse.quote,
        "quote_plus": urllib.parse.quote_plus,
        "unquote": urllib.parse.unquote,
        "unquote_plus": urllib.parse.unquote_plus,
        "urlencode": urllib.parse.urlencode,
        "urljoin": urllib.parse.urljoin,
        "parse_qs": urllib.parse.parse_qs,
        "parse_qsl": urllib.parse.parse_qsl,
        "urlunparse": _unparsed,
        "urlparse": _parsed,
    }.items()
}
"""`urllib.parse`."""

UUID: dict[str, Any] = {
    "uuid4": _bounded(_uuid4),
    "uuid1": _bounded(_uuid1),
    "uuid5": _bounded(_uuid5),
    "UUID": _bounded(_uuid),
    "NAMESPACE_DNS": str(uuid.NAMESPACE_DNS),
    "NAMESPACE_URL": str(uuid.NAMESPACE_URL),
}
"""`uuid`; its ids are texts."""

HTML: dict[str, Callable[..., Any]] = {"escape": _bounded(html.escape), "unescape": _bounded(html.unescape)}
"""`html`."""

STRING: dict[str, str] = {
    name: getattr(string, name)
    for name in (
        "ascii_letters",
        "ascii_lowercase",
        "ascii_uppercase",
        "digits",
        "hexdigits",
        "octdigits",
        "printable",
        "punctuation",
        "whitespace",
    )
}
"""`string`: its constants."""
