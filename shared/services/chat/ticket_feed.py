"""What the feeds of all tickets have in common: a feed listens to its ticket, and announces each change to its readers.

What else there is to read, such as the parts of an answer or the journal of a run, its subclasses know.
"""

import asyncio
from abc import ABC, abstractmethod
from contextlib import ExitStack

from shared.models.ticket import Ticket
from shared.store import Database


class TicketFeed(ABC):
    """A ticket, and what is written for it while it is unfinished. `ticket` is None once the ticket is deleted.

    `is_complete`: whether the ticket has ended, and no more will come.
    """

    def __init__(self, database: Database, ticket: Ticket) -> None:
        self._database = database
        self.id = ticket.id
        self.owner = ticket.owner
        self.ticket: Ticket | None = ticket
        self.is_complete = False
        self.changed = asyncio.Event()
        """Set at the next change, and then replaced by another one."""
        self._watches = ExitStack()
        self._completion: asyncio.Task[None] | None = None

    @property
    @abstractmethod
    def size(self) -> int:
        """About how many bytes the feed takes, or will take when it has read what it needs."""

    @abstractmethod
    def cover(self, after: int) -> None:
        """Makes sure that the feed has what comes after this number, for another reader."""

    @abstractmethod
    def _listen(self) -> None:
        """Starts to listen to what is written for the ticket."""

    @abstractmethod
    def _take_version(self, ticket: Ticket) -> None:
        """Adjusts what the feed has to a new version of the ticket."""

    @abstractmethod
    async def _read_rest(self, ticket: Ticket) -> None:
        """Waits for the last of what was written for a ticket that has ended, or reads it. Stops to listen."""

    def open(self) -> None:
        """Starts to listen, or to read if the ticket has ended."""
        assert self.ticket is not None  # noqa: S101 - as in the constructor
        if self.ticket.status.finished:
            self._complete(self.ticket)
            return
        self._watches.enter_context(self._database.tickets.watch(self.id, self._on_ticket))
        self._listen()

    def close(self) -> None:
        """Stops everything."""
        self._watches.close()
        if self._completion is not None:
            self._completion.cancel()

    def _on_ticket(self, ticket: Ticket | None) -> None:
        self.ticket = ticket
        if ticket is not None:
            self._take_version(ticket)
            if ticket.status.finished:
                self._watches.close()
                self._complete(ticket)
        self._announce()

    def _announce(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def _complete(self, ticket: Ticket) -> None:
        if self._completion is not None:
            self._completion.cancel()
        self.is_complete = False
        self._completion = asyncio.create_task(self._finish(ticket))

    async def _finish(self, ticket: Ticket) -> None:
        await self._read_rest(ticket)
        self.is_complete = True
        self._announce()
