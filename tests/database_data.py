"""Writes test data into the database as the services do, in a transaction."""

from datetime import UTC, datetime

from shared.models.account import Account
from shared.models.part import Part
from shared.models.stored_input import StoredInput
from shared.models.ticket import Ticket
from shared.store import Database, Transaction

EXPIRE_AT = datetime(2026, 1, 2, 12, tzinfo=UTC)


async def store(database: Database, ticket: Ticket, request: StoredInput) -> None:
    """Adds a new ticket and its request."""

    async def add(transaction: Transaction) -> None:
        await database.tickets.get(ticket.id, transaction)
        database.tickets.add(ticket, request, transaction)

    await database.transaction(add)


async def add_parts(database: Database, ticket_id: str, *parts: Part) -> None:
    """Adds new parts in one commit."""

    async def add(transaction: Transaction) -> None:
        database.parts.add_in(transaction, ticket_id, parts, EXPIRE_AT)

    await database.transaction(add)


async def store_account(database: Database, account: Account) -> Account:
    """Stores the account exactly as it is, and returns the stored account."""

    async def put(transaction: Transaction) -> Account:
        await database.accounts.get(account.uid, transaction)
        return database.accounts.put(account, transaction)

    return await database.transaction(put)
