"""Fixtures for the tests of the store: what is sent to Firestore."""

from typing import Any

import pytest
from google.cloud.firestore import AsyncDocumentReference

from shared.store import Database


@pytest.fixture
def reference(database: Database) -> AsyncDocumentReference:
    return database._client.collection("things").document("counter")  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def commits(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns the number of writes of each commit that is sent, including those that fail."""
    return _record(monkeypatch, database, "commit", "writes")


@pytest.fixture
def reads(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns the number of documents of each request to read."""
    return _record(monkeypatch, database, "batch_get_documents", "documents")


def _record(monkeypatch: pytest.MonkeyPatch, database: Database, method: str, field: str) -> list[int]:
    sizes: list[int] = []
    api: Any = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    send = getattr(api, method)

    async def record(request: Any, **options: Any) -> Any:
        sizes.append(len(getattr(request, field)))
        return await send(request=request, **options)

    monkeypatch.setattr(api, method, record)
    return sizes
