"""Continues runs that were put aside and are due, but have no task: the queue lost it, or knows no times.

The Emulator Suite's queue does not, so there the sweep wakes every run that sleeps for more than half a minute.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared import clock
from shared.models.ticket import Ticket
from shared.services.chat.run_pause import enqueue_wake_up
from shared.services.sweep_batch import sweep_each
from shared.store import Database, Transaction
from shared.tasks import TaskQueue

_GRACE = timedelta(seconds=10)
"""How long the queue may take to deliver a task on time."""


@dataclass(frozen=True)
class DueRuns:
    """Continues runs that are due."""

    database: Database
    queue: TaskQueue

    async def wake(self, limit: int) -> list[str]:
        """Continues up to `limit` runs, the most overdue first. Returns the outcome of each: "woken" or "left"."""
        async with self.database.raising_unavailable():
            due = await self.database.tickets.list_due(clock.now() - _GRACE, limit)
        return await sweep_each(due, self._wake_one, "left")

    async def _wake_one(self, seen: Ticket) -> str:
        async def wake(transaction: Transaction) -> Ticket | None:
            ticket = await self.database.tickets.get(seen.id, transaction)
            if ticket is None or ticket.wake_at != seen.wake_at or ticket.status != seen.status:
                return None
            woken = ticket.wake(clock.now())
            self.database.tickets.put(woken, transaction)
            return woken

        if (woken := await self.database.transaction(wake)) is None:
            return "left"
        await enqueue_wake_up(self.queue, woken, None)
        return "woken"
