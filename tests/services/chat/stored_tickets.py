"""Stores tickets in any state, with their requests and parts, without the services that create them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from shared.models.chat import ChatResult
from shared.models.part import Delta, Part, PartKind
from shared.models.ticket import Ticket
from shared.store import Database, Transaction
from tests.database_data import add_parts, store
from tests.services.chat.keyed_chats import chat_request

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_ticket(owner: str, age: float = 0.0) -> Ticket:
    """Returns a new pending ticket. `age`: the seconds between its creation and `NOW`."""
    created_at = NOW - timedelta(seconds=age)
    return Ticket(id=str(uuid4()), owner=owner, provider="p", model="m", created_at=created_at, updated_at=created_at)


def complete(ticket: Ticket, content: str = "Hi.") -> Ticket:
    """Returns the ticket as it is after an answer."""
    return ticket.lease_to("worker", NOW, 60).complete(ChatResult(content=content, model="p/m"), NOW)


async def store_ticket(database: Database, ticket: Ticket, parts: int = 0) -> str:
    """Stores the ticket, its request, and some parts. Returns its id."""
    await store(database, ticket, chat_request())
    for start in range(0, parts, 500):
        await store_parts(database, ticket, range(start + 1, min(start + 500, parts) + 1))
    return ticket.id


async def store_parts(database: Database, ticket: Ticket, numbers: Sequence[int]) -> None:
    """Stores parts with these numbers."""
    parts = [Part.of(number, 1, Delta(PartKind.CONTENT, "x")) for number in numbers]
    await add_parts(database, ticket.id, *parts)


async def put_fields(database: Database, ticket_id: str, **fields: object) -> None:
    """Overwrites fields of a stored ticket, with any values."""
    tickets = database._client.collection("tickets")  # pyright: ignore[reportPrivateUsage]
    await tickets.document(ticket_id).update(fields)


async def end(database: Database, ticket_id: str) -> None:
    """Ends a stored ticket with an error."""

    async def write(transaction: Transaction) -> None:
        ticket = await database.tickets.get(ticket_id, transaction)
        assert ticket is not None
        database.tickets.put(ticket.fail("No.", NOW), transaction)

    await database.transaction(write)
