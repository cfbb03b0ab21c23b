"""Tickets that nobody has touched for `SWEEP_AFTER_SECONDS`: queued again, or ended.

Such a ticket waits in a busy queue, or has lost its task (the queue gave up on it, or forgot it) or its worker.
Queueing it again is always safe, thanks to the lease and the ticket's state. But more tasks do not help a queue that
is slow, so it is done only if the queue no longer has a task for the ticket or, where the queue cannot say, after ever
longer times.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from shared import clock
from shared.log import get_logger
from shared.models.ticket import Ticket
from shared.services.accounts.ledger import Ledger
from shared.services.chat.sweep_batch import sweep_each
from shared.services.chat.turns import TurnService
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import InspectableQueue, QueueRefused, task_name
from shared.trace import on_behalf_of

_log = get_logger("sweep")
_MAX_SECONDS_BETWEEN = 3600.0
"""Where the queue cannot say which tasks it has, a waiting ticket is queued again at least this often."""
_GIVEN_UP = "No answer was reached in time. Send the chat again."
_WAITED = "Your other chats took so long that this one was never begun. Nothing was charged for it. Send it again."
_LEVELS = {"ended": logging.ERROR, "waiting": logging.DEBUG}


class StaleTickets:
    """Queues or ends stale tickets."""

    def __init__(self, database: Database, queue: InspectableQueue, turns: TurnService, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._turns = turns
        self._settings = settings
        self._ledger = Ledger(database, settings)

    async def sweep(self, tickets: Sequence[Ticket]) -> list[str]:
        """The outcome of each: "requeued", "ended", "waiting", or "left" for the next sweep."""
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
        """The outcome, as `sweep` returns it."""
        if self.is_too_old(ticket):
            return "ended" if await self._give_up(ticket) else "left"
        if not await self._has_lost_its_task(ticket):
            return "waiting"
        # Sweeps that run at the same time make a task of the same name, which the queue accepts once.
        try:
            await self._queue.enqueue(task_name(ticket.id, ticket.tasks + 1), {"ticket_id": ticket.id})
        except QueueRefused as error:
            _log.error("The queue refused a ticket: %s", error, extra={"fields": {"ticket": ticket.id}})
            return "left"
        await self._note_task(ticket)
        return "requeued"

    def is_too_old(self, ticket: Ticket) -> bool:
        """Whether it has to end. Its time counts from its first attempt since it was parked, else from its start."""
        now = clock.now()
        if ticket.attempts == 0 or ticket.first_taken_at is None:
            return now - ticket.created_at > timedelta(seconds=self._settings.ticket_max_wait_seconds)
        return now - ticket.first_taken_at > timedelta(seconds=self._settings.ticket_max_age_seconds)

    async def _has_lost_its_task(self, ticket: Ticket) -> bool:
        """Whether the queue no longer has its task. If the queue cannot say: whether the task was made long ago."""
        known = await self._queue.has(task_name(ticket.id, ticket.tasks))
        if known is not None:
            return not known
        if ticket.enqueued_at is None:
            return True
        doubled = self._settings.sweep_after_seconds * 2.0 ** min(ticket.tasks - 1, 30)
        return clock.now() - ticket.enqueued_at > timedelta(seconds=min(doubled, _MAX_SECONDS_BETWEEN))

    async def _note_task(self, seen: Ticket) -> None:
        """Counts the new task on the ticket, unless another sweep has done so."""

        async def note(transaction: Transaction) -> None:
            ticket = await self._database.tickets.get(seen.id, transaction)
            if ticket is not None and not ticket.status.finished and ticket.tasks == seen.tasks:
                self._database.tickets.put(ticket.add_task(clock.now()), transaction)

        await self._database.transaction(note)

    async def _give_up(self, seen: Ticket) -> bool:
        """Ends the ticket, unless it has changed meanwhile, and releases its hold. Its owner is charged no more."""

        async def end(transaction: Transaction) -> bool:
            ticket = await self._database.tickets.get(seen.id, transaction)
            if ticket is None or ticket.updated_at != seen.updated_at:
                return False
            now = clock.now()
            why = _WAITED if ticket.parked and not ticket.attempts else _GIVEN_UP
            await self._ledger.settle(ticket.fail(why, now), now, transaction)
            return True

        ended = await self._database.transaction(end)
        if ended:
            await self._turns.pass_on(seen, None)
        return ended
