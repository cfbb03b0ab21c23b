"""Deletes the documents of a collection in batches."""

from google.cloud.firestore import AsyncClient, AsyncQuery

_BATCH = 500
"""The number of documents that one commit deletes."""


async def delete_documents(client: AsyncClient, documents: AsyncQuery, limit: int) -> None:
    """Deletes documents of a query that is ordered by their names, at most `limit`. One read and one write each.

    It may be interrupted between batches, and repeated.
    """
    query = documents
    for start in range(0, limit, _BATCH):
        size = min(_BATCH, limit - start)
        snapshots = await query.limit(size).get()
        if snapshots:
            batch = client.batch()
            for snapshot in snapshots:
                batch.delete(snapshot.reference)
            await batch.commit()
        if len(snapshots) < size:
            return
        # Continues after them, because Firestore would pass over what it has just deleted, which takes time.
        query = documents.start_after({"__name__": snapshots[-1].reference})
