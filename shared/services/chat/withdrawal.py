"""Withdrawing a chat whose caller cannot be told that it was accepted: it ends, and costs nothing.

A chat that somebody else was given meanwhile, or that a worker has begun, stays accepted.
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

_ENDED = "The chat was not accepted. Nothing was charged. Send it again."


@dataclass(frozen=True)
class WithdrawalService:
    """Lives as long as a request."""

    database: Database
    settings: Settings

    async def withdraw(self, ticket: Ticket, request: KeyedRequest | None) -> bool:
        """Ends the ticket, and forgets the request that it was made for; False when it is accepted after all.

        A ticket that is not stored is stored as ended: a commit that is still on its way then comes too late. One
        transaction. Raises `Unavailable`.
        """

        async def body(transaction: Transaction) -> bool:
            found, _ = await asyncio.gather(
                self.database.tickets.get(ticket.id, transaction), self._prefetch(request, transaction)
            )
            if found is not None and found.attempts > 0:
                return False
            if request is not None and not await Idempotency(self.database).forget(request, ticket.id, transaction):
                return False
            if found is None or not found.status.finished:
                now = clock.now()
                await self._ledger.settle((found or ticket).failed(_ENDED, now), now, transaction)
            return True

        return await self.database.transaction(body)

    async def withdraw_by_id(self, ticket_id: str) -> None:
        """The same for a ticket that may be stored, and whose request had no key. One transaction."""

        async def body(transaction: Transaction) -> None:
            found = await self.database.tickets.get(ticket_id, transaction)
            if found is not None and found.attempts == 0 and not found.status.finished:
                now = clock.now()
                await self._ledger.settle(found.failed(_ENDED, now), now, transaction)

        await self.database.transaction(body)

    async def _prefetch(self, request: KeyedRequest | None, transaction: Transaction) -> None:
        if request is not None:
            await self.database.idempotency.get(request.id, transaction)

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.database, self.settings)
