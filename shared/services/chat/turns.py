"""Turns prevent one user's chats from occupying all workers.

A delivery takes a turn together with the ticket's lease. If the user has no turn left, the ticket is parked and the
delivery ends: a parked ticket has no task, occupies no worker and uses up no attempt. The worker that ends a ticket
frees its turn and calls the oldest parked ticket with a new task. If that worker dies in between, the queue delivers
the ended ticket again, which frees the turn. The sweep calls tickets that are still parked although a turn is free.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import clock
from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.ticket import Ticket
from shared.models.turns import Turn, TurnKind, Turns
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import QueueRefused, TaskQueue, task_name
from shared.trace import on_behalf_of

_log = get_logger("turns")
_MARGIN_SECONDS = 60
_UNLIMITED = 1_000_000
_MAX_CALLED = 50
"""The maximum number of tickets called in one transaction, which can have a few hundred writes."""


def kind_of(ticket: Ticket) -> TurnKind:
    """Returns the kind of turn that the ticket needs.

    Agents and models are counted separately: an agent takes a share of a worker's memory, a model almost none. Runs
    that others start are counted separately, too, so that their owner's own runs do not wait for them.
    """
    if ticket.provider != GOFANNON:
        return "model"
    return "called" if ticket.is_public else "agent"


def group_of(owner: str, kind: TurnKind) -> str:
    """Names the group of the changes that may write a user's turns. See `Database.change`."""
    return f"turns:{kind}:{owner}"


@dataclass(frozen=True)
class TurnService:
    """Takes, frees and passes on turns. `make_queue` is called only if necessary: the queue's library is large."""

    database: Database
    make_queue: Callable[[], TaskQueue]
    settings: Settings

    def max_turns(self, kind: TurnKind) -> int:
        """Returns how many turns of this kind a user has. For runs that others start, half of those for agents."""
        settings = self.settings
        limit = settings.model_chats_at_once if kind == "model" else settings.agent_chats_at_once
        return (-(-limit // 2) if kind == "called" else limit) or _UNLIMITED

    async def take(self, ticket: Ticket, holder: str, now: datetime, transaction: Transaction) -> bool:
        """Takes a turn for `ticket` in the transaction that leases it. Returns whether the ticket has a turn. One read.

        If it has none, parks the ticket; `recheck` must be called after the commit. A ticket that arrives while others
        are parked is parked behind them, even if a turn is free, unless it was called.
        """
        kind = kind_of(ticket)
        if (max_turns := self.max_turns(kind)) == _UNLIMITED:
            return True
        turns = await self.database.turns.get(ticket.owner, kind, transaction)
        if turns.has(ticket.id, now) or (turns.count_free(max_turns, now) and not turns.waiting):
            expiry = now + timedelta(seconds=self.settings.worker_timeout_seconds + _MARGIN_SECONDS)
            turn = Turn(ticket_id=ticket.id, holder=holder, until=expiry)
            self.database.turns.put(turns.give(turn, now), transaction)
            return True
        if not ticket.parked:
            self.database.tickets.put(ticket.park(kind, now), transaction)
        if not turns.waiting:
            self.database.turns.put(turns.model_copy(update={"waiting": True}), transaction)
        return False

    async def recheck(self, ticket: Ticket) -> None:
        """Calls parked tickets if a turn became free while `ticket` was being parked. One read.

        Parking does not write the turns, so a turn may be freed concurrently. After freeing a turn, a worker looks for
        parked tickets; after parking a ticket, a worker looks for free turns. So one of the two notices the other.
        """
        kind = kind_of(ticket)
        async with self.database.raising_unavailable():
            turns = await self.database.turns.get(ticket.owner, kind)
        if turns.count_free(self.max_turns(kind), clock.now()) or not turns.waiting:
            await self.call_parked(ticket.owner, kind)

    async def pass_on(self, ticket: Ticket, holder: str | None) -> None:
        """Frees the ticket's turn and calls the oldest parked ticket. If a `holder` is given, only if it has the turn.

        One read and one write if no ticket is parked. Raises `Unavailable`.
        """
        kind = kind_of(ticket)
        if self.max_turns(kind) == _UNLIMITED:
            return

        async def free(transaction: Transaction) -> Turns | None:
            turns = await self.database.turns.get(ticket.owner, kind, transaction)
            freed = turns.take_back(ticket.id, holder)
            if freed == turns:
                return None
            self.database.turns.put(freed, transaction)
            return freed

        freed = await self.database.change(group_of(ticket.owner, kind), free)
        if freed is not None and freed.waiting:
            await self.call_parked(ticket.owner, kind)

    async def call_parked(self, owner: str, kind: TurnKind) -> int:
        """Gives the free turns to the oldest parked tickets, and queues these. Returns their number.

        One read for each ticket, and two more. Raises `Unavailable`. A ticket that the queue refuses is left to the
        sweep.
        """

        async def call(transaction: Transaction) -> list[Ticket]:
            now = clock.now()
            turns = await self.database.turns.get(owner, kind, transaction)
            free = min(turns.count_free(self.max_turns(kind), now), _MAX_CALLED)
            if not free:
                return []
            # Queried after the turns were read, so that no ticket is missed: a ticket that is parked later either
            # reads the changed turns or rechecks them after this transaction.
            parked = await self.database.tickets.list_parked(owner, kind, free)
            # The turn lasts while the queue tries the task, which may wait in a busy queue. The sweep replaces a lost
            # task.
            expiry = now + timedelta(seconds=self.settings.ticket_max_age_seconds)
            called: list[Ticket] = []
            for ticket in await asyncio.gather(*(self.database.tickets.get(seen.id, transaction) for seen in parked)):
                if ticket is None or not ticket.parked:
                    continue
                called.append(ticket.unpark(now))
                self.database.tickets.put(called[-1], transaction)
                turns = turns.give(Turn(ticket_id=ticket.id, holder=None, until=expiry), now)
            waiting = len(parked) == free
            self.database.turns.put(turns.model_copy(update={"waiting": waiting}), transaction)
            return called

        called = await self.database.transaction(call, serialize_on=group_of(owner, kind))
        await self._enqueue(called)
        return len(called)

    async def _enqueue(self, called: Sequence[Ticket]) -> None:
        if not called:
            return
        queue = await asyncio.to_thread(self.make_queue)
        for ticket in called:
            with on_behalf_of(ticket.request_id, ticket.traceparent):
                try:
                    await queue.enqueue(task_name(ticket.id, ticket.tasks), {"ticket_id": ticket.id})
                except QueueRefused as error:
                    _log.error("The queue refused a ticket: %s", error, extra={"fields": {"ticket": ticket.id}})
