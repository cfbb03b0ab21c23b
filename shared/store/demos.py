"""Demos: `demos/{id}`, with what lists are sorted and chosen by as fields, and all that users say as JSON text."""

from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery, Query
from google.cloud.firestore_v1.base_query import FieldFilter, Or

from shared.models.demo import DemoFields, StoredDemo
from shared.models.errors import TooLarge
from shared.models.wire import is_plain_id
from shared.store.pages import page_of
from shared.store.transaction import Transaction

MAX_BODY_BYTES = 1_000_000
"""How long a demo may be as JSON. Firestore's limit for a document is 1,048,576 bytes with all its names:
https://firebase.google.com/docs/firestore/quotas"""


class DemoStore:
    """Reads and writes demos. Who may, is for the services to say."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _demo(self, demo_id: str) -> AsyncDocumentReference:
        return self._client.collection("demos").document(demo_id)

    async def get(self, demo_id: str, transaction: Transaction | None = None) -> StoredDemo | None:
        """One read; none for what cannot be an id."""
        if not is_plain_id(demo_id):
            return None
        reference = self._demo(demo_id)
        document = await transaction.get(reference) if transaction else (await reference.get()).to_dict()
        return None if document is None else _from_document(demo_id, document)

    async def page(
        self, uid: str, limit: int, after: tuple[datetime, str] | None = None, everybodys: bool = False
    ) -> tuple[list[StoredDemo], bool]:
        """The user's own and the shared ones, or everybody's; the newest change first, those after `after` (its time
        and id); and whether there may be more. One query, as many reads as demos (see `page_of`).
        """
        query: AsyncQuery = self._client.collection("demos").order_by("updated_at", direction=Query.DESCENDING)
        if not everybodys:
            query = query.where(filter=Or([FieldFilter("owner", "==", uid), FieldFilter("visibility", "==", "shared")]))
        query = query.order_by("__name__", direction=Query.DESCENDING)
        if after is not None:
            query = query.start_after({"updated_at": after[0], "__name__": self._demo(after[1])})
        documents, more = await page_of(query, limit)
        return [_from_document(name, document) for name, document in documents], more

    def put(self, demo: StoredDemo, transaction: Transaction) -> None:
        """Writes a demo that the transaction has read, or looked for in vain. Raises `TooLarge`."""
        transaction.set(self._demo(demo.id), _to_document(demo))

    def remove(self, demo: StoredDemo, transaction: Transaction) -> None:
        """Deletes a demo that the transaction has read."""
        transaction.delete(self._demo(demo.id))


def _to_document(demo: StoredDemo) -> dict[str, Any]:
    body = demo.fields.model_dump_json()
    size = len(body.encode())
    if size > MAX_BODY_BYTES:
        raise TooLarge(f"The demo is {size} bytes long; at most {MAX_BODY_BYTES} can be kept. Shorten its code.")
    document = demo.model_dump(exclude={"id", "fields"})
    return {**document, "visibility": demo.visibility, "body": body}


def _from_document(demo_id: str, document: dict[str, Any]) -> StoredDemo:
    kept = {name: value for name, value in document.items() if name not in ("body", "visibility")}
    return StoredDemo(id=demo_id, fields=DemoFields.model_validate_json(document["body"]), **kept)
