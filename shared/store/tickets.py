"""Tickets: `tickets/{id}` stores a ticket, which its owner may read, and `requests/{id}` stores its request.

Firestore's TTL on `expire_at` deletes both some time after the ticket has ended.

The images of a request are stored beside it (`shared.store.images`).

They are separate so that a poll does not read the messages, and so that the request and the result may each fill a
document (1 MiB). Both are stored as strings of JSON, because Firestore's maps allow neither nested arrays nor all keys.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery
from google.cloud.firestore_v1.base_query import FieldFilter
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResult, TicketStatus
from shared.models.errors import TooLarge
from shared.models.stored_input import StoredInput, stored_input
from shared.models.ticket import Ticket
from shared.models.turns import TurnKind
from shared.models.wire import is_plain_id
from shared.store.counts import count_up_to
from shared.store.documents import Snapshot, name_of
from shared.store.images import ImageStore, attach_images, detach_images, omit_images
from shared.store.pages import newest_first, page_of
from shared.store.reads import read_snapshot
from shared.store.targets import DocumentTarget
from shared.store.transaction import NOTHING_SEEN, Transaction, read
from shared.store.watching import listeners

_log = get_logger("store")
_ACTIVE = FieldFilter("status", "in", [TicketStatus.PENDING.value, TicketStatus.PROCESSING.value])
_UNFINISHED = FieldFilter("status", "in", [status.value for status in TicketStatus if not status.finished])
_HAS_TIME = FieldFilter("created_at", ">=", datetime.min.replace(tzinfo=UTC))
"""Excludes tickets whose `created_at` is broken, since no page could begin after them."""
MAX_TEXT_BYTES = 1_000_000
"""The maximum size of a request or a result. Firestore limits a document, including field names, to 1,048,576 bytes:
https://firebase.google.com/docs/firestore/quotas"""
_MIN_RETENTION = timedelta(days=1)
"""How long images are stored after their ticket's end if tickets are stored forever: only a worker needs them."""


