"""The lease of a ticket: one delivery takes it, renews it while it works, and checks it before every write."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from shared import clock
from shared.log import get_logger
from shared.models.errors import Unavailable
from shared.models.ticket import Claim, Ticket, claim
from shared.services.accounts.ledger import Ledger
from shared.services.chat.preparation import Preparation
from shared.services.chat.turns import TurnService, group_of, kind_of
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("answering")
_RENEWALS_PER_LEASE = 3
Change = Callable[[Ticket, datetime], Ticket]
"""The next state of a ticket, given the time of the change."""


class LeaseLost(Exception):
    """Another worker has taken the ticket because this one did not renew its lease in time."""


class LeaseHolder:
    """One delivery that holds a ticket's lease."""

    def __init__(self, database: Database, turns: TurnService, settings: Settings) -> None:
        self._database = database
        self._turns = turns
        self._settings = settings
        self._ledger = Ledger(database, settings)
        self.id = str(uuid4())
        """The id of this delivery in the lease."""

    async def take(self, ticket_id: str, preparation: Preparation) -> tuple[Claim, Ticket | None]:
        """Takes the lease if it is free and the owner has a turn for the ticket. Without a turn, parks the ticket.

        Has `preparation` check the owner at the same time.

        Ends a ticket that is cancelled, has no attempts left or whose agent was interrupted, and releases its hold. Its
        owner is not charged again. One read for a ticket that has ended; for any other ticket, also a transaction.
        """
        async with self._database.raising_unavailable():
            stored, seen = await self._database.tickets.look_at(ticket_id)
        if stored is None:
            _log.error("A task names a ticket that does not exist", extra={"fields": {"ticket": ticket_id}})
            return Claim.FINISHED, None
        if stored.status.finished:
            return Claim.FINISHED, stored
        preparation.check_owner(stored.owner)

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
                await self._ledger.settle(ticket.cancel(None, now), now, transaction)
            elif decision in (Claim.EXHAUSTED, Claim.INTERRUPTED):
                message = f"The chat was not answered in {ticket.attempts} attempts. Send it again."
                if decision is Claim.INTERRUPTED:
                    message = "The agent was interrupted. You are charged for what it had spent. Send the chat again."
                await self._ledger.settle(ticket.fail(message, now), now, transaction)
            return decision, ticket

        # Deliveries of one user's tickets are committed together, so that their transactions do not conflict.
        return await self._database.change(group_of(stored.owner, kind_of(stored)), take, seen)

    async def renew_until_cancelled(self, ticket_id: str) -> None:
        """Renews the lease until this task is cancelled. Raises `LeaseLost`.

        Ignores an outage of the database, since the code that ends the ticket checks the lease again.
        """
        seconds = self._settings.lease_seconds
        while True:
            await asyncio.sleep(seconds / _RENEWALS_PER_LEASE)
            with contextlib.suppress(Unavailable):
                await self.change(ticket_id, lambda held, now: held.renew(now, seconds))

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
