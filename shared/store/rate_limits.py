"""Rate limits: `rateLimits/{hash of the key}` holds when the key's limit of requests will be fully restored."""

import hashlib
from datetime import UTC, datetime, timedelta

from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.store.transaction import Transaction


class RateLimitStore:
    """One document per key, deleted by Firestore's TTL on `expire_at`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _document(self, key: str) -> AsyncDocumentReference:
        return self._client.collection("rateLimits").document(hashlib.sha256(key.encode()).hexdigest())

    async def get(self, key: str, transaction: Transaction) -> float:
        """Epoch seconds; 0 for a new key. One read."""
        document = await transaction.get(self._document(key))
        return 0.0 if document is None else float(document["whole_at"])

    def put(self, key: str, theoretical_arrival_time: float, transaction: Transaction) -> None:
        """Writes the time, in epoch seconds, of a key that the transaction has read."""
        expire_at = datetime.fromtimestamp(theoretical_arrival_time, UTC) + timedelta(hours=1)
        transaction.set(self._document(key), {"whole_at": theoretical_arrival_time, "expire_at": expire_at})
