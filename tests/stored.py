"""Puts things into the database as the services do, in a transaction."""

import itertools
from collections.abc import Callable
from typing import Any

from google.api_core.exceptions import ServiceUnavailable

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


def break_commits(database: Database, first: int, *applied: int) -> Callable[[], None]:
    """From the `first` commit on none is answered, nor any read after it; those whose numbers are `applied` go through
    all the same. Returns what makes the database answer again.
    """
    api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, read = api.commit, api.batch_get_documents
    numbers = itertools.count(1)

    async def breaking(*args: Any, **kwargs: Any) -> Any:
        number = next(numbers)
        if number < first:
            return await commit(*args, **kwargs)
        api.batch_get_documents = silent
        if number in applied:
            await commit(*args, **kwargs)
        raise ServiceUnavailable("gone")

    async def silent(*_: Any, **__: Any) -> Any:
        raise ServiceUnavailable("gone")

    def restore() -> None:
        api.commit, api.batch_get_documents = commit, read

    api.commit = breaking
    return restore
