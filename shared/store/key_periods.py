"""Periods of API keys: `keyPeriods/{key id}.{first day}` stores what a key has spent in a day or a month."""

from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.models.key_period import KeyPeriod
from shared.store.transaction import Transaction, read


class KeyPeriodStore:
    """Reads and writes periods. Firestore's TTL on `expire_at` deletes past periods."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _period(self, id_: str) -> AsyncDocumentReference:
        return self._client.collection("keyPeriods").document(id_)

    async def get(self, id_: str, transaction: Transaction | None = None) -> KeyPeriod | None:
        """Returns the period, None if nothing has been spent in it. One read."""
        document = await read(self._period(id_), transaction)
        return None if document is None else KeyPeriod(id=id_, **document)

    def put(self, period: KeyPeriod, transaction: Transaction) -> None:
        """Writes a period that the transaction has read."""
        transaction.set(self._period(period.id), period.model_dump(exclude={"id"}))

    def remove(self, id_: str, transaction: Transaction) -> None:
        """Deletes a period, if there is one. The transaction need not have read it, and is not overtaken by changes."""
        transaction.erase(self._period(id_))
