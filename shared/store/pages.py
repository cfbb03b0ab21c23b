"""Pages of documents with users' content, limited in number and in bytes, so that a page fits into a response."""

from contextlib import aclosing
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncCollectionReference, AsyncQuery, Query

MAX_PAGE_BYTES = 8_000_000
"""A page ends with the document that exceeds this limit. Cloud Run's limit for a response is 32 MiB
(https://cloud.google.com/run/quotas), and a page takes up several times its size in memory."""


def newest_first(
    query: AsyncQuery, field: str, collection: AsyncCollectionReference, after: tuple[datetime, str] | None
) -> AsyncQuery:
    """Sorts a query of `collection` by a time, the newest first, and then by id, so that pages never overlap.

    `after`: the time and the id of the document that the previous page ended with.
    """
    query = query.order_by(field, direction=Query.DESCENDING).order_by("__name__", direction=Query.DESCENDING)
    return query if after is None else query.start_after({field: after[0], "__name__": collection.document(after[1])})


async def page_of(
    query: AsyncQuery, limit: int, max_bytes: int | None = None
) -> tuple[list[tuple[str, dict[str, Any]]], bool]:
    """Returns the query's first documents, each with its id, and whether there may be more.

    `max_bytes`: the limit of the page's size, `MAX_PAGE_BYTES` if it is None. One query, and one read per document. If
    the byte limit ends the page, Firestore may have read a few more.
    """
    documents: list[tuple[str, dict[str, Any]]] = []
    size = 0
    async with aclosing(query.limit(limit).stream()) as snapshots:
        async for snapshot in snapshots:
            document: dict[str, Any] = snapshot.to_dict() or {}
            documents.append((snapshot.id, document))
            size += _text_bytes(document)
            if size > (MAX_PAGE_BYTES if max_bytes is None else max_bytes):
                return documents, True
    return documents, len(documents) == limit


def _text_bytes(document: dict[str, Any]) -> int:
    return sum(len(value.encode()) for value in document.values() if isinstance(value, str))
