"""An answer while it is being given: what the model says is written as parts, and its owner can cancel it."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from shared.llm.live import CANCELLED, LiveCall
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResult
from shared.models.errors import Unavailable
from shared.models.ticket import Ticket
from shared.services.chat.part_writer import Ending, PartWriter
from shared.settings import Settings
from shared.store import Database


class LiveAnswer:
    """The answer of one attempt. It is live within the `async with` block."""

    def __init__(self, database: Database, ticket: Ticket, settings: Settings) -> None:
        self._database = database
        self._ticket = ticket
        self._writer = PartWriter(database, ticket, settings)
        self._watch: asyncio.Task[None] | None = None
        self.call = LiveCall(self._writer.follow)

    async def __aenter__(self) -> Self:
        """Starts to watch whether the ticket is cancelled."""
        self._watch = asyncio.create_task(self._stop_when_cancelled())
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stops watching and writing."""
        if self._watch is not None:
            self._watch.cancel()
        await self._writer.close()

    @property
    def is_cancelled(self) -> bool:
        """Whether the ticket's owner has cancelled it."""
        return self.call.is_stopped

    async def finish(self, result: ChatResult) -> Ending:
        """Returns the parts to write with the result."""
        await self._writer.close()
        return self._writer.finish(result, by_agent=self._ticket.provider == GOFANNON)

    async def _stop_when_cancelled(self) -> None:
        while not self.is_cancelled:
            with contextlib.suppress(Unavailable):
                async with self._database.raising_unavailable():
                    ticket = await self._database.tickets.get(self._ticket.id)
                if ticket is not None and ticket.cancel_requested_at is not None:
                    self.call.stop()
            await asyncio.sleep(0.5)


def was_stopped(result: ChatResult) -> bool:
    """Whether the result is what a model had said before it was stopped."""
    return isinstance(result.thoughts, dict) and result.thoughts.get("finish_reason") == CANCELLED
