"""Page tokens: where a page ended, as a header can carry it. They are no secret, and grant nothing.

Anybody may write one, so that what is read of them is only what a page could have given.
"""

import base64
import json
from datetime import UTC, datetime

from pydantic import TypeAdapter

from shared.models.errors import BadRequest
from shared.models.wire import is_plain_id

_NO_TOKEN = "This is no page token. Take it from the X-Next-Page-Token of the page before."  # noqa: S105 - a sentence
_texts = TypeAdapter(list[str])


def write_name_token(name: str) -> str:
    """After a document's name."""
    return _token(name)


def read_name_token(token: str) -> str:
    """The name. Raises `BadRequest` for what no page gave."""
    (name,) = _parts(token, 1)
    return name


def write_moment_token(moment: datetime, name: str) -> str:
    """After a document's time and name."""
    return _token(moment.isoformat(), name)


def read_moment_token(token: str) -> tuple[datetime, str]:
    """The time, in UTC, and the name. Raises `BadRequest` for what no page gave."""
    text, name = _parts(token, 2)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("a time without a zone")
        return moment.astimezone(UTC), name
    except (ValueError, OverflowError) as error:
        raise BadRequest(_NO_TOKEN) from error


def _token(*parts: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _parts(token: str, count: int) -> list[str]:
    """So many texts, of which the last is a document's name."""
    try:
        parts = _texts.validate_json(base64.b64decode(token, altchars=b"-_", validate=True), strict=True)
    except ValueError as error:
        raise BadRequest(_NO_TOKEN) from error
    if len(parts) != count or not is_plain_id(parts[-1]):
        raise BadRequest(_NO_TOKEN)
    return parts