class TicketStore:
    """Reads and writes tickets. The services check permissions and states.

    `retention`: how long a ticket is stored after its end; None means forever. `max_age`: the time within which every
    ticket ends; `run_max_age`: that within which every run does.
    """

    def __init__(
        self,
        client: AsyncClient,
        retention: timedelta | None = None,
        max_age: timedelta = timedelta(),
        run_max_age: timedelta = timedelta(),
    ) -> None:
        self._client = client
        self._images = ImageStore(client, max_age + (retention or _MIN_RETENTION))
        self._retention = retention
        self._max_age = max_age
        self._run_max_age = run_max_age

    def _ticket(self, ticket_id: str) -> AsyncDocumentReference:
        return self._client.collection("tickets").document(ticket_id)

    def _request(self, ticket_id: str) -> AsyncDocumentReference:
        return self._client.collection("requests").document(ticket_id)

    def add(self, ticket: Ticket, request: StoredInput, transaction: Transaction) -> None:
        """Creates a ticket and its request. The transaction need not have read them: the ticket's id is new.

        The request's images must have been stored before. Raises `TooLarge` for a request that does not fit into a
        document without them.
        """
        stored, images = detach_images(request)
        body = stored.model_dump_json()
        size = len(body.encode())
        if size > MAX_TEXT_BYTES:
            raise TooLarge(f"The request is {size} bytes long; the limit is {MAX_TEXT_BYTES}. Send less text.")
        transaction.create(self._ticket(ticket.id), self._to_document(ticket))
        document: dict[str, Any] = {"owner": ticket.owner, "body": body}
        if images:
            document["image_bytes"] = len(images)
        if self._retention is not None:
            # Set now, because the request is written only once. It may expire a little later than the ticket.
            max_age = self._run_max_age if ticket.provider == GOFANNON else self._max_age
            document["expire_at"] = ticket.created_at + max_age + self._retention
        transaction.create(self._request(ticket.id), document)

    def add_images(self, ticket: Ticket, images: bytes, start: int, transaction: Transaction) -> None:
        """Stores a part of a request's images, before the request itself. See `ImageStore.add_in`."""
        self._images.add_in(transaction, ticket.id, images, start, ticket.created_at)

    async def delete_images(self, ticket_id: str) -> None:
        """Deletes the images of a request that was not stored. One read, and one more and one write for each chunk."""
        await self._images.delete(ticket_id)

    async def get(self, ticket_id: str, transaction: Transaction | None = None) -> Ticket | None:
        """Returns the ticket. One read; none if the id is not valid."""
        if not is_plain_id(ticket_id):
            return None
        document = await read(self._ticket(ticket_id), transaction)
        return None if document is None else _from_document(ticket_id, document)

    async def look_at(self, ticket_id: str) -> tuple[Ticket | None, Mapping[str, Snapshot]]:
        """Returns the ticket, and what a transaction needs in order not to read it again (`Database.change`).

        One read; none if the id is not valid.
        """
        if not is_plain_id(ticket_id):
            return None, NOTHING_SEEN
        reference = self._ticket(ticket_id)
        snapshot = await read_snapshot(reference)
        ticket = None if snapshot.fields is None else _from_document(ticket_id, dict(snapshot.fields))
        return ticket, {name_of(reference): snapshot}

    def watch(self, ticket_id: str, on_change: Callable[[Ticket | None], None]) -> AbstractContextManager[None]:
        """Calls `on_change` in the event loop with each version of the ticket, until the block ends.

        It is called soon with the ticket as it is, and with None if there is no such ticket. Versions that follow each
        other quickly may be skipped. A version that cannot be read is logged. One read per version.
        """

        def take(fields: Mapping[str, Any] | None) -> None:
            on_change(None if fields is None else _from_document(ticket_id, dict(fields)))

        return listeners(self._client).watch(DocumentTarget(self._ticket(ticket_id), take))

    async def get_request(self, ticket_id: str, *, with_images: bool = True) -> StoredInput | None:
        """Returns the ticket's request, None if it or one of its images is gone.

        `with_images`: whether the images are needed, which take up to eight megabytes. Otherwise, addresses stand for
        them that lead nowhere. One read, and another for each chunk of images; none if the id is not valid.
        """
        if not is_plain_id(ticket_id):
            return None
        document = await read(self._request(ticket_id), None)
        if document is None:
            return None
        size = document.get("image_bytes", 0)
        if not size:
            return stored_input.validate_json(document["body"])
        if not with_images:
            return stored_input.validate_python(omit_images(from_json(document["body"])))
        images = await self._images.read(ticket_id, size)
        if images is None:
            return None
        return stored_input.validate_python(attach_images(from_json(document["body"]), images))

    async def page(
        self,
        owner: str,
        limit: int,
        status: TicketStatus | None = None,
        after: tuple[datetime, str] | None = None,
        *,
        provider: str | None = None,
        agent_id: str | None = None,
    ) -> tuple[list[Ticket], tuple[datetime, str] | None]:
        """Returns the owner's tickets, the newest first, and the `after` of the next page, None if it is the last.

        `status`, and either `provider` or `agent_id`, select the tickets that have them. `after`: the time of creation
        and the id of the ticket that the previous page ended with. Unreadable tickets are logged and omitted. One
        query, and one read per ticket (see `page_of`).
        """
        query: AsyncQuery = self._client.collection("tickets").where(filter=FieldFilter("owner", "==", owner))
        if agent_id is not None:
            query = query.where(filter=FieldFilter("agent_id", "==", agent_id))
        elif provider is not None:
            query = query.where(filter=FieldFilter("provider", "==", provider))
        if status is not None:
            query = query.where(filter=FieldFilter("status", "==", status.value))
        query = newest_first(query.where(filter=_HAS_TIME), "created_at", self._client.collection("tickets"), after)
        documents, more = await page_of(query, limit)
        end = (documents[-1][1]["created_at"], documents[-1][0]) if more else None
        return _read_valid(documents), end

    async def list_due(self, moment: datetime, limit: int) -> list[Ticket]:
        """Lists waiting runs that should have continued before `moment`, the most overdue first. One read per run.

        Unreadable tickets are logged and omitted.
        """
        query = (
            self._client.collection("tickets")
            .where(filter=FieldFilter("status", "==", TicketStatus.WAITING.value))
            .where(filter=FieldFilter("wake_at", "<", moment))
            .order_by("wake_at")
            .limit(limit)
        )
        return _read_valid([(snapshot.id, snapshot.to_dict() or {}) for snapshot in await query.get()])

    async def list_untouched(
        self, moment: datetime, limit: int, after: datetime | None = None
    ) -> tuple[list[Ticket], datetime | None]:
        """Lists pending tickets and those in progress that have not changed since `moment`, the oldest change first.

        With `after`, lists only tickets that changed later. Unreadable tickets are logged and omitted. One read per
        ticket. Also returns the `after` of the next page, None if there is none.
        """
        query = (
            self._client.collection("tickets")
            .where(filter=_ACTIVE)
            .where(filter=FieldFilter("updated_at", "<", moment))
            .order_by("updated_at")
            .limit(limit)
        )
        if after is not None:
            query = query.where(filter=FieldFilter("updated_at", ">", after))
        snapshots = await query.get()
        tickets = _read_valid((snapshot.id, snapshot.to_dict() or {}) for snapshot in snapshots)
        return tickets, snapshots[-1].get("updated_at") if len(snapshots) == limit else None

    async def list_parked(self, owner: str, kind: TurnKind, limit: int) -> list[Ticket]:
        """Lists the owner's tickets that wait for a turn of this kind, oldest first.

        Unreadable tickets are logged and omitted. One read per ticket, at least one.
        """
        query = (
            self._client.collection("tickets")
            .where(filter=FieldFilter("owner", "==", owner))
            .where(filter=FieldFilter("parked", "==", kind))
            .order_by("created_at")
            .limit(limit)
        )
        return _read_valid([(snapshot.id, snapshot.to_dict() or {}) for snapshot in await query.get()])

    async def count_unfinished(self, owner: str, limit: int) -> int:
        """Counts the owner's unfinished tickets, up to `limit`. One read for each thousand."""
        query = (
            self._client.collection("tickets").where(filter=FieldFilter("owner", "==", owner)).where(filter=_UNFINISHED)
        )
        return await count_up_to(query, limit)

    def put(self, ticket: Ticket, transaction: Transaction) -> None:
        """Writes a ticket, and sets its expiry if it has ended. The transaction must have read its document before."""
        transaction.set(self._ticket(ticket.id), self._to_document(ticket))

    def remove(self, ticket: Ticket, transaction: Transaction) -> None:
        """Deletes a ticket that the transaction has read, but not its request. One write."""
        transaction.delete(self._ticket(ticket.id))

    async def delete_request(self, ticket_id: str) -> None:
        """Deletes a ticket's request with its images, if they are stored. One read and one write, more with images."""
        await self._images.delete(ticket_id)
        await self._request(ticket_id).delete()

    def _to_document(self, ticket: Ticket) -> dict[str, Any]:
        document = ticket.model_dump(exclude={"id", "result"})
        document["status"] = ticket.status.value
        document["result"] = None if ticket.result is None else _write_result(ticket.result)
        if self._retention is not None and ticket.completed_at is not None:
            document["expire_at"] = ticket.completed_at + self._retention
        return document


def _write_result(result: ChatResult) -> str:
    """Returns the result as JSON, with the details of its usage, which are not on the wire."""
    details = result.usage.details
    if not details:
        return result.model_dump_json()
    stored = result.model_dump(mode="json")
    stored["usage"] |= details
    return to_json(stored).decode()


def _from_document(ticket_id: str, document: dict[str, Any]) -> Ticket:
    result = document.pop("result")
    document.pop("expire_at", None)  # the store's own field
    document.pop("begun", None)  # stored by earlier versions
    return Ticket(id=ticket_id, result=None if result is None else ChatResult.model_validate_json(result), **document)


def _read_valid(documents: Iterable[tuple[str, dict[str, Any]]]) -> list[Ticket]:
    """Returns the tickets that can be read. Logs the others, so that a broken ticket does not hide the rest.

    `documents`: the id and the fields of each ticket.
    """
    tickets: list[Ticket] = []
    for ticket_id, document in documents:
        try:
            tickets.append(_from_document(ticket_id, document))
        except (KeyError, ValidationError):
            _log.exception("A ticket cannot be read", extra={"fields": {"ticket": ticket_id}})
    return tickets
