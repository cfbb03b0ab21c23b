"""The life of a ticket: pending, then processing under a lease, finally completed, failed or cancelled.

A ticket is delivered to a worker at least once, and possibly to two at the same time. The lease makes its result
unique: only the lease's holder may end the ticket. Every change is a function from one ticket to the next, and the
store writes it in a transaction.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from pydantic import AwareDatetime

from shared.models.api_key import KeyUse
from shared.models.chat import ChatResponse, ChatResult, TicketStatus
from shared.models.key_period import period_id
from shared.models.part import parts_before
from shared.models.question import Question
from shared.models.turns import TurnKind
from shared.models.wire import SnakeModel


class LeaseLost(Exception):
    """Another worker has taken the ticket, or may have, because this one did not renew its lease in time."""


class Lease(SnakeModel):
    """The worker of a ticket, and the time until which it must renew the lease."""

    holder: str
    expires_at: AwareDatetime


class Ticket(SnakeModel):
    """One accepted chat.

    `attempts`: the number of leases so far. `hold`: the amount that it holds of its owner's allowance, in millionths of
    a dollar. An agent's model calls are charged one by one, with holds of their own. `request_id` and `traceparent`
    belong to the request that created the ticket.

    `forgiven`: the attempts that do not count towards the limit, because the agent's run has made progress since.
    `key`: the API key that requested it. What it costs also counts against the key's budget, in the period in which it
    was created. `agent_id`: the agent that a run was requested for by its id. `wake_at`: when a waiting run continues
    by itself, or fails because it has lasted too long. `questions`: what a waiting run asks. `is_public`: whether a
    published agent was called for somebody else than its owner, who pays and owns the run; then the caller may see the
    result. `requester`: this caller, None if the caller has no account, so that anybody who knows the id may see the
    result. `budget_per_day`: what all such callers could spend per day when the run was accepted, in millionths of a
    dollar. `called_agent`: the agent that had the name for which a chat with an agent was accepted. `webhook`: a
    webhook that is notified in any case.
    """

    id: str
    owner: str
    provider: str
    model: str
    status: TicketStatus = TicketStatus.PENDING
    attempts: int = 0
    forgiven: int = 0
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
    key: KeyUse | None = None
    agent_id: str | None = None
    wake_at: AwareDatetime | None = None
    questions: list[Question] = []
    is_public: bool = False
    requester: str | None = None
    budget_per_day: int | None = None
    called_agent: str | None = None
    webhook: str | None = None

    def held_by(self, holder: str) -> bool:
        """Whether `holder` was the last to take the lease."""
        return self.status is TicketStatus.PROCESSING and self.lease is not None and self.lease.holder == holder

    @property
    def key_period(self) -> str | None:
        """The id of the period of the key's budget that the ticket counts against."""
        return None if self.key is None else period_id(self.key.id, self.key.period, self.created_at)

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
            wake_at=None,
            first_taken_at=self.first_taken_at or now,
            lease=Lease(holder=holder, expires_at=now + timedelta(seconds=seconds)),
        )

    def renew(self, now: datetime, seconds: float) -> "Ticket":
        """Extends the holder's lease to `seconds` after `now`."""
        assert self.lease is not None  # noqa: S101 - only a leased ticket can be renewed
        return self._change(now, lease=Lease(holder=self.lease.holder, expires_at=now + timedelta(seconds=seconds)))

    def forgive(self, now: datetime) -> "Ticket":
        """Does not count the attempts before this one, because they made progress."""
        return self._change(now, forgiven=self.attempts - 1)

    def suspend(self, wake_at: datetime, questions: list[Question], now: datetime) -> "Ticket":
        """Puts the run aside until `wake_at`, or until a question is answered.

        The task that is counted here may be created by the caller, or by the sweep when it is due.
        """
        due = wake_at <= now
        return self._change(
            now,
            status=TicketStatus.PENDING if due else TicketStatus.WAITING,
            lease=None,
            forgiven=self.attempts,
            wake_at=None if due else wake_at,
            questions=questions,
            tasks=self.tasks + 1,
        )

    def wake(self, now: datetime) -> "Ticket":
        """Has the run continue. The caller must create the task that is counted here."""
        return self._change(now, status=TicketStatus.PENDING, wake_at=None, tasks=self.tasks + 1)

    def answer(self, answers: Mapping[str, str], now: datetime) -> "Ticket":
        """Stores answers, as JSON, to the questions of these calls, and has the run continue. See `wake`."""
        questions = [
            question.model_copy(update={"answer": answers[question.call], "answered_at": now})
            if question.call in answers
            else question
            for question in self.questions
        ]
        return self.wake(now).model_copy(update={"questions": questions})

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
        return self._change(now, lease=None, parked=None, wake_at=None, questions=[], completed_at=now, **fields)

    def _change(self, now: datetime, **fields: object) -> "Ticket":
        return self.model_copy(update={**fields, "updated_at": now})


def to_chat_response(ticket: Ticket) -> ChatResponse:
    """Returns the ticket as its owner sees it. A run that waits is still being worked on, as far as a chat knows."""
    is_waiting = ticket.status is TicketStatus.WAITING
    return ChatResponse(
        ticket_id=ticket.id,
        status=TicketStatus.PROCESSING if is_waiting else ticket.status,
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
    WAITING = "waiting"  # its run is put aside, and not due yet
    EXHAUSTED = "exhausted"  # all attempts are used up: the ticket has to end


def claim(ticket: Ticket, now: datetime, max_attempts: int) -> Claim:
    """Decides whether a worker may work on `ticket`. Changes nothing."""
    if ticket.status.finished:
        return Claim.FINISHED
    if ticket.lease is not None and ticket.lease.expires_at > now:
        return Claim.HELD
    if ticket.cancel_requested_at is not None:
        return Claim.CANCELLED
    if ticket.status is TicketStatus.WAITING and ticket.wake_at is not None and ticket.wake_at > now:
        return Claim.WAITING
    return Claim.TAKEN if ticket.attempts - ticket.forgiven < max_attempts else Claim.EXHAUSTED
