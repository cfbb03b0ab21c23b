"""Stores tickets and parts, and looks into the listeners, for the tests of watching."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.models.chat import ChatRequest, Message
from shared.models.part import Part
from shared.models.ticket import Ticket
from shared.store import Database, Transaction
from shared.store.listening import Listener
from shared.store.watching import Listeners, listeners

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REQUEST = ChatRequest(messages=[Message(role="user", content="hi")], provider="openai", model="m")


def ticket(id_: str = "t") -> Ticket:
    return Ticket(id=id_, owner="u", provider="openai", model="m", created_at=NOW, updated_at=NOW)


def part(n: int, text: str = "x") -> Part:
    return Part(n=n, attempt=1, content=text)


async def put(database: Database, changed: Ticket, *parts: Part) -> None:
    async def write(transaction: Transaction) -> None:
        await database.tickets.get(changed.id, transaction)
        database.tickets.put(changed, transaction)
        database.parts.add_in(transaction, changed.id, parts, NOW)

    await database.transaction(write)


async def until(condition: Callable[[], Any]) -> None:
    """Waits until the condition holds."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - any event may make it hold
            await asyncio.sleep(0.01)


def listeners_of(database: Database) -> Listeners:
    return listeners(database._client)  # pyright: ignore[reportPrivateUsage]


def first_listener(database: Database) -> Listener:
    return listeners_of(database).open[0]


def is_current(database: Database) -> bool:
    """Whether the streams serve all targets."""
    return all(
        entry.is_current
        for listener in listeners_of(database).open
        for entry in listener._entries.values()  # pyright: ignore[reportPrivateUsage]
    )
