"""What a listener can watch: a document, and the documents of a collection that are numbered in `n`."""

from collections.abc import Callable, Mapping
from typing import Any

from google.cloud.firestore import AsyncCollectionReference, AsyncDocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.documents import Snapshot, name_of
from shared.store.reads import read_snapshot

_GREATER_THAN = 3
_ASCENDING = 1
_PAGE = 300


class DocumentTarget:
    """A document. `on_change` is called with each of its versions, which may skip some, but never goes back.

    It is called with the document's fields, or None if the document does not exist.
    """

    def __init__(
        self, reference: AsyncDocumentReference, on_change: Callable[[Mapping[str, Any] | None], None]
    ) -> None:
        self._reference = reference
        self._on_change = on_change
        self._seen: Snapshot | None = None

    def describe(self, message: Any) -> None:
        """See `Target`."""
        message.documents.documents.append(name_of(self._reference))

    def take(self, documents: dict[str, Snapshot]) -> None:
        """See `Target`."""
        snapshot = documents.get(name_of(self._reference))
        if snapshot is not None and self._is_news(snapshot):
            self._seen = snapshot
            self._on_change(snapshot.fields)

    async def poll(self) -> None:
        """See `Target`. One read."""
        self.take({name_of(self._reference): await read_snapshot(self._reference)})

    def _is_news(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot is not older than the last one. Documents are not created again after a deletion."""
        if self._seen is None:
            return True
        if snapshot.fields is None or self._seen.fields is None:
            return self._seen.fields is not None
        return _as_key(snapshot.update_time) > _as_key(self._seen.update_time)


class NumberedTarget:
    """The documents of a collection whose `n` is higher than `after`. They must be committed in the order of `n`.

    `on_document` is called with the fields of each document once, in the order of `n`. Later changes are not reported.
    """

    def __init__(
        self, collection: AsyncCollectionReference, after: int, on_document: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._collection = collection
        self._last = after
        self._on_document = on_document

    def describe(self, message: Any) -> None:
        """See `Target`. The query begins after the last document that was reported."""
        parent = self._collection.parent
        assert parent is not None  # noqa: S101 - such collections belong to a document
        message.query.parent = name_of(parent)
        query = message.query.structured_query
        query.from_.add().collection_id = self._collection.id
        condition = query.where.field_filter
        condition.field.field_path = "n"
        condition.op = _GREATER_THAN
        condition.value.integer_value = self._last
        order = query.order_by.add()
        order.field.field_path = "n"
        order.direction = _ASCENDING

    def take(self, documents: dict[str, Snapshot]) -> None:
        """See `Target`."""
        found = [snapshot.fields for snapshot in documents.values() if snapshot.fields is not None]
        self._report(sorted(found, key=lambda fields: fields["n"]))

    async def poll(self) -> None:
        """See `Target`. One read per new document, at least one."""
        is_last = False
        while not is_last:
            query = self._collection.where(filter=FieldFilter("n", ">", self._last)).order_by("n").limit(_PAGE)
            found = [snapshot.to_dict() or {} for snapshot in await query.get()]
            self._report(found)
            is_last = len(found) < _PAGE

    def _report(self, found: list[Mapping[str, Any]] | list[dict[str, Any]]) -> None:
        for fields in found:
            if fields["n"] > self._last:
                self._last = fields["n"]
                self._on_document(fields)


def _as_key(time: Any) -> tuple[int, int]:
    return time.seconds, time.nanos
