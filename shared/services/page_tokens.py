"""Page tokens: where a page ended, as a header can carry it. They are no secret, and grant nothing."""

import base64
import json
from typing import Any, cast

from shared.models.errors import BadRequest

_NO_TOKEN = "This is no page token. Take it from the X-Next-Page-Token of the page before."  # noqa: S105 - a sentence


def page_token(*parts: str) -> str:
    """Of texts of any kind."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def read_page_token(token: str, count: int) -> tuple[str, ...]:
    """The `count` parts of it. Raises `BadRequest` for what no page gave."""
    try:
        parts: Any = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except ValueError as error:
        raise BadRequest(_NO_TOKEN) from error
    if not isinstance(parts, list) or len(cast("list[Any]", parts)) != count:
        raise BadRequest(_NO_TOKEN)
    texts = cast("list[Any]", parts)
    if not all(isinstance(part, str) and part for part in texts):
        raise BadRequest(_NO_TOKEN)
    return tuple(texts)
