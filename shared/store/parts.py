"""Parts: `tickets/{id}/parts/{n}` stores a part of a ticket's answer, which the ticket's owner may read.

Each part is written once. Firestore's TTL on `expire_at` deletes it about a day after its ticket has ended.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncCollectionReference, AsyncDocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.models.part import Part
from shared.store.deletion import delete_documents
from shared.store.targets import NumberedTarget
from shared.store.transaction import Transaction
from shared.store.watching import listeners


class PartStore:
    """Reads and writes parts."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _parts(self, ticket_id: str) -> AsyncCollectionReference:
        return self._client.collection("tickets").document(ticket_id).collection("parts")

    def _part(self, ticket_id: str, n: int) -> AsyncDocumentReference:
        return self._parts(ticket_id).document(str(n))

    def add_in(self, transaction: Transaction, ticket_id: str, parts: Sequence[Part], expire_at: datetime) -> None:
        """Writes new parts in a transaction. One write each."""
        for part in parts:
            transaction.create(self._part(ticket_id, part.n), _to_document(part, expire_at))

    async def add_missing_in(
        self, transaction: Transaction, ticket_id: str, parts: Sequence[Part], expire_at: datetime
    ) -> None:
        """Writes those of the parts that are not stored yet, in a transaction. One read each, and up to one write each.

        A part that is stored is the same, as only one worker has the numbers of an attempt.
        """
        stored = await asyncio.gather(*(transaction.get(self._part(ticket_id, part.n)) for part in parts))
        missing = [part for part, document in zip(parts, stored, strict=True) if document is None]
        self.add_in(transaction, ticket_id, missing, expire_at)

    def watch(self, ticket_id: str, after: int, on_part: Callable[[Part], None]) -> AbstractContextManager[None]:
        """Calls `on_part` in the event loop with each part that has a higher number than `after`, until the block ends.

        It is called once for each part, in the order of the numbers, first with the parts that exist. One read each, at
        least one.
        """

        def take(fields: Mapping[str, Any]) -> None:
            on_part(from_document(dict(fields)))

        return listeners(self._client).watch(NumberedTarget(self._parts(ticket_id), after, take))

    async def list(self, ticket_id: str, after: int, limit: int) -> list[Part]:
        """Returns the ticket's parts with higher numbers than `after`, in their order. One read each, at least one."""
        query = self._parts(ticket_id).where(filter=FieldFilter("n", ">", after)).order_by("n").limit(limit)
        return [from_document(snapshot.to_dict() or {}) for snapshot in await query.get()]

    async def delete(self, ticket_id: str, limit: int) -> None:
        """Deletes parts of a ticket, at most `limit`. See `delete_documents`."""
        await delete_documents(self._client, self._parts(ticket_id).select([]).order_by("__name__"), limit)


def _to_document(part: Part, expire_at: datetime) -> dict[str, Any]:
    return {**part.model_dump(exclude_none=True), "expire_at": expire_at}


def from_document(document: dict[str, Any]) -> Part:
    """Returns the part that a document stores."""
    return Part.model_validate({name: value for name, value in document.items() if name in Part.model_fields})
