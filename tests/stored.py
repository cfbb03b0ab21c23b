"""Puts things into the database as the services do, in a transaction."""

import itertools
from typing import Any

from shared.models.account import Account
from shared.models.chat import ChatRequest
from shared.models.ticket import Ticket
from shared.store import Database, Transaction


async def store(database: Database, ticket: Ticket, request: ChatRequest) -> None:
    """A new ticket with its request."""

    async def add(transaction: Transaction) -> None:
        await database.tickets.get(ticket.id, transaction)
        database.tickets.add(ticket, request, transaction)

    await database.transaction(add)


async def store_account(database: Database, account: Account) -> Account:
    """An account, as it is to be."""

    async def put(transaction: Transaction) -> Account:
        await database.accounts.get(account.uid, transaction)
        return database.accounts.put(account, transaction)

    return await database.transaction(put)


def lose_answers(database: Database, error: Exception, *commits: int) -> None:
    """From now on the commits of these numbers (the first, if none is given) go through, and then raise `error`."""
    api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit = api.commit
    numbers = itertools.count(1)

    async def losing(*args: Any, **kwargs: Any) -> Any:
        number = next(numbers)
        answer = await commit(*args, **kwargs)
        if number in (commits or (1,)):
            raise error
        return answer

    api.commit = losing
