"""The life of a ticket: pending, then processing under a lease, finally completed, failed or cancelled.

A ticket is delivered to a worker at least once, and possibly to two at the same time. The lease makes its result
unique: only the lease's holder may end the ticket. Every change is a function from one ticket to the next, and the
store writes it in a transaction.
"""

from datetime import datetime, timedelta
from enum import Enum

from pydantic import AwareDatetime

from shared.models.chat import ChatResponse, ChatResult, TicketStatus
from shared.models.part import parts_before
from shared.models.turns import TurnKind
from shared.models.wire import SnakeModel


class Lease(SnakeModel):
    """The worker of a ticket, and the time until which it must renew the lease."""

    holder: str
    expires_at: AwareDatetime


class Ticket(SnakeModel):
    """One accepted chat.

    `attempts`: the number of leases so far. `hold`: the amount that it holds of its owner's allowance, in millionths of
    a dollar. `begun`: whether an agent has started to run for it. An agent's actions must not be repeated, so the
    ticket is never run again, and the agent's model calls are charged one by one. `request_id` and `traceparent` belong
    to the request that created the ticket.

    `tasks`: the number of tasks created for it; the newest has that number in its name. `enqueued_at`: when the sweep
    created the newest one. `first_taken_at`: when it was first leased since it was last parked. `parked`: the kind
    of chats that it waits for: it has no task until another of its owner's chats of this kind ends.

    `cancel_requested_at`: when its owner asked to cancel it while a worker held it. `last_part`: the number of the last
    part of its result, 0 until it has one. `void_parts`: parts up to this number do not belong to its result.
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
    cancel_requested_at: AwareDatetime | None = None
    last_part: int = 0
    void_parts: int = 0
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

    @property
    def parts_start(self) -> int:
        """The parts of the current attempt have higher numbers."""
        return max(self.void_parts, parts_before(self.attempts))

    def lease_to(self, holder: str, now: datetime, seconds: float) -> "Ticket":
        """Starts a new attempt by `holder`."""
        return self._change(
            now,
            status=TicketStatus.PROCESSING,
            attempts=self.attempts + 1,
            parked=None,
            first_taken_at=self.first_taken_at or now,
            lease=Lease(holder=holder, expires_at=now + timedelta(seconds=seconds)),
        )

    def renew(self, now: datetime, seconds: float) -> "Ticket":
        """Extends the holder's lease to `seconds` after `now`."""
        assert self.lease is not None  # noqa: S101 - only a leased ticket can be renewed
        return self._change(now, lease=Lease(holder=self.lease.holder, expires_at=now + timedelta(seconds=seconds)))

    def mark(self, begun: bool, now: datetime) -> "Ticket":
        """Records whether the work from now on must not be repeated."""
        return self._change(now, begun=begun)

    def release(self, now: datetime) -> "Ticket":
        """Returns the ticket to the queue for another attempt."""
        return self._change(now, status=TicketStatus.PENDING, lease=None)

    def give_back(self, now: datetime) -> "Ticket":
        """Returns the ticket because its holder has no capacity for it. The attempt does not count."""
        return self.release(now).model_copy(update={"attempts": max(0, self.attempts - 1)})

    def park(self, kind: TurnKind, now: datetime) -> "Ticket":
        """Parks the ticket: it needs no task until it has a turn. The wait does not count as time of its attempts."""
        return self._change(now, status=TicketStatus.PENDING, lease=None, parked=kind, first_taken_at=None)

    def unpark(self, now: datetime) -> "Ticket":
        """Ends the parking because the ticket has a turn. The caller must create the new task that is counted here."""
        return self._change(now, parked=None, tasks=self.tasks + 1)

    def add_task(self, now: datetime) -> "Ticket":
        """Counts one more task. `updated_at` stays, because nothing has worked on the ticket."""
        return self.model_copy(update={"tasks": self.tasks + 1, "enqueued_at": now})

    def complete(self, result: ChatResult, now: datetime) -> "Ticket":
        """Ends the ticket with a result."""
        return self._end(now, status=TicketStatus.COMPLETED, result=result)

    def fail(self, error: str, now: datetime) -> "Ticket":
        """Ends the ticket with an error. `error`: a sentence for the user."""
        return self._end(now, status=TicketStatus.FAILED, error=error)

    def request_cancel(self, now: datetime) -> "Ticket":
        """Asks the ticket's worker to stop. Keeps the time of the first such request."""
        return self.model_copy(update={"cancel_requested_at": self.cancel_requested_at or now})

    def cancel(self, result: ChatResult | None, now: datetime) -> "Ticket":
        """Ends the ticket because its owner cancelled it, with what the model had said until then."""
        return self._end(now, status=TicketStatus.CANCELLED, result=result)

    def with_parts(self, last_part: int, void_parts: int = 0) -> "Ticket":
        """Records which parts belong to the result."""
        return self.model_copy(update={"last_part": last_part, "void_parts": void_parts or self.void_parts})

    def _end(self, now: datetime, **fields: object) -> "Ticket":
        return self._change(now, lease=None, parked=None, completed_at=now, **fields)

    def _change(self, now: datetime, **fields: object) -> "Ticket":
        return self.model_copy(update={**fields, "updated_at": now})


def to_chat_response(ticket: Ticket) -> ChatResponse:
    """Returns the ticket as its owner sees it."""
    return ChatResponse(
        ticket_id=ticket.id,
        status=ticket.status,
        result=ticket.result,
        error=ticket.error,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        completed_at=ticket.completed_at,
    )


class Claim(Enum):
    """The outcome of a worker's claim to a ticket."""

    TAKEN = "taken"  # the worker has the lease
    PARKED = "parked"  # the owner has no free turn: the ticket gets one later
    HELD = "held"  # another worker's lease has not expired: try again later
    CANCELLED = "cancelled"  # its owner has cancelled it, and no worker holds it: the ticket has to end
    FINISHED = "finished"  # nothing is left to do
    INTERRUPTED = "interrupted"  # its worker died during work that must not be repeated: the ticket has to end
    EXHAUSTED = "exhausted"  # all attempts are used up: the ticket has to end


def claim(ticket: Ticket, now: datetime, max_attempts: int) -> Claim:
    """Decides whether a worker may work on `ticket`. Changes nothing."""
    if ticket.status.finished:
        return Claim.FINISHED
    if ticket.lease is not None and ticket.lease.expires_at > now:
        return Claim.HELD
    if ticket.cancel_requested_at is not None:
        return Claim.CANCELLED
    if ticket.begun:
        return Claim.INTERRUPTED
    return Claim.TAKEN if ticket.attempts < max_attempts else Claim.EXHAUSTED
