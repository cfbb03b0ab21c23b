"""Documents that users own and may share. What lists are sorted and filtered by is stored as fields, everything else as
JSON text, which can hold any JSON.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery, Query
from google.cloud.firestore_v1.base_query import FieldFilter, Or
from pydantic_core import from_json

from shared.models.errors import TooLarge
from shared.models.owned import StoredResource
from shared.models.wire import is_plain_id
from shared.store.counts import count_and_sum
from shared.store.pages import page_of
from shared.store.transaction import Transaction, read

MAX_BODY_BYTES = 1_000_000
"""Of one as JSON. Firestore's limit for a document is 1,048,576 bytes with all its names:
https://firebase.google.com/docs/firestore/quotas"""


T = TypeVar("T", bound=StoredResource[Any])


class OwnedStore(Generic[T]):
    """Reads and writes one kind of them, in `collection`. Permissions are checked by the services.

    `shorten` ends the error for one that is too large: "its code or its specs".
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
        """One read; no read for what cannot be an id."""
        if not is_plain_id(id_):
            return None
        document = await read(self._document(id_), transaction)
        return None if document is None else self._read(id_, document)

    async def page(
        self, uid: str, limit: int, after: tuple[datetime, str] | None = None, all_owners: bool = False
    ) -> tuple[list[T], bool]:
        """The user's own and the shared ones, or everyone's; the latest change first, those after `after` (its time
        and id); and whether there may be more. One query, as many reads as documents (see `page_of`).
        """
        query: AsyncQuery = self._collection.order_by("updated_at", direction=Query.DESCENDING)
        query = seen_by(query, uid, all_owners).order_by("__name__", direction=Query.DESCENDING)
        if after is not None:
            query = query.start_after({"updated_at": after[0], "__name__": self._document(after[1])})
        documents, more = await page_of(query, limit)
        return [self._read(id_, document) for id_, document in documents], more

    async def usage(self, uid: str) -> tuple[int, int]:
        """How many the user has, and how many bytes they take up. A read for each thousand."""
        query = self._collection.where(filter=FieldFilter("owner", "==", uid))
        return await count_and_sum(query, "size")

    def put(self, thing: T, transaction: Transaction) -> None:
        """Writes one that the transaction has read, or has not found. Raises `TooLarge`."""
        body = thing.fields.model_dump_json()
        size = len(body.encode())
        if size > MAX_BODY_BYTES:
            raise TooLarge(
                f"The {self._what} is {size} bytes long; at most {MAX_BODY_BYTES} can be kept. Shorten {self._shorten}."
            )
        document = thing.model_dump(exclude={"id", "fields"})
        transaction.set(
            self._document(thing.id), {**document, "visibility": thing.visibility, "size": size, "body": body}
        )

    def remove(self, thing: T, transaction: Transaction) -> None:
        """Deletes one that the transaction has read."""
        transaction.delete(self._document(thing.id))

    def _read(self, id_: str, document: Mapping[str, Any]) -> T:
        kept = {name: value for name, value in document.items() if name not in ("body", "size", "visibility")}
        return self.kind.model_validate({**kept, "id": id_, "fields": from_json(document["body"])})


def seen_by(query: AsyncQuery, uid: str, all_owners: bool) -> AsyncQuery:
    """Restricts the query to the user's own and the shared ones, unless `all_owners`."""
    if all_owners:
        return query
    return query.where(filter=Or([FieldFilter("owner", "==", uid), FieldFilter("visibility", "==", "shared")]))
