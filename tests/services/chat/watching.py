"""Stores tickets and parts as the worker does, and collects the events of those who watch them."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from shared.models.chat import ChatRequest, ChatResult, Message
from shared.models.events import Event
from shared.models.part import Delta, Part, PartKind, parts_before
from shared.models.ticket import Ticket
from shared.services.chat.following import follow
from shared.store import Database, Transaction
from tests.database_data import add_parts, store

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REQUEST = ChatRequest(messages=[Message(role="user", content="hi")], provider="openai", model="m")


async def add_ticket(database: Database, owner: str = "local-dev-user") -> Ticket:
    """Stores a new ticket."""
    ticket = Ticket(id=str(uuid4()), owner=owner, provider="openai", model="m", created_at=NOW, updated_at=NOW)
    await store(database, ticket, REQUEST)
    return ticket


async def add_running_ticket(database: Database, *texts: str, owner: str = "local-dev-user") -> Ticket:
    """Stores a ticket that is being answered, and parts with these texts."""
    ticket = (await add_ticket(database, owner)).lease_to("worker", NOW, 30)
    await put(database, ticket)
    await say(database, ticket, *texts)
    return ticket


def make_parts(ticket: Ticket, texts: Sequence[str], first: int = 1) -> list[Part]:
    """Returns parts of the ticket's current attempt."""
    start = parts_before(ticket.attempts) + first
    return [Part.of(start + index, ticket.attempts, Delta(PartKind.CONTENT, text)) for index, text in enumerate(texts)]


async def say(database: Database, ticket: Ticket, *texts: str, first: int = 1) -> None:
    """Writes parts, one after the other."""
    for part in make_parts(ticket, texts, first):
        await add_parts(database, ticket.id, part)


async def put(database: Database, ticket: Ticket, parts: Sequence[Part] = ()) -> None:
    """Changes the ticket, and adds parts in the same transaction."""

    async def write(transaction: Transaction) -> None:
        await database.tickets.get(ticket.id, transaction)
        database.tickets.put(ticket, transaction)
        database.parts.add_in(transaction, ticket.id, parts, NOW)

    await database.transaction(write)


async def finish(
    database: Database, ticket: Ticket, content: str, last: int, parts: Sequence[Part] = (), void_parts: int = 0
) -> Ticket:
    """Ends the ticket with a result whose last part has the number `last`. Adds parts in the same transaction."""
    ended = ticket.complete(ChatResult(content=content, model="openai/m"), NOW).with_parts(last, void_parts)
    await put(database, ended, parts)
    return ended


class Watcher:
    """Follows a ticket in a task. `events`: what it has received."""

    def __init__(self, database: Database, ticket: Ticket, after: int = 0) -> None:
        self.events: list[Event] = []
        self._database = database
        self._ticket = ticket
        self._after = after
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async with follow(self._database, self._ticket, self._after) as batches:
            async for batch in batches:
                self.events += batch

    async def receive(self, count: int) -> list[Event]:
        """Waits until this number of events has come, and returns all."""
        async with asyncio.timeout(60):
            while len(self.events) < count and not self.task.done():
                await asyncio.wait({self.task}, timeout=0.01)
        return self.events

    async def finish(self) -> list[Event]:
        """Waits for the end, and returns all events."""
        async with asyncio.timeout(60):
            await self.task
        return self.events

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def watch(database: Database, ticket: Ticket, after: int = 0) -> list[Event]:
    """Returns all events of the ticket until its end."""
    return await Watcher(database, ticket, after).finish()


def show(events: Sequence[Event]) -> list[Any]:
    """Returns the events in a short form: `(id, data)`, and for the last one `(id, "done")`."""
    return [(event.id, "done" if event.name == "done" else json.loads(event.data)) for event in events]


def join(events: Sequence[Event]) -> str:
    """Returns the contents that a client has at the end: it discards what came before a restart."""
    content = ""
    for event in events:
        data = json.loads(event.data)
        if event.name == "status" and data.get("restart"):
            content = ""
        elif event.name == "delta":
            content += data.get("content") or ""
    return content
