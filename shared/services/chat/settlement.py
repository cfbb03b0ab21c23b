"""Settles the attempts at a ticket: outcome, charge and hold change in one transaction, which checks the lease.

The ticket's owner is charged even for an attempt that failed or lost its lease after its provider had started. An
agent's calls are charged one by one while it runs, so nothing more is charged for it here.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from shared import clock
from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.chat import Usage
from shared.models.errors import Unavailable
from shared.models.money import CostBounds
from shared.models.ticket import LeaseLost, Ticket
from shared.services.accounts.ledger import Ledger
from shared.services.chat.endings import Endings
from shared.services.chat.lease import Change, LeaseHolder
from shared.services.chat.part_writer import Ending
from shared.services.chat.run_pause import RunSuspended
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
        self._settings = settings
        self._holder = holder
        self._ledger = Ledger(database, settings)
        self._endings = Endings(database, settings)

    async def end(
        self,
        seen: Ticket,
        change: Change,
        ending: Ending | None = None,
        *,
        cost: float = 0.0,
        usage: Usage | None = None,
    ) -> None:
        """Ends the ticket, charges its owner, and releases its hold. Waits out outages. Raises `LeaseLost`.

        `ending`: the last parts of a result. `cost`, in US dollars, and `usage` belong to an attempt without a result;
        a result has its own.
        """

        async def write(transaction: Transaction) -> None:
            now = clock.now()
            ticket, _ = await asyncio.gather(
                self._holder.get_held(seen.id, transaction),
                self._ledger.read_for_settling(seen, transaction),
            )
            ended = change(ticket, now)
            if ending is not None:
                ended = await ending.write(self._database, ended, transaction)
            await self._endings.end(ended, now, transaction, cost=cost, usage=usage)

        await self.retry_through_outages(lambda: self._settle_first(seen.owner, write))
        await self._endings.outbox.dispatch()

    async def suspend(self, seen: Ticket, pause: RunSuspended) -> Ticket:
        """Puts a run aside, and returns its ticket. One transaction. Waits out outages. Raises `LeaseLost`.

        If its owner has asked to cancel it in the meantime, ends it as cancelled.
        """

        async def write(transaction: Transaction) -> Ticket:
            now = clock.now()
            held = await self._holder.get_held(seen.id, transaction)
            if held.cancel_requested_at is not None:
                ended = held.cancel(None, now)
                await self._endings.end(ended, now, transaction)
                return ended
            ends_at = held.created_at + timedelta(seconds=self._settings.run_max_age_seconds)
            suspended = held.suspend(min(pause.wake_at or ends_at, ends_at), pause.questions, now)
            self._database.tickets.put(suspended, transaction)
            await self._endings.outbox.announce(suspended, transaction)
            return suspended

        suspended = await self.retry_through_outages(lambda: self._settle_first(seen.owner, write))
        await self._endings.outbox.dispatch()
        return suspended

    async def hold_again(
        self,
        seen: Ticket,
        bounds: CostBounds,
        *,
        cost: float = 0.0,
        usage: Usage | None = None,
        change: Change = lambda held, now: held,
    ) -> int:
        """Replaces the ticket's hold with one within `bounds`, and writes the changed ticket. Returns the hold.

        `cost` and `usage` belong to the previous attempt, for which the owner is charged. Raises `AllowanceSpent`,
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
        """Charges the attempt even if the block raises `LeaseLost`, since its provider bills it anyway."""
        try:
            yield
        except LeaseLost:
            if cost and ticket.provider != GOFANNON:

                async def write(transaction: Transaction) -> None:
                    await self._ledger.charge_lost(ticket, cost, usage, clock.now(), transaction)

                with contextlib.suppress(Unavailable):  # `retry_through_outages` has logged it
                    await self.retry_through_outages(lambda: self._settle_first(ticket.owner, write))
            raise

    async def retry_through_outages(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does `work`, and retries it for minutes during an outage, because the model's answer has been paid for.

        Raises `LeaseLost` even if a commit succeeded and only its response was lost: the next delivery then finds what
        was written. After a longer outage, raises `Unavailable` and logs it, since a charge may be lost.
        """
        try:
            return await wait_out_outages(work, _SETTLING_SECONDS, _MAX_PAUSE_SECONDS)
        except Unavailable:
            _log.error("An attempt could not be settled", extra={"fields": {"holder": self._holder.id}})
            raise

    async def _settle_first(self, owner: str, body: Callable[[Transaction], Awaitable[T]]) -> T:
        """Runs a transaction on the owner's account, ahead of the transactions for calls that have not started."""
        return await self._database.change(f"user:{owner}", body, urgent=True)
