"""Cancels a chat for its owner.

A ticket that no worker holds ends at once. If a worker holds it, the ticket records the request; the worker notices
that within a second, stops the model or the agent, and ends the ticket with what the model had said and used. Whoever
ends the ticket does so in one transaction, so each cancelled ticket ends in one state and is charged once.
"""

import asyncio
from dataclasses import dataclass

from shared import clock
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.errors import NotFound, Unavailable
from shared.models.ticket import Claim, Ticket, claim
from shared.services.chat.endings import Endings
from shared.services.chat.tickets import require_scope
from shared.services.chat.turns import TurnService
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("chat")
_FIRST_LOOK_SECONDS = 0.1
_LOOK_GROWTH = 1.5
_MAX_LOOKS = 9
"""With these pauses, the service checks the ticket for up to about eight seconds. A worker stops within one second, and
then settles."""


@dataclass(frozen=True)
class CancelService:
    """Cancels tickets."""

    database: Database
    turns: TurnService
    settings: Settings

    async def cancel(self, caller: Caller, ticket_id: str) -> Ticket:
        """Cancels the ticket, and returns it as it ended. A ticket that had ended already is returned unchanged.

        If its worker does not end it within seconds, because it has died, returns the unfinished ticket. It ends when
        the worker's lease has expired. Raises `NotFound` for an unknown ticket and for another user's, `Forbidden` for
        an API key without its scope, and `Unavailable`. One transaction, and up to nine reads while a worker ends the
        ticket. If the worker gives it back for another attempt instead, another transaction.
        """
        ticket = await self._request(caller, ticket_id)
        pause = _FIRST_LOOK_SECONDS
        for _ in range(_MAX_LOOKS):
            if ticket.status.finished:
                break
            await asyncio.sleep(pause)
            pause *= _LOOK_GROWTH
            async with self.database.raising_unavailable():
                stored = await self.database.tickets.get(ticket_id)
            if stored is None:  # deleted after its end
                break
            ticket = stored
            if claim(ticket, clock.now(), self.settings.chat_max_attempts) not in (Claim.FINISHED, Claim.HELD):
                ticket = await self._request(caller, ticket_id)
        return ticket

    async def _request(self, caller: Caller, ticket_id: str) -> Ticket:
        """Ends the ticket, or has the worker that holds it do so."""
        endings = Endings(self.database, self.settings)

        async def write(transaction: Transaction) -> tuple[Ticket, bool]:
            ticket = await self.database.tickets.get(ticket_id, transaction)
            if ticket is None or ticket.owner != caller.uid:
                raise NotFound("There is no such ticket.")
            require_scope(caller, ticket)
            now = clock.now()
            match claim(ticket, now, self.settings.chat_max_attempts):
                case Claim.FINISHED:
                    return ticket, False
                case Claim.HELD:
                    if ticket.cancel_requested_at is None:
                        ticket = ticket.request_cancel(now)
                        self.database.tickets.put(ticket, transaction)
                    return ticket, False
                case _:
                    ended = ticket.cancel(None, now)
                    await endings.end(ended, now, transaction)
                    return ended, True

        ticket, has_ended = await self.database.change(f"user:{caller.uid}", write, urgent=True)
        if has_ended:
            await endings.outbox.dispatch()
            await self._pass_on(ticket)
        return ticket

    async def _pass_on(self, ticket: Ticket) -> None:
        """Frees the turn of a ticket that was called but not begun. If that fails, its task or the sweep does so."""
        try:
            await self.turns.pass_on(ticket, None)
        except Unavailable:
            _log.warning("A cancelled ticket's turn could not be freed", extra={"fields": {"ticket": ticket.id}})
