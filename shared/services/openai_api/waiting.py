"""Waits for the end of a ticket, for a request whose response is the whole answer."""

import asyncio

from shared.models.errors import NotFound
from shared.models.openai_api.errors import AnswerTooSlow
from shared.models.ticket import Ticket
from shared.services.request_shares import share
from shared.store import Database

MAX_WAITING_PER_USER = 50
"""The maximum number of a user's requests that wait in a process, which serves five times as many."""
TOO_SLOW_MESSAGE = (
    "The answer takes longer than {seconds:g} seconds, the limit of a request that waits for it. Stream it, or send it "
    "to /v1/responses with background: true. Through Hosting the limit is lower than at the function's own URL."
)


async def wait_for_end(database: Database, ticket: Ticket, seconds: float) -> Ticket:
    """Returns the ticket when it has ended. One read for each version of it.

    Raises `AnswerTooSlow` after `seconds`, `TooManyRequests` if too many requests of its owner wait already, and
    `NotFound` if it is deleted.
    """
    if ticket.status.finished:
        return ticket
    with share(database.project, "openai", ticket.owner, MAX_WAITING_PER_USER):
        ended: asyncio.Future[Ticket | None] = asyncio.get_running_loop().create_future()

        def note(version: Ticket | None) -> None:
            if not ended.done() and (version is None or version.status.finished):
                ended.set_result(version)

        with database.tickets.watch(ticket.id, note):
            try:
                async with asyncio.timeout(seconds):
                    found = await ended
            except TimeoutError as error:
                raise AnswerTooSlow(TOO_SLOW_MESSAGE.format(seconds=seconds)) from error
    if found is None:
        raise NotFound("The ticket was deleted before it was answered.")
    return found
