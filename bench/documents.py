"""Writes documents for measurements directly, without the service."""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from google.cloud.firestore import AsyncClient

_BATCH = 500
_BATCHES_AT_ONCE = 3


async def put_floor(project: str, name: str, fields: Mapping[str, Any]) -> None:
    """Writes the document that a floor reads: `floors/{name}`."""
    await AsyncClient(project=project).collection("floors").document(name).set(dict(fields))


async def put_all(project: str, documents: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Writes documents, given by their paths, in a few batches at a time."""
    client = AsyncClient(project=project)
    waiting = iter(documents)

    async def write_batches() -> None:
        while batch := list(islice(waiting, _BATCH)):
            writes = client.batch()
            for path, fields in batch:
                writes.set(client.document(path), dict(fields))
            await writes.commit()

    await asyncio.gather(*(write_batches() for _ in range(_BATCHES_AT_ONCE)))
