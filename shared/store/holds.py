"""Holds: `holds/{id}`, one for each model call in progress outside a ticket."""

from datetime import datetime

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.models.hold import Hold
from shared.store.transaction import Transaction


class HoldStore:
    """Reads and writes holds, always together with the account that is charged."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _hold(self, hold_id: str) -> AsyncDocumentReference:
        return self._client.collection("holds").document(hold_id)

    async def get(self, hold_id: str, transaction: Transaction) -> Hold | None:
        """Returns the hold. One read."""
        document = await transaction.get(self._hold(hold_id))
        return None if document is None else Hold(id=hold_id, **document)

    def add(self, hold: Hold, transaction: Transaction) -> None:
        """Creates a hold. The transaction need not have read it: its id is new."""
        transaction.create(self._hold(hold.id), hold.model_dump(exclude={"id"}))

    def put(self, hold: Hold, transaction: Transaction) -> None:
        """Writes a changed hold. The transaction must have read it before."""
        transaction.set(self._hold(hold.id), hold.model_dump(exclude={"id"}))

    def remove(self, hold: Hold, transaction: Transaction) -> None:
        """Deletes a hold that the transaction has read."""
        transaction.delete(self._hold(hold.id))

    async def list_expired(self, moment: datetime, limit: int) -> list[Hold]:
        """Lists the holds that had expired at `moment`, oldest first. One read per hold."""
        query = (
            self._client.collection("holds")
            .where(filter=FieldFilter("expires_at", "<", moment))
            .order_by("expires_at")
            .limit(limit)
        )
        return [Hold(id=snapshot.id, **(snapshot.to_dict() or {})) for snapshot in await query.get()]
