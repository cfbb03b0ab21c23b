"""The sweep: finds tickets whose worker never came back, and hands them in again or ends them; calls parked tickets
that nobody has called; and releases holds of calls that nobody can be waiting for any more.

A ticket that nobody has touched for `SWEEP_AFTER_SECONDS` waits in a busy queue, or has lost its task (the queue gave
up on it, or forgot it) or its worker. Handing it in is safe however often it happens: the lease and the ticket's state
see to that. It is done only where the queue has no task of it any more, or, where the queue cannot say, after ever
longer times: a queue that is slow is not helped by more tasks.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from shared.log import get_logger
from shared.models.hold import Hold
from shared.models.ticket import Ticket
from shared.models.turns import TurnKind
from shared.models.wire import SnakeModel
from shared.services.accounts.ledger import Ledger
from shared.services.accounts.spending import SpendingService
from shared.services.chat.turns import TurnService, kind_of
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import InspectableQueue, QueueRefused, task_name
from shared.trace import on_behalf_of

_log = get_logger("sweep")
_AT_ONCE = 10
_MOST_SECONDS_BETWEEN = 3600.0
"""Where the queue does not tell of its tasks, a ticket that waits is handed in again at least so often."""
_PARKED_PAGES = 10
"""How many pages of parked tickets, which only have to be looked at, a sweep reads for each page of others."""
_GIVEN_UP = "No answer was reached in time. Send the chat again."
_WAITED = "Your other chats took so long that this one was never begun. Nothing was charged for it. Send it again."
_LEVELS = {"ended": logging.ERROR, "waiting": logging.DEBUG}


@dataclass(frozen=True)
class _Group:
    """The parked tickets of one user and kind."""

    id: str
    owner: str
    kind: TurnKind
    parked: int


T = TypeVar("T", Ticket, Hold, _Group)
R = TypeVar("R")


class Swept(SnakeModel):
    """How many tickets were handed in again, ended, and left for the next sweep since they could not be seen to; how
    many wait with nothing to be done for them, in the queue or for a turn, and how many were called, as their turn had
    come; how many holds were released.
    """

    requeued: int = 0
    ended: int = 0
    left: int = 0
    waiting: int = 0
    called: int = 0
    released: int = 0


class SweepService:
    """Lives as long as a sweep."""

    def __init__(self, database: Database, queue: InspectableQueue, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._settings = settings
        self._ledger = Ledger(database, settings)
        self._turns = TurnService(database, lambda: queue, settings)

    async def sweep(self, page: int = 500, pages: int = 20) -> Swept:
        """Sees to all tickets that lie untouched, the longest first; at most `pages` times `page` of them, not counted
        those that are parked, which keep nobody from being seen to.
        """
        untouched_since = datetime.now(UTC) - timedelta(seconds=self._settings.sweep_after_seconds)
        outcomes: list[str] = []
        parked: Counter[tuple[str, TurnKind]] = Counter()
        after: datetime | None = None
        for _ in range(pages * _PARKED_PAGES):
            async with self._database.raising_unavailable():
                tickets, after = await self._database.tickets.untouched_since(untouched_since, page, after)
            young = [ticket for ticket in tickets if ticket.parked and not self._is_too_old(ticket)]
            parked.update((ticket.owner, kind_of(ticket)) for ticket in young)
            aside = {ticket.id for ticket in young}
            outcomes += await self._see_to_all([ticket for ticket in tickets if ticket.id not in aside])
            if after is None or len(outcomes) >= pages * page:
                break
        outcomes += await self._call_parked(parked)
        outcomes += await self._release_holds(page)
        swept = Swept(**{name: outcomes.count(name) for name in Swept.model_fields})
        _log.info("Swept", extra={"fields": swept.model_dump()})
        return swept

    async def _call_parked(self, parked: Counter[tuple[str, TurnKind]]) -> list[str]:
        """Calls those whose turn has come, of each owner and kind that has some."""

        async def call(group: _Group) -> list[str]:
            called = min(await self._turns.call_parked(group.owner, group.kind), group.parked)
            if called:
                _log.warning("Parked tickets were called by the sweep", extra={"fields": {"called": called}})
            return ["called"] * called + ["waiting"] * (group.parked - called)

        groups = [_Group(f"{kind} of {owner}", owner, kind, count) for (owner, kind), count in parked.items()]
        return [outcome for outcomes in await _each(groups, call, ["left"]) for outcome in outcomes]

    async def _release_holds(self, most: int) -> list[str]:
        """Those whose process died in the middle of a call. What the call cost is not known, and not charged; unless it
        was left to go on by itself: whoever leaves calls behind would have them for free, so what was held is charged.
        """
        async with self._database.raising_unavailable():
            holds = await self._database.holds.expired(datetime.now(UTC), most)
        spending = SpendingService(self._database, self._settings)

        async def release(hold: Hold) -> str:
            _log.error("A call was never settled; its hold is released", extra={"fields": hold.model_dump(mode="json")})
            await spending.give_up(hold)
            return "released"

        return await _each(holds, release, "left")

    async def _see_to_all(self, tickets: list[Ticket]) -> list[str]:
        return await _each(tickets, self._see_to, "left")

    async def _see_to(self, ticket: Ticket) -> str:
        """Hands it in again or ends it, for the request that it was accepted by, and tells which in a line."""
        outcome, age = "left", datetime.now(UTC) - ticket.created_at
        with on_behalf_of(ticket.request_id, ticket.traceparent):
            try:
                outcome = await self._handed_in_or_ended(ticket)
            finally:
                fields = {"ticket": ticket.id, "outcome": outcome, "age_seconds": round(age.total_seconds())}
                level = _LEVELS.get(outcome, logging.WARNING)
                _log.log(level, "A ticket was swept: %s", outcome, extra={"fields": fields})
        return outcome

    async def _handed_in_or_ended(self, ticket: Ticket) -> str:
        if self._is_too_old(ticket):
            return "ended" if await self._give_up(ticket) else "left"
        if not await self._has_lost_its_task(ticket):
            return "waiting"
        # Sweeps that run at the same time make a task of the same name, which the queue takes once.
        try:
            await self._queue.enqueue(task_name(ticket.id, ticket.tasks + 1), {"ticket_id": ticket.id})
        except QueueRefused as error:
            _log.error("The queue refused a ticket: %s", error, extra={"fields": {"ticket": ticket.id}})
            return "left"
        await self._note_task(ticket)
        return "requeued"

    def _is_too_old(self, ticket: Ticket) -> bool:
        """Its time counts from the first attempt since it was parked. Until then it only waits, which may take long."""
        now = datetime.now(UTC)
        if ticket.attempts == 0 or ticket.first_taken_at is None:
            return now - ticket.created_at > timedelta(seconds=self._settings.ticket_max_wait_seconds)
        return now - ticket.first_taken_at > timedelta(seconds=self._settings.ticket_max_age_seconds)

    async def _has_lost_its_task(self, ticket: Ticket) -> bool:
        """As the queue says; where it cannot, whether the last task was made long enough ago."""
        known = await self._queue.has(task_name(ticket.id, ticket.tasks))
        if known is not None:
            return not known
        if ticket.enqueued_at is None:
            return True
        doubled = self._settings.sweep_after_seconds * 2.0 ** min(ticket.tasks - 1, 30)
        return datetime.now(UTC) - ticket.enqueued_at > timedelta(seconds=min(doubled, _MOST_SECONDS_BETWEEN))

    async def _note_task(self, seen: Ticket) -> None:
        """Counts the task on the ticket, unless somebody else has."""

        async def note(transaction: Transaction) -> None:
            ticket = await self._database.tickets.get(seen.id, transaction)
            if ticket is not None and not ticket.status.finished and ticket.tasks == seen.tasks:
                self._database.tickets.put(ticket.enqueued_again(datetime.now(UTC)), transaction)

        await self._database.transaction(note)

    async def _give_up(self, seen: Ticket) -> bool:
        """Ends the ticket, unless somebody has touched it meanwhile."""

        async def end(transaction: Transaction) -> bool:
            ticket = await self._database.tickets.get(seen.id, transaction)
            if ticket is None or ticket.updated_at != seen.updated_at:
                return False
            now = datetime.now(UTC)
            why = _WAITED if ticket.parked and not ticket.attempts else _GIVEN_UP
            await self._ledger.settle(ticket.failed(why, now), now, transaction)
            return True

        ended = await self._database.transaction(end)
        if ended:
            await self._turns.pass_on(seen, None)
        return ended


async def _each(things: Sequence[T], see_to: Callable[[T], Awaitable[R]], left: R) -> list[R]:
    """Some at a time. One that cannot be seen to is left, and keeps nobody from the others."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def gated(thing: T) -> R:
        async with gate:
            try:
                return await see_to(thing)
            except Exception:
                _log.exception("A ticket or a hold could not be swept", extra={"fields": {"id": thing.id}})
                return left

    return await asyncio.gather(*map(gated, things))
