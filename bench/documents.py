"""Writes documents for measurements directly, without the service."""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.types import Write

from shared.store.documents import commit, name_of
from shared.store.values import encode_fields

_BATCH = 500
_BATCHES_AT_ONCE = 3


async def put_floor(project: str, name: str, fields: Mapping[str, Any]) -> None:
    """Writes the document that a floor reads: `floors/{name}`."""
    await AsyncClient(project=project).collection("floors").document(name).set(dict(fields))


async def put_all(project: str, documents: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Writes documents, given by their paths, in a few batches at a time.

    It uses the service's encoding, since the client library's would take a minute for 100,000 documents.
    """
    client = AsyncClient(project=project)
    waiting = iter(documents)

    async def write_batches() -> None:
        while batch := list(islice(waiting, _BATCH)):
            await commit(client, [_build_write(client, path, fields) for path, fields in batch])

    await asyncio.gather(*(write_batches() for _ in range(_BATCHES_AT_ONCE)))


def _build_write(client: AsyncClient, path: str, fields: Mapping[str, Any]) -> Any:
    write: Any = Write.pb()()
    write.update.name = name_of(client.document(path))
    encode_fields(fields, write.update.fields)
    return write
