"""Pages of lists, and page tokens, which encode in a header where a page ended.

Tokens are not secret and grant no rights. Anyone can write one, so only tokens that a page could have returned are
accepted.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from shared.models.errors import BadRequest
from shared.models.wire import is_plain_id

_INVALID = "This is not a valid page token. Use the X-Next-Page-Token of the previous page."
_strings = TypeAdapter(list[str])
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Part of a list. `next_token` leads to the next page, which may be empty; None on the last page."""

    items: list[T]
    next_token: str | None

    def convert(self, convert_item: Callable[[T], U]) -> "Page[U]":
        """The page with each item converted by `convert_item`."""
        return Page([convert_item(item) for item in self.items], self.next_token)


def write_name_token(name: str) -> str:
    """The token for the page after the document with this name."""
    return _encode(name)


def read_name_token(token: str) -> str:
    """The name in a token. Raises `BadRequest` for an invalid token."""
    (name,) = _decode(token, 1)
    return name


def write_moment_token(moment: datetime, name: str) -> str:
    """The token for the page after the document with this time and name."""
    return _encode(moment.isoformat(), name)


def read_moment_token(token: str) -> tuple[datetime, str]:
    """The time, in UTC, and the name in a token. Raises `BadRequest` for an invalid token."""
    text, name = _decode(token, 2)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("the time has no time zone")
        return moment.astimezone(UTC), name
    except (ValueError, OverflowError) as error:
        raise BadRequest(_INVALID) from error


def _encode(*parts: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _decode(token: str, count: int) -> list[str]:
    """The `count` strings in a token, of which the last is a document's name. Raises `BadRequest`."""
    try:
        parts = _strings.validate_json(base64.b64decode(token, altchars=b"-_", validate=True), strict=True)
    except ValueError as error:
        raise BadRequest(_INVALID) from error
    if len(parts) != count or not is_plain_id(parts[-1]):
        raise BadRequest(_INVALID)
    return parts
