"""Ends tickets: the ticket, its owner's account, and the notifications of webhooks change in one transaction."""

from datetime import datetime

from shared.models.chat import Usage
from shared.models.ticket import Ticket
from shared.services.accounts.ledger import Ledger
from shared.services.webhooks.outbox import Outbox
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import task_queue


class Endings:
    """Ends tickets. `outbox` also announces other changes of runs."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._ledger = Ledger(database, settings)
        self.outbox = Outbox(database, task_queue(settings))

    async def end(
        self, ended: Ticket, now: datetime, transaction: Transaction, *, cost: float = 0.0, usage: Usage | None = None
    ) -> None:
        """Settles a ticket that has ended (`Ledger.settle`), and announces the end of a run.

        After the commit, the caller must call `outbox.dispatch`. Costs what the two cost.
        """
        await self._ledger.settle(ended, now, transaction, cost=cost, usage=usage)
        await self.outbox.announce(ended, transaction)
