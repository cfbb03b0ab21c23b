"""What is stored of a request with an `Idempotency-Key`, so that it can be sent again and is done once."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel

KEPT_FOR = timedelta(hours=24)
MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class KeyedRequest:
    """A request with a key. `id`: a hash of its caller, its target and the key; `body_hash`: a hash of its body.

    `owner`: the user whose data the stored request is.
    """

    id: str
    owner: str
    body_hash: str


class KeptRequest(SnakeModel):
    """A keyed request as it is stored. `made`: the id of the ticket or the run that it created.

    `given`: whether a repeated request was answered with it. The other fields belong to runs, whose answer is stored
    too: `lease_expires_at`, when a run that has no `status` by then must have died; `status`, the answer's;
    `text`, its result as JSON, or the sentence about its failure, None where that is too long to be kept; `size`, how
    many bytes it has; `warnings`, those that the answer had.
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
