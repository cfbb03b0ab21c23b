"""An answer while it is being given: what the model says is written as parts, and its owner can cancel it."""

import asyncio
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from shared.llm.live import CANCELLED, LiveCall
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResult, TicketStatus
from shared.models.ticket import Ticket
from shared.services.chat.part_writer import Ending, PartWriter
from shared.settings import Settings
from shared.store import Database

WATCH_AFTER_SECONDS = 0.4
"""How long an answer takes before its ticket is watched. Few answers are cancelled sooner, and many end sooner."""


class LiveAnswer:
    """The answer of one attempt. It is live within the `async with` block."""

    def __init__(self, database: Database, ticket: Ticket, settings: Settings) -> None:
        self._database = database
        self._ticket = ticket
        self._writer = PartWriter(database, ticket, settings)
        self._watch = ExitStack()
        self._watch_start: asyncio.TimerHandle | None = None
        self.call = LiveCall(self._writer.follow)

    async def __aenter__(self) -> Self:
        """Has the ticket watched for its cancellation, unless the answer takes less than `WATCH_AFTER_SECONDS`."""
        self._watch_start = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._start_watch)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stops watching and writing."""
        if self._watch_start is not None:
            self._watch_start.cancel()
        self._watch.close()
        await self._writer.close()

    @property
    def is_cancelled(self) -> bool:
        """Whether the ticket's owner has cancelled it."""
        return self.call.is_stopped

    def was_stopped(self, result: ChatResult) -> bool:
        """Whether the result is what a model had said before it was stopped. An agent that is stopped has no result."""
        if not self.is_cancelled or self._ticket.provider == GOFANNON or not isinstance(result.thoughts, dict):
            return False
        return result.thoughts.get("finish_reason") == CANCELLED

    async def finish(self, result: ChatResult) -> Ending:
        """Returns the parts to write with the result."""
        await self._writer.close()
        return self._writer.finish(result, by_agent=self._ticket.provider == GOFANNON)

    def _start_watch(self) -> None:
        self._watch.enter_context(self._database.tickets.watch(self._ticket.id, self._note))

    def _note(self, ticket: Ticket | None) -> None:
        """Stops the call if the ticket is to be cancelled, or was, because this worker seemed to have died."""
        if ticket is None or ticket.cancel_requested_at is not None or ticket.status is TicketStatus.CANCELLED:
            self.call.stop()
