"""Changes of one group, for the tests of group commits."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from google.cloud.firestore import AsyncDocumentReference

from shared.store import Database, Transaction

GROUP = "things"


class Refused(Exception):
    pass


@asynccontextmanager
async def busy(database: Database) -> AsyncGenerator[None]:
    """Keeps the group busy during the block, so that the changes that are started in it wait."""
    end = asyncio.Event()

    async def wait(_: Transaction) -> None:
        await end.wait()

    waiting = asyncio.create_task(database.change(GROUP, wait))
    await asyncio.sleep(0)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        end.set()
        await waiting


def add(reference: AsyncDocumentReference, amount: int, limit: int | None = None) -> Callable[[Transaction], Any]:
    """Returns a change that adds to the counter and returns it, and is refused above the limit."""

    async def change(transaction: Transaction) -> int:
        total = (await transaction.get(reference) or {"x": 0})["x"] + amount
        if limit is not None and total > limit:
            raise Refused
        transaction.set(reference, {"x": total})
        return total

    return change


def create_documents(database: Database, name: str, texts: list[str]) -> Callable[[Transaction], Any]:
    """Returns a change that creates a document with each of the texts."""

    async def change(transaction: Transaction) -> str:
        for number, text in enumerate(texts):
            document = database._client.collection("things").document(f"{name}-{number}")  # pyright: ignore[reportPrivateUsage]
            transaction.create(document, {"text": text})
        return name

    return change
