"""Transactions: reads and writes that take effect together or not at all.

Transactions are optimistic. They remember the version of each document that they read, and the commit has these
versions as preconditions. Nothing is locked: the later of two conflicting commits is refused, and its transaction runs
again. Firestore's own transactions lock what they read: two of them that read and then write the same document wait for
each other until one is aborted.

A commit may succeed although its response is lost, and the client library may repeat a commit that has succeeded.
Therefore each commit leaves its id in every document that it writes. When a transaction runs again, it first looks for
the ids of its earlier attempts. If it finds one, it returns that attempt's result.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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
"""Errors after which the commit may still have succeeded. Only reading the written documents shows whether it did."""
COMMITS = "commits"
"""The field in every document that lists the ids of the last commits that wrote it."""
MAX_COMMITS = 40
"""The maximum number of commit ids stored in a document. A transaction does not recognize its own commit if this many
other commits to each document that it wrote happen before its retry. A retry comes within `STORE_TIMEOUT_SECONDS`, by
default 20, and Firestore sustains about one write per second to a document:
https://firebase.google.com/docs/firestore/best-practices."""


class Overtaken(Exception):
    """A document that the transaction read was changed before the commit."""


class Transaction:
    """A transaction, as the stores' methods take it. Only `run_transaction` creates one.

    A document must be read in a transaction before it is set or deleted there. A document that is only read may change
    before the commit. If a decision must still be valid then, write the document that it is based on.
    """

    def __init__(self, client: AsyncClient, commit_id: str) -> None:
        self._client = client
        self._id = commit_id
        self._read: dict[str, DocumentSnapshot[Any]] = {}
        self._writes: dict[str, Callable[[AsyncWriteBatch], None]] = {}
        self._set: dict[str, AsyncDocumentReference] = {}
        self._deleted: dict[str, AsyncDocumentReference] = {}
        self._on_commit: list[Callable[[], None]] = []

    async def get(self, reference: AsyncDocumentReference) -> dict[str, Any] | None:
        """Returns the document as it was when the transaction first read it, None if it does not exist."""
        path = _path(reference)
        if path not in self._read:
            self._read[path] = await reference.get()
        return _without_commits(self._read[path])

    def set(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        """Writes the whole document at the commit. Of several writes to it, only the last takes effect."""
        if not all(name.isidentifier() for name in document):
            raise ValueError(f"field names must be identifiers: {', '.join(document)}")
        path = _path(reference)
        snapshot = self._read[path]
        stored = snapshot.to_dict() or {}
        stamped = {**document, COMMITS: [*stored.get(COMMITS, [])[1 - MAX_COMMITS :], self._id]}
        removed = dict.fromkeys(set(stored) - set(stamped), DELETE_FIELD)

        def write(batch: AsyncWriteBatch) -> None:
            if snapshot.exists:
                batch.update(reference, {**stamped, **removed}, self._if_unchanged(snapshot))
            else:
                batch.create(reference, stamped)

        self._writes[path] = write
        self._set[path] = reference
        self._deleted.pop(path, None)

    def create(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        """Creates a document without reading it first, because another document that always exists with it is missing.

        The commit fails if the document exists.
        """
        path = _path(reference)
        self._writes[path] = lambda batch: batch.create(reference, {**document, COMMITS: [self._id]})
        self._set[path] = reference

    def delete(self, reference: AsyncDocumentReference) -> None:
        """Deletes an existing document at the commit."""
        path = _path(reference)
        snapshot = self._read[path]
        self._writes[path] = lambda batch: batch.delete(reference, self._if_unchanged(snapshot))
        self._deleted[path] = reference
        self._set.pop(path, None)

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Calls `callback` when the commit is known to have succeeded. Intended for log lines."""
        self._on_commit.append(callback)

    async def commit(self) -> None:
        """Writes everything. If a document that was read has changed, writes nothing and raises `Overtaken`."""
        if self._writes:
            await self._write()
        self.report_commit()

    def report_commit(self) -> None:
        """Calls the callbacks that were passed to `on_commit`."""
        for callback in self._on_commit:
            callback()

    async def is_committed(self, later: "Transaction") -> bool:
        """Whether this attempt's commit took effect, according to what `later`, a new transaction, reads.

        Reads in `later` the documents that this attempt wrote. An attempt that only deletes counts as committed if all
        of its documents are gone or were created again, no matter which request deleted them: to its caller, the result
        is the same.
        """
        written = self._set or self._deleted
        await asyncio.gather(*(later.get(reference) for reference in written.values()))
        if self._set:
            return any(self._id in (later._read[path].to_dict() or {}).get(COMMITS, []) for path in written)
        return bool(written) and all(later._read[path].create_time != self._read[path].create_time for path in written)

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
    """Reads a document, within the transaction if one is given. Returns None if it does not exist. One read."""
    return await transaction.get(reference) if transaction else _without_commits(await reference.get())


def _without_commits(snapshot: DocumentSnapshot[Any]) -> dict[str, Any] | None:
    document = snapshot.to_dict()
    if document is not None:
        document.pop(COMMITS, None)
    return document


def _path(reference: AsyncDocumentReference) -> str:
    path: str = reference.path
    return path


@dataclass(frozen=True)
class _Attempt(Generic[T]):
    transaction: Transaction
    result: T


async def run_transaction(client: AsyncClient, body: Callable[[Transaction], Awaitable[T]], seconds: float) -> T:
    """Runs `body`, commits, and returns the result of `body`.

    While other transactions overtake this one, it is repeated after random, growing pauses. `body` may run several
    times, so it must have no effects except those of the transaction. After one of its commits has taken effect, it
    does not run again. Raises `Overtaken` after `seconds`.
    """
    attempts: list[_Attempt[T]] = []
    name = secrets.token_urlsafe(6)

    async def attempt() -> T:
        transaction = Transaction(client, f"{name}.{len(attempts)}")
        for earlier in reversed(attempts):
            if await earlier.transaction.is_committed(transaction):
                earlier.transaction.report_commit()
                return earlier.result
        result = await body(transaction)
        attempts.append(_Attempt(transaction, result))
        await transaction.commit()
        return result

    return await AsyncRetrying(
        retry=retry_if_exception_type(Overtaken),
        wait=wait_random_exponential(multiplier=0.02, max=2),
        stop=stop_after_delay(seconds),
        reraise=True,
    )(attempt)
