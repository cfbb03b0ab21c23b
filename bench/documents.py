"""Writes documents for measurements directly, without the service."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.cloud.firestore import AsyncClient

_BATCH = 500


async def put_floor(project: str, name: str, fields: Mapping[str, Any]) -> None:
    """Writes the document that a floor reads: `floors/{name}`."""
    await AsyncClient(project=project).collection("floors").document(name).set(dict(fields))


async def put_all(project: str, documents: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Writes documents, given by their paths, in batches."""
    client = AsyncClient(project=project)
    batch, size = client.batch(), 0
    for path, fields in documents:
        batch.set(client.document(path), dict(fields))
        size += 1
        if size == _BATCH:
            await batch.commit()
            batch, size = client.batch(), 0
    if size:
        await batch.commit()
