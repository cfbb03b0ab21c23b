"""Schedules: `schedules/{id}`.

What users set is stored as a string of JSON, because Firestore cannot store every JSON value as a field.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter
from pydantic_core import from_json

from shared.models.schedule import DueSchedule, StoredSchedule
from shared.models.wire import is_plain_id
from shared.store.counts import count_up_to
from shared.store.pages import newest_first, page_of
from shared.store.transaction import Transaction, read


class ScheduleStore:
    """Reads and writes schedules. The services check permissions."""

    def __init__(self, client: AsyncClient) -> None:
        self._collection = client.collection("schedules")

    def _document(self, id_: str) -> AsyncDocumentReference:
        return self._collection.document(id_)

    async def get(self, id_: str, transaction: Transaction | None = None) -> StoredSchedule | None:
        """Returns the schedule, None if it does not exist. One read; none if `id_` is not a valid id."""
        if not is_plain_id(id_):
            return None
        document = await read(self._document(id_), transaction)
        return None if document is None else _from_document(id_, document)

    async def page(
        self, owner: str, limit: int, after: tuple[datetime, str] | None = None
    ) -> tuple[list[StoredSchedule], bool]:
        """Returns the owner's schedules, and whether there may be more. The latest change comes first.

        `after`: the time and the id of the schedule that the previous page ended with. One query, and one read for
        each document (see `page_of`).
        """
        query = self._collection.where(filter=FieldFilter("owner", "==", owner))
        documents, more = await page_of(newest_first(query, "updated_at", self._collection, after), limit)
        return [_from_document(id_, document) for id_, document in documents], more

    async def count(self, owner: str, limit: int) -> int:
        """Counts the owner's schedules up to `limit`. One read."""
        return await count_up_to(self._collection.where(filter=FieldFilter("owner", "==", owner)), limit)

    async def list_due(self, now: datetime, limit: int) -> list[DueSchedule]:
        """Lists the schedules that are due, the longest due first. Disabled schedules are not due.

        One read per schedule, at least one.
        """
        query = (
            self._collection.where(filter=FieldFilter("next_due_at", "<=", now))
            .order_by("next_due_at")
            .limit(limit)
            .select(["owner"])
        )
        return [DueSchedule(id=snapshot.id, owner=snapshot.get("owner")) for snapshot in await query.get()]

    def put(self, schedule: StoredSchedule, transaction: Transaction) -> None:
        """Writes a schedule. The transaction must have read its document before."""
        document = schedule.model_dump(exclude={"id", "fields"})
        transaction.set(self._document(schedule.id), {**document, "body": schedule.fields.model_dump_json()})

    def remove(self, schedule: StoredSchedule, transaction: Transaction) -> None:
        """Deletes a schedule that the transaction has read."""
        transaction.delete(self._document(schedule.id))


def _from_document(id_: str, document: Mapping[str, Any]) -> StoredSchedule:
    metadata = {name: value for name, value in document.items() if name != "body"}
    return StoredSchedule.model_validate({**metadata, "id": id_, "fields": from_json(document["body"])})
