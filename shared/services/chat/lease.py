"""The lease of a ticket: one delivery takes it, renews it while it works, and checks it before every write."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from shared import clock
from shared.log import get_logger
from shared.models.errors import Unavailable
from shared.models.ticket import Claim, LeaseLost, Ticket, claim
from shared.services.chat.endings import Endings
from shared.services.chat.preparation import Preparation
from shared.services.chat.turns import TurnService, group_of, kind_of
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("answering")
_RENEWALS_PER_LEASE = 3
_MARGIN_SECONDS = 2
"""How much sooner this process considers a lease expired than others do, whose clocks may differ."""
Change = Callable[[Ticket, datetime], Ticket]
"""The next state of a ticket, given the time of the change."""


class LeaseHolder:
    """One delivery that holds a ticket's lease."""

    def __init__(self, database: Database, turns: TurnService, settings: Settings) -> None:
        self._database = database
        self._turns = turns
        self._settings = settings
        self._endings = Endings(database, settings)
        self.id = str(uuid4())
        """The id of this delivery in the lease."""
        self._valid_until = 0.0

    def is_valid(self) -> bool:
        """Whether the lease lasts long enough to begin something that must happen only once."""
        return time.monotonic() < self._valid_until - _MARGIN_SECONDS

    async def take(self, ticket_id: str, preparation: Preparation) -> tuple[Claim, Ticket | None]:
        """Takes the lease if it is free and the owner has a turn for the ticket. Without a turn, parks the ticket.

        Has `preparation` check the owner at the same time.

        Ends a ticket that is cancelled or has no attempts left, and releases its hold. Its owner is not charged again.
        One read for a ticket that has ended; for any other ticket, also a transaction.
        """
        async with self._database.raising_unavailable():
            stored, seen = await self._database.tickets.look_at(ticket_id)
        if stored is None:
            _log.error("A task names a ticket that does not exist", extra={"fields": {"ticket": ticket_id}})
            return Claim.FINISHED, None
        if stored.status.finished:
            return Claim.FINISHED, stored
        preparation.check_owner(stored.owner)
        started = time.monotonic()

        async def take(transaction: Transaction) -> tuple[Claim, Ticket | None]:
            ticket = await self._database.tickets.get(ticket_id, transaction)
            if ticket is None:
                return Claim.FINISHED, None
            now = clock.now()
            decision = claim(ticket, now, self._settings.chat_max_attempts)
            if decision is Claim.TAKEN and not await self._turns.take(ticket, self.id, now, transaction):
                decision = Claim.PARKED
            elif decision is Claim.TAKEN:
                ticket = ticket.lease_to(self.id, now, self._settings.lease_seconds)
                self._database.tickets.put(ticket, transaction)
            elif decision is Claim.CANCELLED:
                await self._endings.end(ticket.cancel(None, now), now, transaction)
            elif decision is Claim.EXHAUSTED:
                what = "run did not end" if ticket.agent_id else "chat was not answered"
                message = f"The {what} in {ticket.attempts - ticket.forgiven} attempts. Send it again."
                await self._endings.end(ticket.fail(message, now), now, transaction)
            return decision, ticket

        # Deliveries of one user's tickets are committed together, so that their transactions do not conflict.
        taken = await self._database.change(group_of(stored.owner, kind_of(stored)), take, seen)
        self._valid_until = started + self._settings.lease_seconds
        await self._endings.outbox.dispatch()
        return taken

    async def renew_until_cancelled(self, ticket_id: str) -> None:
        """Renews the lease until this task is cancelled. Raises `LeaseLost`.

        Ignores an outage of the database, since the code that ends the ticket checks the lease again.
        """
        seconds = self._settings.lease_seconds
        while True:
            await asyncio.sleep(seconds / _RENEWALS_PER_LEASE)
            started = time.monotonic()
            with contextlib.suppress(Unavailable):
                await self.change(ticket_id, lambda held, now: held.renew(now, seconds))
                self._valid_until = started + seconds

    async def change(self, ticket_id: str, change: Change) -> None:
        """Writes the changed ticket. One transaction. Raises `LeaseLost`, `Unavailable`."""

        async def write(transaction: Transaction) -> None:
            ticket = await self.get_held(ticket_id, transaction)
            self._database.tickets.put(change(ticket, clock.now()), transaction)

        await self._database.transaction(write)

    async def get_held(self, ticket_id: str, transaction: Transaction) -> Ticket:
        """Returns the ticket. One read. Raises `LeaseLost` if this delivery no longer holds its lease."""
        ticket = await self._database.tickets.get(ticket_id, transaction)
        if ticket is None or not ticket.held_by(self.id):
            raise LeaseLost
        return ticket
