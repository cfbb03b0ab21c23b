"""Queues stale tickets again, or ends them. A ticket is stale if it has not changed for `SWEEP_AFTER_SECONDS`.

Such a ticket is waiting in a busy queue, its worker has died, or the queue has given up on its task or lost it.
The lease and the ticket's state make it safe to queue a ticket again at any time. But more tasks do not help a slow
queue, so this happens only if the queue no longer has a task for the ticket or, if the queue cannot tell, at growing
intervals.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from shared import clock
from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.ticket import Claim, Ticket, claim
from shared.services.chat.endings import Endings
from shared.services.chat.turns import TurnService
from shared.services.sweep_batch import sweep_each
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import InspectableQueue, QueueRefused, task_name
from shared.trace import on_behalf_of

_log = get_logger("sweep")
_MAX_REQUEUE_SECONDS = 3600.0
"""If the queue cannot tell which tasks it has, a waiting ticket is queued again at least this often."""
_GIVEN_UP = "The chat was not answered in time. Send it again."
_NEVER_STARTED = "Your other chats took so long that this one never started. You were not charged. Send it again."
_LEVELS = {"ended": logging.ERROR, "waiting": logging.DEBUG}


class StaleTickets:
    """Queues or ends stale tickets."""

    def __init__(self, database: Database, queue: InspectableQueue, turns: TurnService, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._turns = turns
        self._settings = settings
        self._endings = Endings(database, settings)

    async def sweep(self, tickets: Sequence[Ticket]) -> list[str]:
        """Returns the outcome of each ticket: "requeued", "ended", "waiting", or "left" for the next sweep."""
        return await sweep_each(tickets, self._sweep_one, "left")

    async def _sweep_one(self, ticket: Ticket) -> str:
        """Queues the ticket again or ends it, on behalf of the request that submitted it, and logs the outcome."""
        outcome, age = "left", clock.now() - ticket.created_at
        with on_behalf_of(ticket.request_id, ticket.traceparent):
            try:
                outcome = await self._queue_or_end(ticket)
            finally:
                fields = {"ticket": ticket.id, "outcome": outcome, "age_seconds": round(age.total_seconds())}
                level = _LEVELS.get(outcome, logging.WARNING)
                _log.log(level, "A ticket was swept: %s", outcome, extra={"fields": fields})
        return outcome

    async def _queue_or_end(self, ticket: Ticket) -> str:
        """Returns the outcome for one ticket, as in `sweep`."""
        if self.is_too_old(ticket) or claim(ticket, clock.now(), self._settings.chat_max_attempts) is Claim.CANCELLED:
            return "ended" if await self._give_up(ticket) else "left"
        if not await self._has_lost_its_task(ticket):
            return "waiting"
        # Concurrent sweeps create tasks with the same name, of which the queue accepts only one.
        try:
            await self._queue.enqueue(task_name(ticket.id, ticket.tasks + 1), {"ticket_id": ticket.id})
        except QueueRefused as error:
            _log.error("The queue refused a ticket: %s", error, extra={"fields": {"ticket": ticket.id}})
            return "left"
        await self._note_task(ticket)
        return "requeued"

    def is_too_old(self, ticket: Ticket) -> bool:
        """Returns whether the ticket must end. Its age counts from its first attempt after parking, or its creation.

        A run may last much longer, as it may have been put aside for most of the time.
        """
        now = clock.now()
        if ticket.attempts == 0 or ticket.first_taken_at is None:
            return now - ticket.created_at > timedelta(seconds=self._settings.ticket_max_wait_seconds)
        if ticket.provider == GOFANNON:
            return now - ticket.created_at > timedelta(seconds=self._settings.run_max_age_seconds)
        return now - ticket.first_taken_at > timedelta(seconds=self._settings.ticket_max_age_seconds)

    async def _has_lost_its_task(self, ticket: Ticket) -> bool:
        """Returns whether the ticket's task is missing in the queue or, if the queue cannot tell, is old."""
        is_queued = await self._queue.has(task_name(ticket.id, ticket.tasks))
        if is_queued is not None:
            return not is_queued
        if ticket.enqueued_at is None:
            return True
        interval = self._settings.sweep_after_seconds * 2.0 ** min(ticket.tasks - 1, 30)
        return clock.now() - ticket.enqueued_at > timedelta(seconds=min(interval, _MAX_REQUEUE_SECONDS))

    async def _note_task(self, seen: Ticket) -> None:
        """Counts the new task on the ticket unless another sweep has done so."""

        async def note(transaction: Transaction) -> None:
            ticket = await self._database.tickets.get(seen.id, transaction)
            if ticket is not None and not ticket.status.finished and ticket.tasks == seen.tasks:
                self._database.tickets.put(ticket.add_task(clock.now()), transaction)

        await self._database.transaction(note)

    async def _give_up(self, seen: Ticket) -> bool:
        """Ends the ticket, as cancelled if that was requested, and releases its hold, unless it has changed since.

        Its owner is not charged again.
        """

        async def end(transaction: Transaction) -> bool:
            ticket = await self._database.tickets.get(seen.id, transaction)
            if ticket is None or ticket.updated_at != seen.updated_at:
                return False
            now = clock.now()
            message = _NEVER_STARTED if ticket.parked and not ticket.attempts else _GIVEN_UP
            ended = ticket.fail(message, now) if ticket.cancel_requested_at is None else ticket.cancel(None, now)
            await self._endings.end(ended, now, transaction)
            return True

        ended = await self._database.transaction(end)
        if ended:
            await self._endings.outbox.dispatch()
            await self._turns.pass_on(seen, None)
        return ended
