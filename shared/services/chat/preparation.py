"""Reads what an attempt at a ticket needs, while the ticket's lease is being taken."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.llm.failures import ModelFailure
from shared.models.chat import ChatRequest
from shared.models.stored_input import StoredInput
from shared.services.accounts.disabled_users import DisabledUserService
from shared.store import Database

T = TypeVar("T")


class Preparation:
    """The reads for one delivery of a ticket. They start immediately; an error is raised when its result is used.

    Must be closed, since a delivery that does not get the lease uses none of the results.
    """

    def __init__(self, database: Database, ticket_id: str) -> None:
        """Starts to read the ticket's messages."""
        self._database = database
        self._request = asyncio.create_task(self._read(lambda: database.tickets.get_request(ticket_id)))
        self._is_disabled: asyncio.Task[bool] | None = None

    def check_owner(self, uid: str) -> None:
        """Starts to look up whether the ticket's owner is disabled."""
        users = DisabledUserService(self._database)
        self._is_disabled = asyncio.create_task(self._read(lambda: users.is_disabled(uid, fresh=True)))

    async def get_request(self) -> StoredInput:
        """Returns the ticket's messages. `check_owner` must have been called.

        Raises `ModelFailure` if the owner is disabled or the messages are gone, and `Unavailable`.
        """
        assert self._is_disabled is not None  # noqa: S101 - see above
        request, is_disabled = await asyncio.gather(self._request, self._is_disabled)
        if is_disabled:
            raise ModelFailure("The account is disabled, so the chat was not answered.", transient=False)
        if request is None:
            raise ModelFailure("The chat's messages are gone. Send the chat again.", transient=False)
        return request

    def close(self) -> None:
        """Cancels reads that have not been used."""
        for task in filter(None, (self._request, self._is_disabled)):
            task.cancel()
            task.add_done_callback(_retrieve)

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        async with self._database.raising_unavailable():
            return await read()


def _retrieve(task: asyncio.Task[T]) -> None:
    """Retrieves the task's error, so that asyncio does not report it."""
    if not task.cancelled():
        task.exception()


async def read_again(database: Database, ticket_id: str, owner: str) -> ChatRequest:
    """Reads the messages of a ticket whose lease is taken. Two concurrent reads. Raises what `get_request` raises."""
    preparation = Preparation(database, ticket_id)
    try:
        preparation.check_owner(owner)
        request = await preparation.get_request()
        assert isinstance(request, ChatRequest)  # noqa: S101 - only the calls of models are repeated this way
        return request
    finally:
        preparation.close()
