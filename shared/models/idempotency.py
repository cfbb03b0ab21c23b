"""Requests with an `Idempotency-Key` as they are stored, so that a repeated request is processed only once."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel

RETENTION = timedelta(hours=24)
"""How long a request is stored."""
MAX_KEY_LENGTH = 255
"""The maximum length of a key, in characters."""


@dataclass(frozen=True)
class KeyedRequest:
    """A request with a key. `id`: a hash of the caller, the target and the key. `body_hash`: a hash of the body.

    `owner`: the user to whom the stored request belongs.
    """

    id: str
    owner: str
    body_hash: str


class StoredRequest(SnakeModel):
    """A keyed request as it is stored. `made`: the id of the ticket or the run that it created.

    `given`: whether a repeated request got that ticket or run. The other fields are for runs, whose response is also
    stored. `lease_expires_at`: the time after which a run without a `status` must have died. `status`: the response's
    status. `text`: the result as JSON or the error message; None if it is too long to be stored. `size`: its size in
    bytes. `warnings`: the response's warnings.
    """

    id: str
    owner: str
    body_hash: str
    made: str
    given: bool = False
    lease_expires_at: AwareDatetime | None = None
    status: int | None = None
    text: str | None = None
    size: int = 0
    warnings: list[str] = []
    expire_at: AwareDatetime
