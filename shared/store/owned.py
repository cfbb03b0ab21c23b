"""Documents that users own and may share.

The values that lists are sorted and filtered by are stored as fields. Everything else is stored as a string of JSON,
because Firestore cannot store every JSON value as a field.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery
from google.cloud.firestore_v1.base_query import FieldFilter, Or
from pydantic_core import from_json

from shared.models.errors import TooLarge
from shared.models.owned import StoredResource
from shared.models.wire import is_plain_id
from shared.store.counts import count_and_sum
from shared.store.pages import newest_first, page_of
from shared.store.transaction import Transaction, read

MAX_BODY_BYTES = 1_000_000
"""The maximum size of a resource as JSON. Firestore limits a document, including its field names, to 1,048,576 bytes:
https://firebase.google.com/docs/firestore/quotas"""


T = TypeVar("T", bound=StoredResource[Any])


class OwnedStore(Generic[T]):
    """Reads and writes one kind of resource in `collection`. The services check permissions.

    `shorten`: the parts to shorten, for the error about a resource that is too large, such as "its code or its specs".
    """

    def __init__(self, client: AsyncClient, collection: str, kind: type[T], shorten: str) -> None:
        self._client = client
        self._collection = client.collection(collection)
        self.kind = kind
        self.name = collection
        self._what = collection.removesuffix("s")
        self._shorten = shorten

    def _document(self, id_: str) -> AsyncDocumentReference:
        return self._collection.document(id_)

    async def get(self, id_: str, transaction: Transaction | None = None) -> T | None:
        """Returns the resource, None if it does not exist. One read; none if `id_` is not a valid id."""
        if not is_plain_id(id_):
            return None
        document = await read(self._document(id_), transaction)
        return None if document is None else self._read(id_, document)

    async def page(
        self, uid: str, limit: int, after: tuple[datetime, str] | None = None, all_owners: bool = False
    ) -> tuple[list[T], bool]:
        """Returns the user's own and the shared resources, or those of all users, and whether there may be more.

        The latest change comes first. `after`: the time and the id of the resource that the previous page ended with.
        One query, and one read for each document (see `page_of`).
        """
        query = seen_by(AsyncQuery(self._collection), uid, all_owners)
        documents, more = await page_of(newest_first(query, "updated_at", self._collection, after), limit)
        return [self._read(id_, document) for id_, document in documents], more

    async def usage(self, uid: str) -> tuple[int, int]:
        """The number of the user's resources, and their total size in bytes. One read for each thousand."""
        query = self._collection.where(filter=FieldFilter("owner", "==", uid))
        return await count_and_sum(query, "size")

    def put(self, resource: T, transaction: Transaction) -> None:
        """Writes a resource. The transaction must have read its document before. Raises `TooLarge`."""
        body = resource.fields.model_dump_json()
        size = len(body.encode())
        if size > MAX_BODY_BYTES:
            raise TooLarge(
                f"The {self._what} is {size} bytes long; the limit is {MAX_BODY_BYTES}. Shorten {self._shorten}."
            )
        document = resource.model_dump(exclude={"id", "fields"})
        transaction.set(
            self._document(resource.id), {**document, "visibility": resource.visibility, "size": size, "body": body}
        )

    def remove(self, resource: T, transaction: Transaction) -> None:
        """Deletes a resource that the transaction has read."""
        transaction.delete(self._document(resource.id))

    def _read(self, id_: str, document: Mapping[str, Any]) -> T:
        metadata = {name: value for name, value in document.items() if name not in ("body", "size", "visibility")}
        return self.kind.model_validate({**metadata, "id": id_, "fields": from_json(document["body"])})


def seen_by(query: AsyncQuery, uid: str, all_owners: bool) -> AsyncQuery:
    """Restricts the query to the user's own and the shared documents, unless `all_owners` is true."""
    if all_owners:
        return query
    return query.where(filter=Or([FieldFilter("owner", "==", uid), FieldFilter("visibility", "==", "shared")]))
