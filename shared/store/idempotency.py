"""Requests with an `Idempotency-Key`: `idempotency/{hash}`. Firestore's TTL on `expire_at` deletes them."""

from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.models.idempotency import StoredRequest
from shared.store.transaction import Transaction, read


class IdempotencyStore:
    """Reads and writes these requests and their results. TTL deletes late, so readers must check `expire_at`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _request(self, id_: str) -> AsyncDocumentReference:
        return self._client.collection("idempotency").document(id_)

    async def get(self, id_: str, transaction: Transaction | None = None) -> StoredRequest | None:
        """Returns the stored request, None if there is none. One read."""
        document = await read(self._request(id_), transaction)
        return None if document is None else StoredRequest(id=id_, **document)

    def put(self, request: StoredRequest, transaction: Transaction) -> None:
        """Writes a request. The transaction must have read its document before."""
        transaction.set(self._request(request.id), request.model_dump(exclude={"id"}))

    def remove(self, request: StoredRequest, transaction: Transaction) -> None:
        """Deletes a request that the transaction has read."""
        transaction.delete(self._request(request.id))
