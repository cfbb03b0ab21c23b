"""Chat, the caller's side: an accepted chat becomes a ticket, and the ticket is looked up until it is finished.

A chat is accepted when its ticket is stored and the queue has its id; only then is the caller told. What happens
to it afterwards is `shared.services.answering`.
"""

import asyncio
import contextlib
import re
from datetime import UTC, datetime
from uuid import uuid4

from shared.llm.catalog import Catalog, CatalogError
from shared.llm.estimate import bound_cost
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import Accepted, ChatRequest, ChatResponse
from shared.models.errors import BadRequest, NotFound, Unavailable
from shared.models.money import CostBounds
from shared.models.ticket import Ticket
from shared.services.ledger import Ledger
from shared.services.rate_limits import RateLimitService
from shared.services.visibility import sees
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import TaskQueue
from shared.trace import current_request

_log = get_logger("chat")
_TICKET_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ChatService:
    """Lives as long as a request."""

    def __init__(self, database: Database, queue: TaskQueue, catalog: Catalog, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._catalog = catalog
        self._ledger = Ledger(database, settings)
        self._limits = RateLimitService(database)
        self._settings = settings

    async def submit(self, caller: Caller, request: ChatRequest) -> Accepted:
        """Accepts a chat: when this returns, a worker will answer it, and a look-up finds it.

        Raises `BadRequest` for a provider, model, parameter or tool that cannot be served, `TooManyRequests`,
        `AllowanceSpent`, `TooLarge` for a chat that cannot be stored, and `Unavailable` when it was not accepted and
        may be sent again.
        """
        bounds = await self._bound_cost(caller, request)
        ticket_id = str(uuid4())
        try:
            ticket = await self._admitted(ticket_id, caller, request, bounds)
        except Unavailable:
            with contextlib.suppress(Unavailable):
                await self._withdrawn(ticket_id)  # it may have been stored, and the caller is told that it was not
            raise
        try:
            await self._queue.enqueue(f"chat-{ticket.id}", {"ticket_id": ticket.id})
        except Exception as error:
            _log.error("The queue refused a ticket: %r", error, extra={"fields": {"ticket": ticket.id}})
            if not await self._withdrawn(ticket.id):
                return Accepted(ticket_id=ticket.id, status=ticket.status)
            raise Unavailable(
                "The chat could not be queued. Nothing was charged; send it again.", retry_after=5
            ) from error
        return Accepted(ticket_id=ticket.id, status=ticket.status)

    async def _bound_cost(self, caller: Caller, request: ChatRequest) -> CostBounds:
        """What it may cost at most; raises `BadRequest` for what cannot be served.

        An agent's calls are held for one by one, so for the agent itself no more than a millionth of a dollar is.
        """
        if request.provider == GOFANNON:
            await self._refuse_unpublished(caller, request.model)
            return CostBounds(1, 1)
        try:
            return bound_cost(self._catalog.route(request.provider, request.model), request, self._settings)
        except CatalogError as error:
            raise BadRequest(str(error)) from error

    async def _refuse_unpublished(self, caller: Caller, friendly_name: str) -> None:
        """Raises `BadRequest` for what is not published, or not for this caller. One read."""
        async with self._database.outages_told():
            deployment = await self._database.deployments.get(friendly_name)
        if deployment is None or not sees(caller, deployment):
            raise BadRequest(f"No agent is published as {friendly_name[:100]!r}. GET /providers/gofannon lists them.")

    async def _admitted(self, ticket_id: str, caller: Caller, request: ChatRequest, bounds: CostBounds) -> Ticket:
        """Counts the request, holds what it may cost, and stores the ticket, in one transaction."""
        rate_key = f"chat:{caller.uid}"

        async def admit(transaction: Transaction) -> Ticket:
            # What the steps below read, read at once.
            found, *_ = await asyncio.gather(
                self._database.tickets.get(ticket_id, transaction),
                self._database.accounts.get(caller.uid, transaction),
                self._database.rate_limits.get(rate_key, transaction),
            )
            if found is not None:  # the transaction's last run was committed without our knowing
                return found
            now, request_context = datetime.now(UTC), current_request.get()
            await self._limits.count(rate_key, self._settings.chat_rate_per_minute, transaction)
            ticket = Ticket(
                id=ticket_id,
                owner=caller.uid,
                provider=request.provider,
                model=request.model,
                hold=await self._ledger.hold(caller, bounds, now, transaction) if bounds.most else 0,
                request_id=request_context.request_id if request_context else None,
                traceparent=request_context.trace.traceparent if request_context else None,
                created_at=now,
                updated_at=now,
            )
            self._database.tickets.add(ticket, request, transaction)
            return ticket

        return await self._database.transaction(admit, turn=f"user:{caller.uid}")

    async def _withdrawn(self, ticket_id: str) -> bool:
        """Ends a ticket that the queue refused. False when the queue has taken it after all and a worker is on it."""

        async def withdraw(transaction: Transaction) -> bool:
            ticket = await self._database.tickets.get(ticket_id, transaction)
            if ticket is None or ticket.attempts > 0:
                return False
            if not ticket.status.finished:
                now = datetime.now(UTC)
                ended = ticket.failed("The chat could not be queued. Send it again.", now)
                await self._ledger.settle(ended, now, transaction)
            return True

        return await self._database.transaction(withdraw)

    async def look_up(self, caller: Caller, ticket_id: str) -> ChatResponse:
        """The ticket as it stands. Raises `NotFound` for one that is unknown or somebody else's. One read."""
        ticket = None
        if _TICKET_ID.fullmatch(ticket_id):
            async with self._database.outages_told():
                ticket = await self._database.tickets.get(ticket_id)
        if ticket is None or ticket.owner != caller.uid:
            raise NotFound("There is no such ticket.")
        return ChatResponse(
            ticket_id=ticket.id,
            status=ticket.status,
            result=ticket.result,
            error=ticket.error,
            created_at=ticket.created_at,
            updated_at=ticket.updated_at,
            completed_at=ticket.completed_at,
        )
