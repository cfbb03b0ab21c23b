"""The audit trail: `audit/{id}`. Records are written together with the change that they describe, and never changed."""

from uuid import uuid4

from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.models.audit import AuditRecord
from shared.store.transaction import Transaction


class AuditStore:
    """Adds records, and lists those about one target."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def add(self, record: AuditRecord, transaction: Transaction) -> None:
        """Writes the record in the transaction, which must also write the recorded change."""
        transaction.create(self._client.collection("audit").document(str(uuid4())), record.model_dump())

    async def newest(self, target: str, limit: int) -> list[AuditRecord]:
        """Lists the records about `target`, newest first. One read per record."""
        query = (
            self._client.collection("audit")
            .where(filter=FieldFilter("target", "==", target))
            .order_by("at", direction="DESCENDING")
            .limit(limit)
        )
        return [AuditRecord.model_validate(snapshot.to_dict()) for snapshot in await query.get()]
