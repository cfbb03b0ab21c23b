"""Tickets: `tickets/{id}` stores a ticket, which its owner may read, and `requests/{id}` stores its request.

Firestore's TTL on `expire_at` deletes both some time after the ticket has ended.

They are separate so that a poll does not read the messages, and so that request and result may each be as large as a
document (1 MiB). Requests and results are JSON text, because Firestore's maps allow neither nested arrays nor all keys.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter
from pydantic import ValidationError

from shared.log import get_logger
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.errors import TooLarge
from shared.models.ticket import Ticket
from shared.models.turns import TurnKind
from shared.models.wire import is_plain_id
from shared.store.counts import count_up_to
from shared.store.transaction import Transaction, read

_log = get_logger("store")
_UNFINISHED = FieldFilter("status", "in", [TicketStatus.PENDING.value, TicketStatus.PROCESSING.value])
MAX_TEXT_BYTES = 1_000_000
"""The limit for a request or a result. Firestore's limit for a document is 1,048,576 bytes, including field names:
https://firebase.google.com/docs/firestore/quotas"""


class TicketStore:
    """Reads and writes tickets. Permissions and states are checked by the services.

    `kept`: how long a ticket is stored after its end; None means forever. `longest_life`: the time within which every
    ticket ends.
    """

    def __init__(
        self, client: AsyncClient, kept: timedelta | None = None, longest_life: timedelta = timedelta()
    ) -> None:
        self._client = client
        self._kept = kept
        self._longest_life = longest_life

    def _ticket(self, ticket_id: str) -> AsyncDocumentReference:
        return self._client.collection("tickets").document(ticket_id)

    def _request(self, ticket_id: str) -> AsyncDocumentReference:
        return self._client.collection("requests").document(ticket_id)

    def add(self, ticket: Ticket, request: ChatRequest, transaction: Transaction) -> None:
        """Writes a new ticket, which the transaction has not found, and its request.

        Raises `TooLarge` for a request that does not fit into a document.
        """
        body = request.model_dump_json()
        size = len(body.encode())
        if size > MAX_TEXT_BYTES:
            raise TooLarge(
                f"The chat is {size} bytes long; at most {MAX_TEXT_BYTES} can be stored. Send fewer messages."
            )
        self.put(ticket, transaction)
        document: dict[str, Any] = {"owner": ticket.owner, "body": body}
        if self._kept is not None:  # set now, since it is written only once; it may expire a little after the ticket
            document["expire_at"] = ticket.created_at + self._longest_life + self._kept
        transaction.create(self._request(ticket.id), document)

    async def get(self, ticket_id: str, transaction: Transaction | None = None) -> Ticket | None:
        """Returns the ticket. One read; none if the id is not valid."""
        if not is_plain_id(ticket_id):
            return None
        document = await read(self._ticket(ticket_id), transaction)
        return None if document is None else _from_document(ticket_id, document)

    async def get_request(self, ticket_id: str) -> ChatRequest | None:
        """Returns the ticket's request. One read; none if the id is not valid."""
        if not is_plain_id(ticket_id):
            return None
        snapshot = await self._request(ticket_id).get()
        document = snapshot.to_dict()
        return None if document is None else ChatRequest.model_validate_json(document["body"])

    async def list_untouched(
        self, moment: datetime, limit: int, after: datetime | None = None
    ) -> tuple[list[Ticket], datetime | None]:
        """Lists unfinished tickets that have not changed since `moment`, starting with the oldest change.

        With `after`, lists only tickets that changed later. Unreadable tickets are logged and omitted. One read each.
        Also returns the `after` of the next page; None if there is none.
        """
        query = (
            self._client.collection("tickets")
            .where(filter=_UNFINISHED)
            .where(filter=FieldFilter("updated_at", "<", moment))
            .order_by("updated_at")
            .limit(limit)
        )
        if after is not None:
            query = query.where(filter=FieldFilter("updated_at", ">", after))
        snapshots = await query.get()
        return _read_valid(snapshots), snapshots[-1].get("updated_at") if len(snapshots) == limit else None

    async def list_parked(self, owner: str, kind: TurnKind, limit: int) -> list[Ticket]:
        """Lists the owner's tickets that wait for a turn of this kind, oldest first.

        Unreadable ones are logged and omitted. One read per ticket, at least one.
        """
        query = (
            self._client.collection("tickets")
            .where(filter=FieldFilter("owner", "==", owner))
            .where(filter=FieldFilter("parked", "==", kind))
            .order_by("created_at")
            .limit(limit)
        )
        return _read_valid(await query.get())

    async def count_unfinished(self, owner: str, limit: int) -> int:
        """Counts the owner's unfinished tickets, up to `limit`. One read per thousand."""
        query = (
            self._client.collection("tickets").where(filter=FieldFilter("owner", "==", owner)).where(filter=_UNFINISHED)
        )
        return await count_up_to(query, limit)

    def put(self, ticket: Ticket, transaction: Transaction) -> None:
        """Writes a ticket that the transaction has read, or has not found. Sets the expiry of one that has ended."""
        document = _to_document(ticket)
        if self._kept is not None and ticket.completed_at is not None:
            document["expire_at"] = ticket.completed_at + self._kept
        transaction.set(self._ticket(ticket.id), document)


def _to_document(ticket: Ticket) -> dict[str, Any]:
    document = ticket.model_dump(exclude={"id", "result"})
    document["status"] = ticket.status.value
    document["result"] = None if ticket.result is None else ticket.result.model_dump_json()
    return document


def _from_document(ticket_id: str, document: dict[str, Any]) -> Ticket:
    result = document.pop("result")
    document.pop("expire_at", None)  # the store's own field
    return Ticket(id=ticket_id, result=None if result is None else ChatResult.model_validate_json(result), **document)


def _read_valid(snapshots: Iterable[DocumentSnapshot[Any]]) -> list[Ticket]:
    """Returns the tickets that can be read. Others are logged, so that a broken one does not hide the rest."""
    tickets: list[Ticket] = []
    for snapshot in snapshots:
        try:
            tickets.append(_from_document(snapshot.id, snapshot.to_dict() or {}))
        except (KeyError, ValidationError):
            _log.exception("A ticket cannot be read", extra={"fields": {"ticket": snapshot.id}})
    return tickets
