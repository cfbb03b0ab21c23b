"""API keys: `apiKeys/{id}`. Only functions can read them. They contain digests of keys, not the keys themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.models.api_key import ApiKey
from shared.models.wire import is_plain_id
from shared.store.counts import count_up_to
from shared.store.pages import newest_first, page_of
from shared.store.transaction import Transaction, read


class ApiKeyStore:
    """Reads and writes keys. The services check permissions."""

    def __init__(self, client: AsyncClient) -> None:
        self._collection = client.collection("apiKeys")

    def _key(self, key_id: str) -> AsyncDocumentReference:
        return self._collection.document(key_id)

    async def get(self, key_id: str, transaction: Transaction | None = None) -> ApiKey | None:
        """Returns the key. One read; none if the id is not valid."""
        if not is_plain_id(key_id):
            return None
        document = await read(self._key(key_id), transaction)
        return None if document is None else _from_document(key_id, document)

    async def page(
        self, owner: str, limit: int, after: tuple[datetime, str] | None = None
    ) -> tuple[list[ApiKey], bool]:
        """Returns the owner's keys, the newest first, and whether there may be more.

        `after`: the time of creation and the id of the key that the previous page ended with. One query, and one read
        per key (see `page_of`).
        """
        query = self._collection.where(filter=FieldFilter("owner", "==", owner))
        documents, more = await page_of(newest_first(query, "created_at", self._collection, after), limit)
        return [_from_document(key_id, document) for key_id, document in documents], more

    async def count(self, owner: str, limit: int) -> int:
        """Counts the owner's keys, up to `limit`. One read."""
        return await count_up_to(self._collection.where(filter=FieldFilter("owner", "==", owner)), limit)

    def add(self, key: ApiKey, transaction: Transaction) -> None:
        """Creates a key. The transaction need not have read it: its id is new."""
        transaction.create(self._key(key.id), _to_document(key))

    def put(self, key: ApiKey, transaction: Transaction) -> None:
        """Writes a changed key. The transaction must have read it before."""
        transaction.set(self._key(key.id), _to_document(key))

    def remove(self, key: ApiKey, transaction: Transaction) -> None:
        """Deletes a key that the transaction has read."""
        transaction.delete(self._key(key.id))


def _to_document(key: ApiKey) -> dict[str, Any]:
    document = key.model_dump(exclude={"id"})
    return {**document, "period": key.period.value, "scopes": [scope.value for scope in key.scopes]}


def _from_document(key_id: str, document: Mapping[str, Any]) -> ApiKey:
    return ApiKey.model_validate({"id": key_id, **document})
