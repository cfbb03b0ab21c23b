"""Deliveries: `deliveries/{id}`, one for each notification of a webhook. Only functions can read them.

Firestore's TTL on `expire_at` deletes them some days after they have ended. Pending ones have a `chain`, which is the
same for all notifications of one run to one webhook.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter
from pydantic_core import from_json

from shared.models.delivery import Delivery
from shared.models.wire import is_plain_id
from shared.store.transaction import Transaction, read

RETENTION = timedelta(days=7)
"""How long a delivery is stored. It ends within little more than a day."""
_FIELDS = ("owner", "created_at", "next_attempt_at")


class DeliveryStore:
    """Reads and writes deliveries."""

    def __init__(self, client: AsyncClient) -> None:
        self._collection = client.collection("deliveries")

    def _delivery(self, delivery_id: str) -> AsyncDocumentReference:
        return self._collection.document(delivery_id)

    async def get(self, delivery_id: str, transaction: Transaction | None = None) -> Delivery | None:
        """Returns the delivery. One read; none if the id is not valid."""
        if not is_plain_id(delivery_id):
            return None
        document = await read(self._delivery(delivery_id), transaction)
        return None if document is None else _from_document(delivery_id, document)

    async def find_first(self, webhook_id: str, run_id: str) -> Delivery | None:
        """Returns the oldest pending notification of this run to this webhook. One query, and one read."""
        query = (
            self._collection.where(filter=FieldFilter("chain", "==", _name_chain(webhook_id, run_id)))
            .order_by("created_at")
            .limit(1)
        )
        found = [_from_document(snapshot.id, snapshot.to_dict() or {}) for snapshot in await query.get()]
        return found[0] if found else None

    async def list_due(self, moment: datetime, limit: int) -> list[Delivery]:
        """Lists the deliveries that were due before `moment`, the most overdue first. One read each, at least one."""
        query = (
            self._collection.where(filter=FieldFilter("next_attempt_at", "<", moment))
            .order_by("next_attempt_at")
            .limit(limit)
        )
        return [_from_document(snapshot.id, snapshot.to_dict() or {}) for snapshot in await query.get()]

    def add(self, delivery: Delivery, transaction: Transaction) -> None:
        """Creates a delivery. The transaction need not have read it: its id is new."""
        transaction.create(self._delivery(delivery.id), _to_document(delivery))

    def put(self, delivery: Delivery, transaction: Transaction) -> None:
        """Writes a changed delivery. The transaction must have read it before."""
        transaction.set(self._delivery(delivery.id), _to_document(delivery))


def _name_chain(webhook_id: str, run_id: str) -> str:
    return f"{webhook_id}:{run_id}"


def _to_document(delivery: Delivery) -> dict[str, Any]:
    fields = {name: getattr(delivery, name) for name in _FIELDS}
    chain = _name_chain(delivery.webhook_id, delivery.run_id) if delivery.is_pending else None
    body = delivery.model_dump_json(exclude={"id", *_FIELDS})
    return {**fields, "chain": chain, "body": body, "expire_at": delivery.created_at + RETENTION}


def _from_document(delivery_id: str, document: Mapping[str, Any]) -> Delivery:
    fields = {name: document[name] for name in _FIELDS}
    return Delivery.model_validate({"id": delivery_id, **fields, **from_json(document["body"])})
