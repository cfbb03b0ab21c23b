"""Withdraws a chat whose caller could not be given its ticket. The ticket ends, and its owner is not charged.

A chat stays accepted if another request has received its ticket in the meantime, or if a worker has started on it.
"""

import asyncio
from dataclasses import dataclass

from shared import clock
from shared.models.idempotency import KeyedRequest
from shared.models.ticket import Ticket
from shared.services.accounts.ledger import Ledger
from shared.services.idempotency import Idempotency
from shared.settings import Settings
from shared.store import Database, Transaction

_WITHDRAWN = "The chat was not accepted. Nothing was charged. Send it again."


@dataclass(frozen=True)
class WithdrawalService:
    """Withdraws tickets."""

    database: Database
    settings: Settings

    async def withdraw(self, ticket: Ticket, request: KeyedRequest | None) -> bool:
        """Ends the ticket and deletes the record of its request. Returns False if the chat stays accepted.

        Stores a missing ticket as ended, so that a later commit has no effect. One transaction. Raises `Unavailable`.
        """

        async def body(transaction: Transaction) -> bool:
            stored, _ = await asyncio.gather(
                self.database.tickets.get(ticket.id, transaction), self._prefetch(request, transaction)
            )
            if stored is not None and stored.attempts > 0:
                return False
            if request is not None and not await Idempotency(self.database).forget(request, ticket.id, transaction):
                return False
            if stored is None or not stored.status.finished:
                now = clock.now()
                await self._ledger.settle((stored or ticket).fail(_WITHDRAWN, now), now, transaction)
            return True

        return await self.database.transaction(body)

    async def withdraw_by_id(self, ticket_id: str) -> None:
        """Ends a ticket whose request had no key, if the ticket is stored. One transaction. Raises `Unavailable`."""

        async def body(transaction: Transaction) -> None:
            ticket = await self.database.tickets.get(ticket_id, transaction)
            if ticket is not None and ticket.attempts == 0 and not ticket.status.finished:
                now = clock.now()
                await self._ledger.settle(ticket.fail(_WITHDRAWN, now), now, transaction)

        await self.database.transaction(body)

    async def _prefetch(self, request: KeyedRequest | None, transaction: Transaction) -> None:
        if request is not None:
            await self.database.idempotency.get(request.id, transaction)

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.database, self.settings)
