"""The `Idempotency-Key` of a request, and the header of a repeated response."""

from typing import Annotated

from fastapi import Header

from shared.models.idempotency import MAX_KEY_LENGTH
from shared.web.error_responses import Responses, headers

REPLAYED_HEADER = "Idempotent-Replayed"
REPLAYED_TEXT = "`true` if the request was sent before with the same key."
REPLAYED: Responses = {200: headers({REPLAYED_HEADER: REPLAYED_TEXT})}
"""The header of a response that repeats an earlier one."""
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=r"^[\x20-\x7E]+$",
        description="Identifies the request for 24 hours. A request that is repeated with the same key takes effect "
        "only once. A UUID is a good choice.",
    ),
]
"""A key of 1 to 255 printable ASCII characters, or None."""
