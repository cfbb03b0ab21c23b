"""What is kept of a request that came with an `Idempotency-Key`, so that it can come again and is done once."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel

KEPT_FOR = timedelta(hours=24)
MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class KeyedRequest:
    """A request that has a key. `id`: a hash of whose it is, what it goes to, and the key; `body_hash`: of its body.

    `owner`: the user whose data what is kept of it are.
    """

    id: str
    owner: str
    body_hash: str


class KeptRequest(SnakeModel):
    """What is stored of one. `made`: the id of the ticket or the run that it made.

    `given`: that somebody who sent it again was given what it made. The rest is of a run alone, whose answer is kept
    with it: `lease_expires_at`, when a run that has no `status` by then must have died; `status`, the answer's;
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
