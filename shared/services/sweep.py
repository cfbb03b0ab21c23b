"""The sweep: finds tickets whose worker never came back, and hands them in again or ends them; and releases holds
of calls that nobody can be waiting for any more.

A ticket that nobody has touched for `SWEEP_AFTER_SECONDS` has lost its task (the queue gave up on it, or forgot it) or
its worker. Handing it in is safe however often it happens: the lease and the ticket's state see to that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from shared.log import get_logger
from shared.models.hold import Hold
from shared.models.ticket import Ticket
from shared.models.wire import SnakeModel
from shared.services.ledger import Ledger
from shared.services.spending import SpendingService
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import QueueRefused, TaskQueue
from shared.trace import on_behalf_of

_log = get_logger("sweep")
_AT_ONCE = 10
T = TypeVar("T", Ticket, Hold)


class Swept(SnakeModel):
    """How many tickets were handed in again, ended, and left for the next sweep; how many holds were released."""

    requeued: int = 0
    ended: int = 0
    left: int = 0
    released: int = 0


class SweepService:
    """Lives as long as a sweep."""

    def __init__(self, database: Database, queue: TaskQueue, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._settings = settings
        self._ledger = Ledger(database, settings)

    async def sweep(self, page: int = 500, pages: int = 20) -> Swept:
        """Sees to all tickets that lie untouched, the longest first; at most `pages` times `page` of them."""
        untouched_since = datetime.now(UTC) - timedelta(seconds=self._settings.sweep_after_seconds)
        outcomes: list[str] = []
        after: datetime | None = None
        for _ in range(pages):
            async with self._database.outages_told():
                tickets = await self._database.tickets.untouched_since(untouched_since, page, after)
            outcomes += await self._see_to_all(tickets)
            if len(tickets) < page:
                break
            after = tickets[-1].updated_at
        outcomes += await self._release_holds(page)
        swept = Swept(**{name: outcomes.count(name) for name in Swept.model_fields})
        _log.info("Swept", extra={"fields": swept.model_dump()})
        return swept

    async def _release_holds(self, most: int) -> list[str]:
        """Those whose process died in the middle of a call. What the call cost is not known, and not charged."""
        async with self._database.outages_told():
            holds = await self._database.holds.expired(datetime.now(UTC), most)
        spending = SpendingService(self._database, self._settings)

        async def release(hold: Hold) -> str:
            _log.error("A call was never settled; its hold is released", extra={"fields": hold.model_dump(mode="json")})
            await spending.settle(hold, 0, {})
            return "released"

        return await _each(holds, release)

    async def _see_to_all(self, tickets: list[Ticket]) -> list[str]:
        return await _each(tickets, self._see_to)

    async def _see_to(self, ticket: Ticket) -> str:
        """Hands it in again or ends it, for the request that it was accepted by, and tells which in a line."""
        outcome, age = "left", datetime.now(UTC) - ticket.created_at
        with on_behalf_of(ticket.request_id, ticket.traceparent):
            try:
                outcome = await self._handed_in_or_ended(ticket)
            finally:
                fields = {"ticket": ticket.id, "outcome": outcome, "age_seconds": round(age.total_seconds())}
                level = logging.ERROR if outcome == "ended" else logging.WARNING
                _log.log(level, "A ticket was swept: %s", outcome, extra={"fields": fields})
        return outcome

    async def _handed_in_or_ended(self, ticket: Ticket) -> str:
        now = datetime.now(UTC)
        if now - ticket.created_at > timedelta(seconds=self._settings.ticket_max_age_seconds):
            return "ended" if await self._give_up(ticket) else "left"
        # The queue refuses a name that it had within the last hours, so each handing in has one of its own; sweeps
        # that run at the same time use the same.
        turn = int(now.timestamp() // self._settings.sweep_after_seconds)
        try:
            await self._queue.enqueue(f"chat-{ticket.id}-{turn}", {"ticket_id": ticket.id})
        except QueueRefused as error:
            _log.error("The queue refused a ticket: %s", error, extra={"fields": {"ticket": ticket.id}})
            return "left"
        return "requeued"

    async def _give_up(self, seen: Ticket) -> bool:
        """Ends the ticket, unless somebody has touched it meanwhile."""

        async def end(transaction: Transaction) -> bool:
            ticket = await self._database.tickets.get(seen.id, transaction)
            if ticket is None or ticket.updated_at != seen.updated_at:
                return False
            now = datetime.now(UTC)
            await self._ledger.settle(
                ticket.failed("No answer was reached in time. Send the chat again.", now), now, transaction
            )
            return True

        return await self._database.transaction(end)


async def _each(things: Sequence[T], see_to: Callable[[T], Awaitable[str]]) -> list[str]:
    """Some at a time. One that cannot be seen to is left, and keeps nobody from the others."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def gated(thing: T) -> str:
        async with gate:
            try:
                return await see_to(thing)
            except Exception:
                _log.exception("A ticket or a hold could not be swept", extra={"fields": {"id": thing.id}})
                return "left"

    return await asyncio.gather(*map(gated, things))
