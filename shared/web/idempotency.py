"""The `Idempotency-Key` of a request, and the header of an answer that was given before."""

from typing import Annotated

from fastapi import Header

from shared.models.idempotency import MAX_KEY_LENGTH
from shared.web.error_responses import Answers, headers

REPLAYED_HEADER = "Idempotent-Replayed"
REPLAYED_TEXT = "`true`, if the request came before under its key."
REPLAYED: Answers = {200: headers({REPLAYED_HEADER: REPLAYED_TEXT})}
"""The header of an answer that was given before."""
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=r"^[\x20-\x7E]+$",
        description="Names the request, for 24 hours: sent again under it, it is done once. A UUID is a good one.",
    ),
]
"""1 to 255 printable characters of ASCII; None without."""
