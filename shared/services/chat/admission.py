"""Admits requests: counts them, holds their maximum cost, stores their tickets, and queues these.

A request is admitted when its ticket is stored and its id is in the queue; only then does the caller get a response.
"""

import asyncio
import contextlib
from functools import partial
from uuid import uuid4

from shared import clock
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.errors import OutcomeUnknown, ServiceError, TooManyChats, Unavailable
from shared.models.idempotency import KeyedRequest, StoredRequest
from shared.models.money import CostBounds
from shared.models.stored_input import StoredInput
from shared.models.ticket import Ticket
from shared.services.accounts.disabled_users import refuse
from shared.services.accounts.ledger import Ledger
from shared.services.chat.withdrawal import WithdrawalService
from shared.services.idempotency import Idempotency
from shared.services.quotas import QuotaService
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.store.images import COMMIT_BYTES, detach_images, has_images
from shared.tasks import QueueRefused, TaskQueue, task_name
from shared.trace import current_request

_log = get_logger("chat")
AGENT_BOUNDS = CostBounds(1, 1)
"""The cost of an agent's calls is held call by call, so only a millionth of a dollar is held for the agent itself."""


class _Rehearsed(Exception):
    """Ends a transaction without a commit."""


class Admission:
    """Admits chats and runs."""

    def __init__(self, database: Database, queue: TaskQueue, settings: Settings) -> None:
        self._database = database
        self._queue = queue
        self._ledger = Ledger(database, settings)
        self._limits = RateLimitService(database)
        self._idempotency = Idempotency(database)
        self._quotas = QuotaService(database, settings)
        self._settings = settings

    async def admit_once(
        self, caller: Caller, draft: Ticket, body: StoredInput, bounds: CostBounds, key: KeyedRequest | None
    ) -> tuple[str, bool]:
        """Admits a request. Returns its ticket's id, and whether it was sent before with the same key.

        Raises `TooManyRequests`, `AllowanceSpent`, `Forbidden` for a disabled user, `TooLarge` for a request that is
        too large to store, `Conflict` for a key that was used for another request, `Unavailable` if the request was not
        admitted and may be sent again, and `OutcomeUnknown` if it is unknown whether it was.
        """
        admit = self._admit_with_images if has_images(body) else self._admit
        try:
            ticket_id = await admit(caller, draft, body, bounds, key)
        except Unavailable:
            if await self._withdraw(draft, key):
                raise
            ticket_id = draft.id
        replayed = ticket_id != draft.id
        try:
            # A repeated request is queued again, as its first one may not have come this far. The queue ignores a
            # second task of the same name.
            await self._queue.enqueue(task_name(ticket_id, draft.tasks), {"ticket_id": ticket_id})
        except Exception as error:
            _log.error("The queue refused a ticket: %r", error, extra={"fields": {"ticket": ticket_id}})
            # A repeated request is stored already, so the sweep will queue it.
            if not replayed and await self._withdraw(draft, key):
                raise Unavailable(
                    "The chat could not be queued. Nothing was charged; send it again.", retry_after=5
                ) from error
        return ticket_id, replayed

    async def find(self, request: KeyedRequest) -> StoredRequest | None:
        """Returns the stored record of a request that was sent before, None if there is none. One transaction."""

        async def find(transaction: Transaction) -> StoredRequest | None:
            if stored := await self._idempotency.find(request, clock.now(), transaction):
                self._idempotency.mark_given(stored, transaction)
            return stored

        return await self._database.transaction(find)

    async def admit_in(
        self, caller: Caller, draft: Ticket, body: StoredInput, bounds: CostBounds, transaction: Transaction
    ) -> Ticket:
        """Counts the request, holds its maximum cost, and stores its ticket, in a transaction.

        After the commit, the caller must enqueue the ticket (`enqueue`). The body's images must have been stored
        before, as `admit_once` does. Two reads and four writes. Raises `TooManyRequests`, `AllowanceSpent`, `Forbidden`
        for a disabled user, and `TooLarge`.
        """
        rate_key = _name_rate(draft)
        account, _ = await asyncio.gather(  # the documents that the steps below need
            self._database.accounts.get(caller.uid, transaction), self._database.rate_limits.get(rate_key, transaction)
        )
        if account is not None:
            refuse(account)
            self._quotas.refuse_another_chat(account, is_public=draft.is_public)
        now = clock.now()
        await self._limits.acquire_in(rate_key, self._settings.chat_rate_per_minute, transaction)
        hold = await self._ledger.open_chat(caller, bounds, now, transaction)
        key = caller.key and caller.key.to_use()
        ticket = draft.model_copy(update={"hold": hold, "key": key, "created_at": now, "updated_at": now})
        self._database.tickets.add(ticket, body, transaction)
        return ticket

    async def enqueue(self, ticket: Ticket) -> None:
        """Queues a ticket that `admit_in` has stored. If the queue refuses it, the sweep will queue it."""
        try:
            await self._queue.enqueue(task_name(ticket.id, ticket.tasks), {"ticket_id": ticket.id})
        except QueueRefused as error:
            _log.error("The queue refused a ticket: %s", error, extra={"fields": {"ticket": ticket.id}})

    async def _admit(
        self, caller: Caller, draft: Ticket, body: StoredInput, bounds: CostBounds, key: KeyedRequest | None
    ) -> str:
        """Stores the ticket and the key in one transaction.

        Returns the ticket's id: the draft's id or, if the same request was sent before, the id of its first ticket.
        """

        async def admit(transaction: Transaction) -> str:
            if key is not None:
                stored, *_ = await asyncio.gather(
                    self._idempotency.find(key, clock.now(), transaction),
                    self._database.accounts.get(caller.uid, transaction),
                    self._database.rate_limits.get(_name_rate(draft), transaction),
                )
                if stored is not None:
                    self._idempotency.mark_given(stored, transaction)
                    return stored.made
            ticket = await self.admit_in(caller, draft, body, bounds, transaction)
            if key is not None:
                self._idempotency.remember(key, ticket.id, ticket.created_at, transaction)
            return ticket.id

        try:
            return await self._database.change(f"user:{caller.uid}", admit)
        except TooManyChats:
            await self._quotas.recount_chats(caller.uid)
            return await self._database.change(f"user:{caller.uid}", admit)

    async def _admit_with_images(
        self, caller: Caller, draft: Ticket, body: StoredInput, bounds: CostBounds, key: KeyedRequest | None
    ) -> str:
        """Stores the images of a request, and then the request. Returns what `_admit` returns.

        Images are stored only for a request that would be admitted now, because they are large. If it is not admitted
        after all, they are deleted.
        """
        if key is not None and (stored := await self.find(key)) is not None:
            return stored.made
        await self._rehearse(caller, draft, body, bounds)
        await self._store_images(draft, detach_images(body)[1])
        try:
            ticket_id = await self._admit(caller, draft, body, bounds, key)
        except Unavailable:  # the ticket may have been stored
            raise
        except ServiceError:
            await self._delete_images(draft)
            raise
        if ticket_id != draft.id:
            await self._delete_images(draft)
        return ticket_id

    async def _rehearse(self, caller: Caller, draft: Ticket, body: StoredInput, bounds: CostBounds) -> None:
        """Raises what `admit_in` raises, but changes nothing. Two reads."""

        async def rehearse(transaction: Transaction) -> None:
            await self.admit_in(caller, draft, body, bounds, transaction)
            raise _Rehearsed

        with contextlib.suppress(_Rehearsed, TooManyChats):  # `_admit` counts the chats again before it refuses
            await self._database.transaction(rehearse)

    async def _store_images(self, draft: Ticket, images: bytes) -> None:
        for start in range(0, len(images), COMMIT_BYTES):
            await self._database.transaction(partial(self._store_part, draft, images, start))

    async def _store_part(self, draft: Ticket, images: bytes, start: int, transaction: Transaction) -> None:
        self._database.tickets.add_images(draft, images, start, transaction)

    async def _delete_images(self, draft: Ticket) -> None:
        try:
            async with self._database.raising_unavailable():
                await self._database.tickets.delete_images(draft.id)
        except Unavailable:
            _log.error("Images are left to their TTL", extra={"fields": {"ticket": draft.id}})

    async def _withdraw(self, draft: Ticket, key: KeyedRequest | None) -> bool:
        """Ends a ticket whose admission failed from the caller's view. Returns False if the ticket stays admitted.

        Raises `OutcomeUnknown` while the database cannot be reached, and then queues a withdrawal for later, unless the
        caller has a key, with which it can get the ticket.
        """
        try:
            return await WithdrawalService(self._database, self._settings).withdraw(draft, key)
        except Unavailable as error:
            _log.error("A ticket could not be withdrawn", extra={"fields": {"ticket": draft.id}})
            if key is None:
                with contextlib.suppress(QueueRefused):
                    await self._queue.enqueue(f"{draft.id}-withdraw", {"ticket_id": draft.id, "withdraw": "yes"})
            raise OutcomeUnknown(draft.id) from error


def _name_rate(draft: Ticket) -> str:
    """Returns what limits the rate of such requests. Callers of a user's published agent share another limit."""
    return f"called:{draft.owner}" if draft.is_public else f"chat:{draft.owner}"


def make_draft(owner: str, provider: str, model: str, ticket_id: str | None = None) -> Ticket:
    """Returns the ticket of a request that is not admitted yet. It belongs to the current request."""
    now, context = clock.now(), current_request.get()
    return Ticket(
        id=ticket_id or str(uuid4()),
        owner=owner,
        provider=provider,
        model=model,
        request_id=context.request_id if context else None,
        traceparent=context.trace.traceparent if context else None,
        created_at=now,
        updated_at=now,
    )
