"""The tickets of a caller: looks them up, lists them, and deletes those that have ended.

Only its owner can see a ticket. To anyone else, even an administrator, it does not exist.
"""

import re
from dataclasses import dataclass

from shared.models.api_key import Scope
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResponse, TicketStatus
from shared.models.errors import Conflict, NotFound
from shared.models.ticket import Ticket, to_chat_response
from shared.services.pagination import Page, read_moment_token, write_moment_token
from shared.store import Database, Transaction

_TICKET_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNKNOWN = "There is no such ticket."
MAX_PARTS_DELETED = 5_000
"""The maximum number of parts that one request deletes, which takes a few seconds. Few answers have as many."""


@dataclass(frozen=True)
class TicketService:
    """Reads and deletes tickets."""

    database: Database

    async def get(self, caller: Caller, ticket_id: str) -> Ticket:
        """Returns the ticket. Raises `NotFound` if it is unknown or belongs to another user. One read.

        Raises `Forbidden` for an API key that may not do what the ticket does.
        """
        ticket = None
        if _TICKET_ID.fullmatch(ticket_id):
            async with self.database.raising_unavailable():
                ticket = await self.database.tickets.get(ticket_id)
        if ticket is None or ticket.owner != caller.uid:
            raise NotFound(_UNKNOWN)
        require_scope(caller, ticket)
        return ticket

    async def look_up(self, caller: Caller, ticket_id: str) -> ChatResponse:
        """The ticket's current state. Raises `NotFound` if it is unknown or belongs to another user. One read."""
        return to_chat_response(await self.get(caller, ticket_id))

    async def list(
        self, caller: Caller, limit: int, token: str | None = None, status: TicketStatus | None = None
    ) -> Page[ChatResponse]:
        """The caller's tickets, or those with this status, in the order of their creation, the newest first.

        An API key gets those that its scopes open.

        One query, and one read per ticket. Large results make a page of fewer than `limit`, as do tickets that cannot
        be read, which are logged and omitted. Raises `BadRequest` for an invalid `token`.
        """
        after = None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            tickets, end = await self.database.tickets.page(caller.uid, limit, status, after)
        if caller.key is not None:
            tickets = [ticket for ticket in tickets if scope_of(ticket) in caller.key.scopes]
        return Page(tickets, None if end is None else write_moment_token(*end)).convert(to_chat_response)

    async def delete(self, caller: Caller, ticket_id: str) -> None:
        """Deletes a ticket that has ended, with its parts, its journal and its request. What it cost stays recorded.

        The ticket is deleted last: until then, a deletion that failed can be repeated. Parts and segments beyond
        `MAX_PARTS_DELETED` are left to Firestore's TTL. Without their ticket, nobody can read them.

        The record of the chat's `Idempotency-Key` stays: if the chat is sent again with this key within its 24 hours,
        it gets the id of the deleted ticket, which look-ups no longer find, and it is not answered again.

        One read and one write for each part and segment, and four more. Raises `NotFound` if the ticket is unknown or
        belongs to another user, and `Conflict` if it has not ended.
        """
        ticket = await self.get(caller, ticket_id)
        if not ticket.status.finished:
            raise Conflict(
                f"This ticket is {ticket.status}, so it cannot be deleted yet. Cancel it first "
                f"(POST /chat/{ticket_id}/cancel), or wait until it has ended."
            )
        async with self.database.raising_unavailable():
            await self.database.parts.delete(ticket.id, MAX_PARTS_DELETED)
            if ticket.provider == GOFANNON:
                await self.database.journals.delete(ticket.id, MAX_PARTS_DELETED)
            await self.database.tickets.delete_request(ticket.id)

        async def remove(transaction: Transaction) -> None:
            stored = await self.database.tickets.get(ticket.id, transaction)
            if stored is None:  # another request was faster
                raise NotFound(_UNKNOWN)
            self.database.tickets.remove(stored, transaction)

        await self.database.transaction(remove)


def scope_of(ticket: Ticket) -> Scope:
    """Returns the scope that an API key needs for the ticket: runs of agents are not open to keys for chats alone."""
    return Scope.RUN if ticket.provider == GOFANNON else Scope.CHAT


def require_scope(caller: Caller, ticket: Ticket) -> None:
    """Raises `Forbidden` if the caller acts with a key that does not have the ticket's scope."""
    caller.require_scope(scope_of(ticket))
