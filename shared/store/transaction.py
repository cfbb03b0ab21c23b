"""Reads and writes that take effect together, or not at all.

Optimistic: what is read is remembered with its version, and the commit carries the versions as preconditions. So
nothing is locked: who comes second has its commit refused, and runs again. (Firestore's own transactions lock what
they read; two that read the same document and then write it wait for each other until one is broken off.)
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition, NotFound
from google.cloud.firestore import AsyncClient, AsyncDocumentReference, DocumentSnapshot
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

T = TypeVar("T")


class Overtaken(Exception):
    """Something that was read has changed before the commit."""


class Transaction:
    """What a store's methods take. Only `run` makes one.

    A document that is set must have been read before, in the same transaction, and is set once. A document that is
    only read may change before the commit: a decision that must hold needs a write to what it rests on.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._read: dict[str, DocumentSnapshot[Any]] = {}
        self._batch = client.batch()

    async def get(self, reference: AsyncDocumentReference) -> dict[str, Any] | None:
        """The document as it was when the transaction first read it, None if there is none."""
        path: str = reference.path
        if path not in self._read:
            self._read[path] = await reference.get()
        return self._read[path].to_dict()

    def set(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        """Writes the document at the commit. `document` names all of its fields."""
        snapshot = self._read[reference.path]
        if snapshot.exists:
            self._batch.update(reference, document, self._client.write_option(last_update_time=snapshot.update_time))
        else:
            self._batch.create(reference, document)

    def create(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        """Writes a document that was not read: one that exists only together with another, whose absence was read."""
        self._batch.create(reference, document)

    def delete(self, reference: AsyncDocumentReference) -> None:
        """Deletes a document that was read, at the commit."""
        snapshot = self._read[reference.path]
        self._batch.delete(reference, self._client.write_option(last_update_time=snapshot.update_time))

    async def commit(self) -> None:
        """Raises `Overtaken` when a precondition does not hold, and then has written nothing."""
        if not len(self._batch):
            return
        try:
            await self._batch.commit()
        except (Aborted, AlreadyExists, FailedPrecondition, NotFound) as error:
            raise Overtaken from error


async def run(client: AsyncClient, body: Callable[[Transaction], Awaitable[T]], seconds: float) -> T:
    """Runs `body` and commits; again, after growing random pauses, while others are faster. Returns what it returned.

    `body` may run several times, and a commit whose answer was lost counts as overtaken: it must have no effects
    beside the transaction's, and recognise its own work when it meets it. Raises `Overtaken` after `seconds`.
    """

    async def once() -> T:
        transaction = Transaction(client)
        result = await body(transaction)
        await transaction.commit()
        return result

    return await AsyncRetrying(
        retry=retry_if_exception_type(Overtaken),
        wait=wait_random_exponential(multiplier=0.02, max=2),
        stop=stop_after_delay(seconds),
        reraise=True,
    )(once)
