"""Reads and writes that take effect together, or not at all.

Optimistic: what is read is remembered with its version, and the commit carries the versions as preconditions. So
nothing is locked: who comes second has its commit refused, and runs again. (Firestore's own transactions lock what
they read; two that read the same document and then write it wait for each other until one is broken off.)
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    InternalServerError,
    NotFound,
    RetryError,
    ServiceUnavailable,
    Unknown,
)
from google.cloud.firestore import (
    DELETE_FIELD,
    AsyncClient,
    AsyncDocumentReference,
    AsyncWriteBatch,
    DocumentSnapshot,
    WriteOption,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

T = TypeVar("T")
_OVERTAKEN = (Aborted, AlreadyExists, FailedPrecondition, NotFound)
_UNKNOWN_OUTCOME = (DeadlineExceeded, InternalServerError, RetryError, ServiceUnavailable, Unknown)
"""The commit may have gone through all the same: only running again tells."""


class Overtaken(Exception):
    """Something that was read has changed before the commit."""


class Transaction:
    """What a store's methods take. Only `run` makes one.

    A document that is set or deleted must have been read before, in the same transaction. A document that is only
    read may change before the commit: a decision that must hold needs a write to what it rests on.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._read: dict[str, DocumentSnapshot[Any]] = {}
        self._writes: dict[str, Callable[[AsyncWriteBatch], None]] = {}
        self._on_commit: list[Callable[[], None]] = []

    async def get(self, reference: AsyncDocumentReference) -> dict[str, Any] | None:
        """The document as it was when the transaction first read it, None if there is none."""
        path = _path(reference)
        if path not in self._read:
            self._read[path] = await reference.get()
        return self._read[path].to_dict()

    def set(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        """Makes the document be `document`, at the commit. The last of several counts."""
        if not all(name.isidentifier() for name in document):
            raise ValueError(f"the names of fields must be identifiers: {', '.join(document)}")
        snapshot = self._read[_path(reference)]
        gone = dict.fromkeys(set(snapshot.to_dict() or {}) - set(document), DELETE_FIELD)

        def write(batch: AsyncWriteBatch) -> None:
            if snapshot.exists:
                batch.update(reference, {**document, **gone}, self._if_unchanged(snapshot))
            else:
                batch.create(reference, document)

        self._writes[_path(reference)] = write

    def create(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        """Writes a document that was not read: one that exists only together with another, whose absence was read."""
        self._writes[_path(reference)] = lambda batch: batch.create(reference, document)

    def delete(self, reference: AsyncDocumentReference) -> None:
        """Deletes a document that is there, at the commit."""
        snapshot = self._read[_path(reference)]
        self._writes[_path(reference)] = lambda batch: batch.delete(reference, self._if_unchanged(snapshot))

    def on_commit(self, tell: Callable[[], None]) -> None:
        """Calls `tell` when the commit is known to have gone through: for log lines of what has happened."""
        self._on_commit.append(tell)

    async def commit(self) -> None:
        """Raises `Overtaken` when something that was read has changed, and then has written nothing."""
        if self._writes:
            await self._write()
        for tell in self._on_commit:
            tell()

    async def _write(self) -> None:
        batch = self._client.batch()
        for write in self._writes.values():
            write(batch)
        try:
            await batch.commit()
        except (*_OVERTAKEN, *_UNKNOWN_OUTCOME) as error:
            raise Overtaken from error

    def _if_unchanged(self, snapshot: DocumentSnapshot[Any]) -> WriteOption:
        return self._client.write_option(last_update_time=snapshot.update_time)


def _path(reference: AsyncDocumentReference) -> str:
    path: str = reference.path
    return path


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
