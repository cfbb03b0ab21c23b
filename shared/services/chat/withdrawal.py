"""Withdraws a chat whose caller could not be given its ticket: it ends, and its owner is charged nothing.

A chat stays accepted if another request has got its ticket meanwhile, or if a worker has begun it.
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
        """Ends the ticket and forgets the request that made it. Returns False if the chat stays accepted.

        Stores a missing ticket as ended, so that a commit that arrives later has no effect. One transaction. Raises
        `Unavailable`.
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
                await self._ledger.settle((found or ticket).fail(_WITHDRAWN, now), now, transaction)
            return True

        return await self.database.transaction(body)

    async def withdraw_by_id(self, ticket_id: str) -> None:
        """Ends a ticket whose request had no key, if the ticket is stored. One transaction. Raises `Unavailable`."""

        async def body(transaction: Transaction) -> None:
            found = await self.database.tickets.get(ticket_id, transaction)
            if found is not None and found.attempts == 0 and not found.status.finished:
                now = clock.now()
                await self._ledger.settle(found.fail(_WITHDRAWN, now), now, transaction)

        await self.database.transaction(body)

    async def _prefetch(self, request: KeyedRequest | None, transaction: Transaction) -> None:
        if request is not None:
            await self.database.idempotency.get(request.id, transaction)

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.database, self.settings)
