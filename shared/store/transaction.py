"""Reads and writes that take effect together, or not at all.

Transactions are optimistic: they remember the version of what they read, and the commit has these versions as
preconditions. So nothing is locked: the later of two commits is refused, and its transaction runs again. (Firestore's
own transactions lock what they read; two that read and then write the same document wait for each other until one is
aborted.)
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
"""The commit may have succeeded all the same: only running the transaction again shows that."""


class Overtaken(Exception):
    """Something that was read has changed before the commit."""


class Transaction:
    """What the stores' methods take. Only `run` makes one.

    A document that is set or deleted must have been read before, in the same transaction. A document that is only
    read may change before the commit: a decision that must hold needs a write to the document it is based on.
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
        """Writes the whole document at the commit. The last of several writes counts."""
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
        """Writes a document that was not read: one that exists only together with another, which was not found."""
        self._writes[_path(reference)] = lambda batch: batch.create(reference, document)

    def delete(self, reference: AsyncDocumentReference) -> None:
        """Deletes a document that exists, at the commit."""
        snapshot = self._read[_path(reference)]
        self._writes[_path(reference)] = lambda batch: batch.delete(reference, self._if_unchanged(snapshot))

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once the commit is known to have succeeded: for log lines."""
        self._on_commit.append(callback)

    async def commit(self) -> None:
        """Writes everything. Raises `Overtaken`, having written nothing, if what was read has changed."""
        if self._writes:
            await self._write()
        for callback in self._on_commit:
            callback()

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


async def read(reference: AsyncDocumentReference, transaction: Transaction | None) -> dict[str, Any] | None:
    """The document, in the transaction if there is one; None if it does not exist. One read."""
    return await transaction.get(reference) if transaction else (await reference.get()).to_dict()


def _path(reference: AsyncDocumentReference) -> str:
    path: str = reference.path
    return path


async def run_transaction(client: AsyncClient, body: Callable[[Transaction], Awaitable[T]], seconds: float) -> T:
    """Runs `body` and commits; tries again, after growing random pauses, while others are faster. Returns its result.

    `body` may run several times, and a commit whose answer was lost counts as overtaken: it must have no effects
    beside the transaction's, and recognize its own earlier commit. Raises `Overtaken` after `seconds`.
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
