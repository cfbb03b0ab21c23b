"""Chat, the caller's side: an accepted chat becomes a ticket, which the caller looks up until it is finished.

A chat is accepted when its ticket is stored and its id is in the queue; only then does the caller get a response. The
caller owns the ticket and is charged for it. From then on, `shared.services.chat.answering` handles the ticket, and
`shared.services.chat.tickets` looks it up.
"""

import asyncio
import contextlib
from uuid import uuid4

from shared import clock
from shared.llm.catalog import Catalog, CatalogError
from shared.llm.estimate import bound_cost
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import Accepted, ChatRequest, TicketStatus
from shared.models.errors import BadRequest, OutcomeUnknown, TooManyChats, Unavailable
from shared.models.idempotency import KeyedRequest, StoredRequest
from shared.models.money import CostBounds
from shared.models.ticket import Ticket
from shared.services.access import can_see
from shared.services.accounts.disabled_users import DisabledUserService, refuse
from shared.services.accounts.ledger import Ledger
from shared.services.chat.withdrawal import WithdrawalService
from shared.services.idempotency import Idempotency, make_keyed_request
from shared.services.quotas import QuotaService
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import QueueRefused, TaskQueue, task_name
from shared.trace import current_request

_log = get_logger("chat")


class ChatService:
    """Accepts chats."""

    def __init__(self, database: Database, queue: TaskQueue, catalog: Catalog, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._catalog = catalog
        self._ledger = Ledger(database, settings)
        self._limits = RateLimitService(database)
        self._idempotency = Idempotency(database)
        self._quotas = QuotaService(database, settings)
        self._settings = settings

    async def submit(self, caller: Caller, request: ChatRequest) -> Accepted:
        """Accepts a chat without an idempotency key. See `submit_once`."""
        accepted, _ = await self.submit_once(caller, request, None)
        return accepted

    async def submit_once(self, caller: Caller, request: ChatRequest, key: str | None) -> tuple[Accepted, bool]:
        """Accepts a chat. When this returns, look-ups find the ticket, and a worker will answer it.

        A chat that is repeated with the same `key` within 24 hours gets the same ticket; then the second value is True.

        Raises `BadRequest` for a provider, model, parameter or tool that cannot be served, `TooManyRequests`,
        `AllowanceSpent`, `Forbidden` for a disabled user and for a disabled owner's agent, `TooLarge` for a chat that
        is too large to store, `Conflict` for a key that was used for another chat, `Unavailable` if the chat was not
        accepted and may be sent again, and `OutcomeUnknown` if it is unknown whether the chat was accepted.
        """
        keyed_request = None if key is None else _make_keyed_request(caller, request, key)
        try:
            bounds = await self._bound_cost(caller, request)
        except BadRequest:  # the chat may have been valid when it was first sent
            if keyed_request is None or (stored := await self._find(keyed_request)) is None:
                raise
            return Accepted(ticket_id=stored.made, status=TicketStatus.PENDING), True
        draft = _make_draft(caller, request)
        try:
            ticket_id = await self._admit(draft, caller, request, bounds, keyed_request)
        except Unavailable:
            if await self._withdraw(draft, keyed_request):
                raise
            ticket_id = draft.id
        replayed = ticket_id != draft.id
        try:
            # A repeated chat is queued again, as its first request may not have come this far. The queue ignores a
            # second task of the same name.
            await self._queue.enqueue(task_name(ticket_id, draft.tasks), {"ticket_id": ticket_id})
        except Exception as error:
            _log.error("The queue refused a ticket: %r", error, extra={"fields": {"ticket": ticket_id}})
            # A repeated chat is stored already, so the sweep will queue it.
            if not replayed and await self._withdraw(draft, keyed_request):
                raise Unavailable(
                    "The chat could not be queued. Nothing was charged; send it again.", retry_after=5
                ) from error
        return Accepted(ticket_id=ticket_id, status=TicketStatus.PENDING), replayed

    async def _find(self, request: KeyedRequest) -> StoredRequest | None:
        """The stored record of a request that was sent before. One transaction."""

        async def find(transaction: Transaction) -> StoredRequest | None:
            if stored := await self._find_stored(request, transaction):
                self._idempotency.mark_given(stored, transaction)
            return stored

        return await self._database.transaction(find)

    async def _bound_cost(self, caller: Caller, request: ChatRequest) -> CostBounds:
        """The bounds of the chat's cost. Raises `BadRequest` if it cannot be served, `Forbidden` for a disabled owner.

        The cost of an agent's calls is held call by call, so only a millionth of a dollar is held for the agent itself.
        """
        if request.provider == GOFANNON:
            await self._refuse_unpublished(caller, request.model)
            return CostBounds(1, 1)
        try:
            return bound_cost(self._catalog.route(request.provider, request.model), request, self._settings)
        except CatalogError as error:
            raise BadRequest(str(error)) from error

    async def _refuse_unpublished(self, caller: Caller, friendly_name: str) -> None:
        """Raises `BadRequest` for an agent that is not published for the caller, `Forbidden` for a disabled owner.

        One read, and occasionally another.
        """
        async with self._database.raising_unavailable():
            deployment = await self._database.deployments.get(friendly_name)
        if deployment is None or not can_see(caller, deployment):
            raise BadRequest(f"No agent is published as {friendly_name[:100]!r}. GET /providers/gofannon lists them.")
        if deployment.owner != caller.uid:
            await DisabledUserService(self._database).refuse_disabled_owner(deployment.owner)

    async def _admit(
        self,
        draft: Ticket,
        caller: Caller,
        request: ChatRequest,
        bounds: CostBounds,
        keyed_request: KeyedRequest | None,
    ) -> str:
        """Counts the request, holds its maximum cost, and stores the ticket and the key, in one transaction.

        Returns the ticket's id: the draft's id or, if the same request was sent before, the id of its first ticket.
        """
        rate_key = f"chat:{caller.uid}"

        async def admit(transaction: Transaction) -> str:
            # Reads concurrently the documents that the steps below need.
            stored, account, _ = await asyncio.gather(
                self._find_stored(keyed_request, transaction),
                self._database.accounts.get(caller.uid, transaction),
                self._database.rate_limits.get(rate_key, transaction),
            )
            if stored is not None:
                self._idempotency.mark_given(stored, transaction)
                return stored.made
            if account is not None:
                refuse(account)
                self._quotas.refuse_another_chat(account)
            now = clock.now()
            await self._limits.acquire_in(rate_key, self._settings.chat_rate_per_minute, transaction)
            hold = await self._ledger.open_chat(caller, bounds, now, transaction)
            ticket = draft.model_copy(update={"hold": hold, "created_at": now, "updated_at": now})
            self._database.tickets.add(ticket, request, transaction)
            if keyed_request is not None:
                self._idempotency.remember(keyed_request, ticket.id, now, transaction)
            return ticket.id

        try:
            return await self._database.change(f"user:{caller.uid}", admit)
        except TooManyChats:
            await self._quotas.recount_chats(caller.uid)
            return await self._database.change(f"user:{caller.uid}", admit)

    async def _find_stored(self, request: KeyedRequest | None, transaction: Transaction) -> StoredRequest | None:
        return None if request is None else await self._idempotency.find(request, clock.now(), transaction)

    async def _withdraw(self, draft: Ticket, keyed_request: KeyedRequest | None) -> bool:
        """Ends a ticket whose acceptance failed from the caller's view. Returns False if the ticket stays accepted.

        Raises `OutcomeUnknown` while the database cannot be reached, and then queues a withdrawal for later, unless the
        caller has a key, with which it can get the ticket.
        """
        try:
            return await WithdrawalService(self._database, self._settings).withdraw(draft, keyed_request)
        except Unavailable as error:
            _log.error("A ticket could not be withdrawn", extra={"fields": {"ticket": draft.id}})
            if keyed_request is None:
                with contextlib.suppress(QueueRefused):
                    await self._queue.enqueue(f"{draft.id}-withdraw", {"ticket_id": draft.id, "withdraw": "yes"})
            raise OutcomeUnknown(draft.id) from error


def _make_draft(caller: Caller, request: ChatRequest) -> Ticket:
    """The ticket of a chat that is not accepted yet."""
    now, context = clock.now(), current_request.get()
    return Ticket(
        id=str(uuid4()),
        owner=caller.uid,
        provider=request.provider,
        model=request.model,
        request_id=context.request_id if context else None,
        traceparent=context.trace.traceparent if context else None,
        created_at=now,
        updated_at=now,
    )


def _make_keyed_request(caller: Caller, request: ChatRequest, key: str) -> KeyedRequest:
    return make_keyed_request("/chat", caller.uid, caller.uid, key, request.model_dump(mode="json"))
