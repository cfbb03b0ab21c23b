"""Rate limits: `rateLimits/{hash of the key}` stores the time at which the key will have regained its whole limit."""

import hashlib
from datetime import UTC, datetime, timedelta

from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.store.transaction import Transaction


class RateLimitStore:
    """Reads and writes one document per key. Firestore's TTL on `expire_at` deletes them."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _document(self, key: str) -> AsyncDocumentReference:
        return self._client.collection("rateLimits").document(hashlib.sha256(key.encode()).hexdigest())

    async def get(self, key: str, transaction: Transaction) -> float:
        """Returns the key's time in epoch seconds, 0 for a new key. One read."""
        document = await transaction.get(self._document(key))
        return 0.0 if document is None else float(document["whole_at"])

    def put(self, key: str, theoretical_arrival_time: float, transaction: Transaction) -> None:
        """Writes the key's time in epoch seconds. The transaction must have read its document before."""
        expire_at = datetime.fromtimestamp(theoretical_arrival_time, UTC) + timedelta(hours=1)
        transaction.set(self._document(key), {"whole_at": theoretical_arrival_time, "expire_at": expire_at})
