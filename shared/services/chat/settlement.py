"""Settles the attempts at a ticket: outcome, charge and hold in one transaction, which checks the lease.

The ticket's owner is charged, also for an attempt that failed or lost its lease after its provider had begun. An
agent's calls are charged one by one while it runs, so nothing more is charged for it here.
"""

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from shared import clock
from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.chat import Usage
from shared.models.errors import Unavailable
from shared.models.money import CostBounds
from shared.models.ticket import Ticket
from shared.services.accounts.ledger import Ledger
from shared.services.chat.lease import Change, LeaseHolder, LeaseLost
from shared.services.outages import wait_out_outages
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("answering")
_SETTLING_SECONDS = 120
_MAX_PAUSE_SECONDS = 10
T = TypeVar("T")


class Settlement:
    """The settlement of one delivery's attempt."""

    def __init__(self, database: Database, holder: LeaseHolder, settings: Settings) -> None:
        self._database = database
        self._holder = holder
        self._ledger = Ledger(database, settings)

    async def end(self, seen: Ticket, change: Change, *, cost: float = 0.0, usage: Usage | None = None) -> None:
        """Ends the ticket, charges its owner, and releases its hold. Waits out outages. Raises `LeaseLost`.

        `cost`, in US dollars, and `usage` are those of an attempt that failed; a result has its own.
        """

        async def write(transaction: Transaction) -> None:
            now = clock.now()
            ticket = await self._holder.get_held(seen.id, transaction)
            await self._ledger.settle(change(ticket, now), now, transaction, cost=cost, usage=usage)

        await self.insist(lambda: self._settle_first(seen.owner, write))

    async def hold_again(
        self,
        seen: Ticket,
        bounds: CostBounds,
        *,
        cost: float = 0.0,
        usage: Usage | None = None,
        change: Change = lambda held, now: held,
    ) -> int:
        """Holds within `bounds` in place of what the ticket holds, and writes the changed ticket; returns the hold.

        `cost` and `usage` are those of the attempt before, for which its owner is charged. Raises `AllowanceSpent`,
        `LeaseLost`, `Unavailable`.
        """

        async def write(transaction: Transaction) -> int:
            now = clock.now()
            held = await self._holder.get_held(seen.id, transaction)
            held = await self._ledger.hold_again(held, bounds, now, transaction, cost=cost, usage=usage)
            self._database.tickets.put(change(held, now), transaction)
            return held.hold

        return await self._settle_first(seen.owner, write)

    @contextlib.asynccontextmanager
    async def charge_if_lost(self, ticket: Ticket, cost: float, usage: Usage | None) -> AsyncGenerator[None]:
        """Charges the attempt also if the block raises `LeaseLost`, since its provider bills it all the same."""
        try:
            yield
        except LeaseLost:
            if cost and ticket.provider != GOFANNON:

                async def write(transaction: Transaction) -> None:
                    await self._ledger.charge_lost(ticket, cost, usage, clock.now(), transaction)

                with contextlib.suppress(Unavailable):  # it is in the log
                    await self.insist(lambda: self._settle_first(ticket.owner, write))
            raise

    async def insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does `work`, and waits out an outage of the database for minutes, as the answer is paid for.

        Raises `LeaseLost` also when a commit went through and only its answer was lost: the next delivery then finds
        what was written. Raises `Unavailable` after an outage that lasts, and logs it, as a charge may be lost.
        """
        try:
            return await wait_out_outages(work, _SETTLING_SECONDS, _MAX_PAUSE_SECONDS)
        except Unavailable:
            _log.error("An attempt could not be settled", extra={"fields": {"holder": self._holder.id}})
            raise

    async def _settle_first(self, owner: str, body: Callable[[Transaction], Awaitable[T]]) -> T:
        """A transaction with the owner's account, ahead of calls that the owner has yet to begin."""
        return await self._database.transaction(body, serialize_on=f"user:{owner}", urgent=True)
