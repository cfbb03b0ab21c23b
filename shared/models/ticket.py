"""A ticket's life: pending, then processing under a lease, finally completed or failed.

A ticket is handed to a worker at least once, and perhaps to two at a time. The lease makes its result unique: only its
holder may end the ticket. All changes are made here, as functions from one ticket to the next; the store writes them in
a transaction.
"""

from datetime import datetime, timedelta
from enum import Enum

from pydantic import AwareDatetime

from shared.models.chat import ChatResult, TicketStatus
from shared.models.turns import TurnKind
from shared.models.wire import SnakeModel


class Lease(SnakeModel):
    """Who works on a ticket, and until when without another sign of life."""

    holder: str
    expires_at: AwareDatetime


class Ticket(SnakeModel):
    """One accepted chat.

    `attempts` counts the leases taken so far; `hold` is what it holds of its owner's allowance, in millionths of a
    dollar. `begun`: an agent has begun to run for it. What agents do is not to be done twice, so it never runs again;
    and its calls of models are charged one by one. `request_id` and `traceparent` are those of the request that it was
    accepted by.

    `tasks` counts the tasks that were made for it; the newest has that number in its name. `enqueued_at`: when the
    sweep made the last of them. `first_taken_at`: when it was first leased, since it was parked last. `parked`: it has
    no task, and waits until one of its owner's other chats of this kind ends.
    """

    id: str
    owner: str
    provider: str
    model: str
    status: TicketStatus = TicketStatus.PENDING
    attempts: int = 0
    begun: bool = False
    hold: int = 0
    lease: Lease | None = None
    tasks: int = 1
    enqueued_at: AwareDatetime | None = None
    first_taken_at: AwareDatetime | None = None
    parked: TurnKind | None = None
    result: ChatResult | None = None
    error: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    completed_at: AwareDatetime | None = None

    def held_by(self, holder: str) -> bool:
        """Whether `holder` was the last to take the lease."""
        return self.status is TicketStatus.PROCESSING and self.lease is not None and self.lease.holder == holder

    def lease_to(self, holder: str, now: datetime, seconds: float) -> "Ticket":
        """A new attempt, begun by `holder`."""
        return self._change(
            now,
            status=TicketStatus.PROCESSING,
            attempts=self.attempts + 1,
            parked=None,
            first_taken_at=self.first_taken_at or now,
            lease=Lease(holder=holder, expires_at=now + timedelta(seconds=seconds)),
        )

    def renew(self, now: datetime, seconds: float) -> "Ticket":
        """A sign of life from the holder."""
        assert self.lease is not None  # noqa: S101 - only what is leased can be renewed
        return self._change(now, lease=Lease(holder=self.lease.holder, expires_at=now + timedelta(seconds=seconds)))

    def mark(self, begun: bool, now: datetime) -> "Ticket":
        """Record whether the work done from here on must not be repeated."""
        return self._change(now, begun=begun)

    def release(self, now: datetime) -> "Ticket":
        """Given back, to be tried again."""
        return self._change(now, status=TicketStatus.PENDING, lease=None)

    def give_back(self, now: datetime) -> "Ticket":
        """Given back by a holder that found no room to work on it: the attempt does not count."""
        return self.release(now).model_copy(update={"attempts": max(0, self.attempts - 1)})

    def park(self, kind: TurnKind, now: datetime) -> "Ticket":
        """Park it: it needs no task until its turn comes. The wait does not count towards its attempts' time."""
        return self._change(now, status=TicketStatus.PENDING, lease=None, parked=kind, first_taken_at=None)

    def unpark(self, now: datetime) -> "Ticket":
        """No longer parked: its turn has come, and a new task is to be made for it."""
        return self._change(now, parked=None, tasks=self.tasks + 1)

    def add_task(self, now: datetime) -> "Ticket":
        """Count one more task. `updated_at` stays, because nothing has worked on the ticket."""
        return self.model_copy(update={"tasks": self.tasks + 1, "enqueued_at": now})

    def complete(self, result: ChatResult, now: datetime) -> "Ticket":
        """End it with a result."""
        return self._end(now, status=TicketStatus.COMPLETED, result=result)

    def fail(self, error: str, now: datetime) -> "Ticket":
        """End it with an error. `error`: a sentence for the user."""
        return self._end(now, status=TicketStatus.FAILED, error=error)

    def _end(self, now: datetime, **fields: object) -> "Ticket":
        return self._change(now, lease=None, parked=None, completed_at=now, **fields)

    def _change(self, now: datetime, **fields: object) -> "Ticket":
        return self.model_copy(update={**fields, "updated_at": now})


class Claim(Enum):
    """The answer to a worker that asks for a ticket."""

    TAKEN = "taken"  # the lease is the worker's
    PARKED = "parked"  # its owner has no turn for it now: it gets one later
    HELD = "held"  # another worker's lease is live: ask again later
    FINISHED = "finished"  # there is nothing left to do
    INTERRUPTED = "interrupted"  # its worker died in the middle of what must not be repeated: the ticket has to end
    EXHAUSTED = "exhausted"  # every attempt is used up: the ticket has to end


def claim(ticket: Ticket, now: datetime, max_attempts: int) -> Claim:
    """Decides on a worker's wish to work on `ticket`; changes nothing."""
    if ticket.status.finished:
        return Claim.FINISHED
    if ticket.lease is not None and ticket.lease.expires_at > now:
        return Claim.HELD
    if ticket.begun:
        return Claim.INTERRUPTED
    return Claim.TAKEN if ticket.attempts < max_attempts else Claim.EXHAUSTED
