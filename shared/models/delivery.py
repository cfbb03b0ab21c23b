"""Deliveries: notifications on their way to webhooks, and the times at which they are attempted.

A delivery is attempted at least once, and by one task at a time: an attempt holds the delivery until it is recorded or
has taken too long. Every change is a function from one delivery to the next, and the store writes it in a transaction.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from shared.models.webhook import WebhookEvent
from shared.models.wire import SnakeModel

RETRY_AFTER = tuple(
    timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 6 * 3600)
)
"""The pause after each attempt. The last attempt is made 23 hours and 35 minutes after the first."""
MAX_ATTEMPTS = len(RETRY_AFTER) + 1
MAX_AGE = timedelta(days=1)
"""The age from which a delivery is not attempted again. Only an outage of the service can cause it to be reached."""
MAX_WAIT = timedelta(hours=1)
"""How long a delivery waits for the ones before it of the same run."""
HELD = timedelta(seconds=60)
"""How long an attempt holds its delivery. It takes at most 15 seconds, and has to be recorded afterwards."""
MAX_EARLY = timedelta(seconds=30)
"""How much too early a task may be: the Emulator Suite's queue delivers retries at once."""


class DeliveryStatus(StrEnum):
    """The state of a delivery. `failed`: it was attempted for a day. `dropped`: its webhook was deleted or disabled."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


class Delivery(SnakeModel):
    """A notification of one webhook. `id` is the message's `webhook-id`.

    `body`: the message as JSON, until the delivery ends. `next_attempt_at`: when it is due; while `holder` is set, when
    the attempt in progress counts as lost. `waits_for`: the earlier delivery of the same run that must end first.
    """

    id: str
    webhook_id: str
    owner: str
    run_id: str
    event: WebhookEvent
    body: str
    created_at: AwareDatetime
    next_attempt_at: AwareDatetime | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    holder: str | None = None
    waits_for: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it has not ended."""
        return self.status is DeliveryStatus.PENDING

    @property
    def is_used_up(self) -> bool:
        """Whether it has no attempts left. A pending one is only if its last attempt was lost."""
        return self.attempts >= MAX_ATTEMPTS

    def is_held(self, now: datetime) -> bool:
        """Whether an attempt is in progress."""
        return self.holder is not None and self.next_attempt_at is not None and self.next_attempt_at > now

    def seconds_early(self, now: datetime) -> float:
        """Returns the seconds until it is due, 0 if it is due or may be as soon as another delivery has ended."""
        if self.waits_for is not None or self.next_attempt_at is None:
            return 0.0
        return max(0.0, (self.next_attempt_at - now).total_seconds())

    def may_overtake(self, now: datetime) -> bool:
        """Whether it has waited long enough for earlier deliveries."""
        return now - self.created_at >= MAX_WAIT

    def hold(self, holder: str, now: datetime) -> "Delivery":
        """Begins an attempt."""
        changes = {"holder": holder, "attempts": self.attempts + 1, "next_attempt_at": now + HELD, "waits_for": None}
        return self.model_copy(update=changes)

    def wait_for(self, earlier: "Delivery", now: datetime) -> "Delivery":
        """Puts the attempt off until `earlier` has ended. The end of `earlier` may bring it forward."""
        after_it = (earlier.next_attempt_at or now) + HELD
        until = min(max(after_it, now), self.created_at + MAX_WAIT)
        return self.model_copy(update={"waits_for": earlier.id, "next_attempt_at": until, "holder": None})

    def retry(self, shortened: float, now: datetime) -> "Delivery":
        """Ends a failed attempt: plans the next one, or gives up after the last.

        `shortened`: the part of the pause, from 0 to 0.1, to leave out, so that retries after an outage do not all
        arrive at the same moment.
        """
        if self.is_used_up or now - self.created_at >= MAX_AGE:
            return self.end(DeliveryStatus.FAILED)
        pause = RETRY_AFTER[self.attempts - 1] * (1 - shortened)
        return self.model_copy(update={"next_attempt_at": now + pause, "holder": None})

    def end(self, status: DeliveryStatus) -> "Delivery":
        """Ends the delivery, and removes the message's body, which nothing needs any more."""
        changes = {"status": status, "body": "", "next_attempt_at": None, "holder": None, "waits_for": None}
        return self.model_copy(update=changes)
