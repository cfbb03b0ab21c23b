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

from shared.sandbox.inside.calls import CallFailed
from shared.sandbox.inside.json_values import NotJson, refuse_large

_LONGEST = 200_000


class ParseResult:
    """What `urllib.parse.urlparse` gives, by name."""

    shows = ("scheme", "netloc", "path", "params", "query", "fragment", "hostname", "port", "username", "password")
    methods = ("geturl",)

    def __init__(self, parsed: Any) -> None:
        for name in self.shows:
            try:
                setattr(self, name, getattr(parsed, name))
            except ValueError:  # a port that is none
                setattr(self, name, None)
        self._url = parsed.geturl()

    def geturl(self) -> str:
        return self._url


def _bounded(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function, for arguments that are short enough; what it does not take is told as a TypeError or ValueError."""

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        try:
            refuse_large([args, kwargs], _LONGEST, name)
        except NotJson as error:
            raise CallFailed(f"{name}() takes at most {_LONGEST} characters here.", ValueError) from error
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            raise CallFailed(f"{name}(): {error}", ValueError) from error
        except Exception as error:
            words = str(error).removeprefix(f"{function.__name__}()").strip()
            raise CallFailed(f"{name}(): {words}", TypeError) from error

    bounded.__name__ = name
    return bounded


def _quote(string: str | bytes, safe: str = "/") -> str:
    """No encoding is taken: some of Python's take quadratic time."""
    return urllib.parse.quote(string, safe)


def _quote_plus(string: str | bytes, safe: str = "") -> str:
    return urllib.parse.quote_plus(string, safe)


def _unquote(string: str) -> str:
    return urllib.parse.unquote(string)


def _unquote_plus(string: str) -> str:
    return urllib.parse.unquote_plus(string)


def _urlencode(query: Any, doseq: bool = False, safe: str = "") -> str:
    return urllib.parse.urlencode(query, doseq, safe)


def _parse_qs(qs: str, keep_blank_values: bool = False) -> dict[str, list[str]]:
    return urllib.parse.parse_qs(qs, keep_blank_values)


def _parse_qsl(qs: str, keep_blank_values: bool = False) -> list[tuple[str, str]]:
    return urllib.parse.parse_qsl(qs, keep_blank_values)


def _urljoin(base: str, url: str) -> str:
    return urllib.parse.urljoin(base, url)


def _parsed(url: str) -> urllib.parse.ParseResult:
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance] - agent code calls it
        raise TypeError("a URL must be a text")
    return urllib.parse.urlparse(url)


def _escape(s: str, quote: bool = True) -> str:
    return html.escape(s, quote)


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
    name: _bounded(function, name)
    for name, function in {
        "quote": _quote,
        "quote_plus": _quote_plus,
        "unquote": _unquote,
        "unquote_plus": _unquote_plus,
        "urlencode": _urlencode,
        "urljoin": _urljoin,
        "parse_qs": _parse_qs,
        "parse_qsl": _parse_qsl,
        "urlunparse": _unparsed,
        "urlparse": _parsed,
    }.items()
}
"""`urllib.parse`."""

UUID: dict[str, Any] = {
    "uuid4": _bounded(_uuid4, "uuid4"),
    "uuid1": _bounded(_uuid1, "uuid1"),
    "uuid5": _bounded(_uuid5, "uuid5"),
    "UUID": _bounded(_uuid, "UUID"),
    "NAMESPACE_DNS": str(uuid.NAMESPACE_DNS),
    "NAMESPACE_URL": str(uuid.NAMESPACE_URL),
}
"""`uuid`; its ids are texts."""

HTML: dict[str, Callable[..., Any]] = {
    "escape": _bounded(_escape, "escape"),
    "unescape": _bounded(html.unescape, "unescape"),
}
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
