"""Turns, so that one user's chats do not take every worker from everybody else.

A delivery takes a turn together with the ticket's lease. Where its user has none left, the ticket is parked and the
delivery ends: a parked ticket has no task, holds no worker's slot and uses up no attempt. Whoever ends a ticket frees
its turn and calls the oldest that is parked, by a new task. When that process dies in between, the queue delivers the
ended ticket once more, which frees the turn; and the sweep calls whoever is still parked beside a free turn.
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
_MOST_CALLED = 50
"""At a time: a transaction holds some hundred writes."""


def kind_of(ticket: Ticket) -> TurnKind:
    """Agents and models are counted apart: an agent takes a share of a worker's memory, a model nearly none."""
    return "agent" if ticket.provider == GOFANNON else "model"


def lock_name(owner: str, kind: TurnKind) -> str:
    """What transactions that may write a user's turns queue up for within a process."""
    return f"turns:{kind}:{owner}"


@dataclass(frozen=True)
class TurnService:
    """Lives as long as a delivery, or a sweep. `make_queue`: most deliveries need none, and its library is large."""

    database: Database
    make_queue: Callable[[], TaskQueue]
    settings: Settings

    def most(self, kind: TurnKind) -> int:
        """How many turns a user has."""
        most = self.settings.agent_chats_at_once if kind == "agent" else self.settings.model_chats_at_once
        return most or _UNLIMITED

    async def take(self, ticket: Ticket, holder: str, now: datetime, transaction: Transaction) -> bool:
        """A step of the transaction that leases `ticket`: whether it has a turn. One read.

        If not, the step has parked it, and `recheck` has to follow the commit. A ticket that comes while others are
        parked queues up behind them, even beside a free turn, unless it was called.
        """
        kind = kind_of(ticket)
        if (most := self.most(kind)) == _UNLIMITED:
            return True
        turns = await self.database.turns.get(ticket.owner, kind, transaction)
        if turns.has(ticket.id, now) or (turns.free(most, now) and not turns.waiting):
            until = now + timedelta(seconds=self.settings.worker_timeout_seconds + _MARGIN_SECONDS)
            self.database.turns.put(
                turns.given(Turn(ticket_id=ticket.id, holder=holder, until=until), now), transaction
            )
            return True
        if not ticket.parked:
            self.database.tickets.put(ticket.put_aside(kind, now), transaction)
        if not turns.waiting:
            self.database.turns.put(turns.model_copy(update={"waiting": True}), transaction)
        return False

    async def recheck(self, ticket: Ticket) -> None:
        """After `ticket` was parked: calls those that are parked, if a turn came free before it could be seen there.

        Parking does not write the turns, so a turn may be freed beside it. Whoever frees one looks for parked tickets
        afterwards, and whoever parks one looks for free turns afterwards: one of the two sees the other. One read.
        """
        kind = kind_of(ticket)
        async with self.database.raising_unavailable():
            turns = await self.database.turns.get(ticket.owner, kind)
        if turns.free(self.most(kind), clock.now()) or not turns.waiting:
            await self.call_parked(ticket.owner, kind)

    async def pass_on(self, ticket: Ticket, holder: str | None) -> None:
        """Frees the ticket's turn and calls the oldest that is parked. With a `holder`, only if the turn is that one's.

        One read and one write where nothing is parked. Raises `Unavailable`.
        """
        kind = kind_of(ticket)
        if self.most(kind) == _UNLIMITED:
            return

        async def free(transaction: Transaction) -> Turns | None:
            turns = await self.database.turns.get(ticket.owner, kind, transaction)
            freed = turns.freed(ticket.id, holder)
            if freed == turns:
                return None
            self.database.turns.put(freed, transaction)
            return freed

        freed = await self.database.transaction(free, serialize_on=lock_name(ticket.owner, kind))
        if freed is not None and freed.waiting:
            await self.call_parked(ticket.owner, kind)

    async def call_parked(self, owner: str, kind: TurnKind) -> int:
        """Gives the free turns to the oldest that are parked, and hands them in; returns how many.

        As many reads as are called, and two more. Raises `Unavailable`. A task that the queue refuses is the sweep's.
        """
        numbers: dict[str, int] = {}
        """The tasks that an earlier run of the transaction meant to make."""

        async def call(transaction: Transaction) -> list[Ticket]:
            now = clock.now()
            turns = await self.database.turns.get(owner, kind, transaction)
            earlier = await asyncio.gather(*(self.database.tickets.get(id_, transaction) for id_ in numbers))
            # Called by a run that was committed without our knowing, or by somebody else: the task is made once.
            made = [ticket for ticket in earlier if ticket and _was_called(ticket, numbers[ticket.id])]
            free = min(turns.free(self.most(kind), now), _MOST_CALLED)
            if not free:
                return made
            # After the turns were read: what is parked later finds them changed, or looks at them after this.
            parked = await self.database.tickets.parked(owner, kind, free)
            # As long as the queue tries a task: in a busy one it waits. For one that is lost the sweep makes another.
            until = now + timedelta(seconds=self.settings.ticket_max_age_seconds)
            called: list[Ticket] = []
            for ticket in await asyncio.gather(*(self.database.tickets.get(seen.id, transaction) for seen in parked)):
                if ticket is None or not ticket.parked:
                    continue
                called.append(ticket.called(now))
                numbers[ticket.id] = called[-1].tasks
                self.database.tickets.put(called[-1], transaction)
                turns = turns.given(Turn(ticket_id=ticket.id, holder=None, until=until), now)
            waiting = len(parked) == free
            self.database.turns.put(turns.model_copy(update={"waiting": waiting}), transaction)
            return [*made, *called]

        called = await self.database.transaction(call, serialize_on=lock_name(owner, kind))
        await self._hand_in(called)
        return len(called)

    async def _hand_in(self, called: Sequence[Ticket]) -> None:
        if not called:
            return
        queue = await asyncio.to_thread(self.make_queue)
        for ticket in called:
            with on_behalf_of(ticket.request_id, ticket.traceparent):
                try:
                    await queue.enqueue(task_name(ticket.id, ticket.tasks), {"ticket_id": ticket.id})
                except QueueRefused as error:
                    _log.error("The queue refused a ticket: %s", error, extra={"fields": {"ticket": ticket.id}})


def _was_called(ticket: Ticket, number: int) -> bool:
    return not ticket.parked and ticket.tasks == number and not ticket.status.finished
