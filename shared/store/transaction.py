"""Transactions: reads and writes that take effect together or not at all.

Transactions are optimistic. They remember the version of each document that they read, and the commit has these
versions as preconditions. Nothing is locked: the later of two conflicting commits is refused, and its transaction runs
again. Firestore's own transactions lock what they read: two of them that read and then write the same document wait for
each other until one is aborted.

Several transactions may share one attempt at a commit (see `shared.store.group_commit`). They take effect one after the
other: each sees what those before it wrote.

A commit may succeed although its response is lost, and the client library may repeat a commit that has succeeded.
Therefore each commit leaves its id in every document that it writes. When a transaction runs again, it first looks for
the ids of its earlier attempts. If it finds one, it returns that attempt's result.
"""

import asyncio
import contextvars
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
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
from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.store.documents import Snapshot, build_create, build_delete, build_replace, commit, name_of
from shared.store.reads import read_snapshot

T = TypeVar("T")
_OVERTAKEN = (Aborted, AlreadyExists, FailedPrecondition, NotFound)
_UNKNOWN_OUTCOME = (DeadlineExceeded, InternalServerError, RetryError, ServiceUnavailable, Unknown)
"""Errors after which the commit may still have succeeded. Only reading the written documents shows whether it did."""
MAX_COMMITS = 40
"""The maximum number of commit ids stored in a document. A transaction does not recognize its own commit if this many
other commits to each document that it wrote happen before its retry. A retry comes within `STORE_TIMEOUT_SECONDS`, by
default 20, and Firestore sustains about one write per second to a document:
https://firebase.google.com/docs/firestore/best-practices."""


NOTHING_SEEN: Mapping[str, Snapshot] = MappingProxyType({})


class Overtaken(Exception):
    """A document that the transaction read was changed before the commit."""


@dataclass(frozen=True)
class _Write:
    """A change of one document. `fields` is None for a deletion.

    `seen`: the version that was read; None for a document that is created without reading it. `is_erasure`: whether it
    deletes any version.
    """

    reference: AsyncDocumentReference
    fields: Mapping[str, Any] | None
    seen: Snapshot | None
    is_erasure: bool = False

    @property
    def has_effect(self) -> bool:
        """Whether the write changes anything: a document that does not exist need not be deleted."""
        return self.is_erasure or self.fields is not None or (self.seen is not None and self.seen.fields is not None)

    @cached_property
    def size(self) -> int:
        """The number of bytes of its texts, lists and maps, which make up almost all of a large document."""
        return sum(_measure(value) for value in (self.fields or {}).values())


def _measure(value: Any) -> int:
    if isinstance(value, list | dict):
        value = json.dumps(value, default=str)
    if not isinstance(value, str):
        return 0
    return len(value) if value.isascii() else len(value.encode())


class Attempt:
    """One attempt at a commit: the documents as they were read, and the changes of its transactions."""

    def __init__(self, client: AsyncClient, commit_id: str) -> None:
        self._client = client
        self._id = commit_id
        self.snapshots: dict[str, Snapshot] = {}
        self.writes: dict[str, _Write] = {}
        self._callbacks: list[Callable[[], None]] = []

    async def read(self, reference: AsyncDocumentReference) -> Snapshot:
        """Returns the document as it was when the attempt first read it. One read, or none."""
        name = name_of(reference)
        if name not in self.snapshots:
            snapshot = await read_snapshot(reference)
            self.snapshots.setdefault(name, snapshot)
        return self.snapshots[name]

    def add(self, transaction: "Transaction") -> None:
        """Adds what the transaction writes."""
        self.writes.update(transaction.writes)
        self._callbacks += transaction.callbacks

    async def commit(self) -> None:
        """Writes everything. If a document that was read has changed, writes nothing and raises `Overtaken`."""
        writes = [self._build(name, write) for name, write in self.writes.items() if write.has_effect]
        if writes:
            try:
                await commit(self._client, writes)
            except (*_OVERTAKEN, *_UNKNOWN_OUTCOME) as error:
                raise Overtaken from error
        self.report_commit()

    def _build(self, name: str, write: _Write) -> Any:
        if write.fields is None:
            return build_delete(name, None if write.is_erasure else write.seen or Snapshot())
        if write.seen is None or write.seen.fields is None:
            return build_create(name, write.fields, self._id)
        return build_replace(name, write.fields, self._id, write.seen, MAX_COMMITS)

    def report_commit(self) -> None:
        """Calls the callbacks that were passed to `on_commit`."""
        for callback in self._callbacks:
            callback()

    async def is_committed(self, later: "Attempt") -> bool:
        """Whether this attempt's commit took effect, according to what `later`, a new attempt, reads.

        Reads in `later` the documents that this attempt wrote. An attempt that only deletes counts as committed if all
        of its documents are gone or were created again, no matter which request deleted them: to its caller, the result
        is the same. Erasures do not count, as repeating them has no further effect.
        """
        effective = {name: write for name, write in self.writes.items() if write.has_effect and not write.is_erasure}
        written = {name: write for name, write in effective.items() if write.fields is not None} or effective
        await asyncio.gather(*(later.read(write.reference) for write in written.values()))
        if any(write.fields is not None for write in written.values()):
            return any(self._id in later.snapshots[name].commits for name in written)
        return bool(written) and all(
            later.snapshots[name].create_time != self.snapshots[name].create_time for name in written
        )


class Transaction:
    """A transaction, as the stores' methods take it.

    A document must be read in a transaction before it is set or deleted there. A document that is only read may change
    before the commit. If a decision must still be valid then, write the document that it is based on.
    """

    def __init__(self, attempt: Attempt, turn: asyncio.Future[None] | None = None) -> None:
        """`turn` is done when the transactions before this one have ended, so that it may see what they wrote."""
        self._attempt = attempt
        self._turn = turn
        self._seen: dict[str, Mapping[str, Any] | None] = {}
        self.writes: dict[str, _Write] = {}
        self.callbacks: list[Callable[[], None]] = []

    async def get(self, reference: AsyncDocumentReference) -> dict[str, Any] | None:
        """Returns the document as it was when the transaction first read it, None if it does not exist."""
        name = name_of(reference)
        if name not in self._seen:
            snapshot = await self._attempt.read(reference)
            if self._turn is not None and not self._turn.done():
                await asyncio.shield(self._turn)
            earlier = self._attempt.writes.get(name)
            self._seen.setdefault(name, earlier.fields if earlier else snapshot.fields)
        return _copy(self._seen[name])

    def set(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        """Writes the whole document at the commit. Of several writes to it, only the last takes effect."""
        if not all(name.isidentifier() for name in document):
            raise ValueError(f"field names must be identifiers: {', '.join(document)}")
        name = name_of(reference)
        self._seen[name]  # raises KeyError for a document that was not read
        self.writes[name] = _Write(reference, document, self._attempt.snapshots[name])

    def create(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        """Creates a document without reading it first. The commit fails if the document exists.

        Raises `AlreadyExists` if an earlier attempt has shown that it does.
        """
        name = name_of(reference)
        snapshot = self._attempt.snapshots.get(name)
        if snapshot is not None and snapshot.fields is not None:
            raise AlreadyExists("A document that was to be created exists.")
        self.writes[name] = _Write(reference, document, snapshot)

    def delete(self, reference: AsyncDocumentReference) -> None:
        """Deletes an existing document at the commit."""
        name = name_of(reference)
        self._seen[name]  # raises KeyError for a document that was not read
        self.writes[name] = _Write(reference, None, self._attempt.snapshots[name])

    def erase(self, reference: AsyncDocumentReference) -> None:
        """Deletes a document at the commit, whatever it is then. It need not be read, and may not exist.

        No other transaction can overtake this one by changing the document. Another one may create it again, unless it
        also writes a document that this one deletes.
        """
        self.writes[name_of(reference)] = _Write(reference, None, None, is_erasure=True)

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Calls `callback`, in the current context, when the commit is known to have succeeded. For log lines."""
        context = contextvars.copy_context()
        self.callbacks.append(lambda: context.run(callback))


async def read(reference: AsyncDocumentReference, transaction: Transaction | None) -> dict[str, Any] | None:
    """Reads a document, within the transaction if one is given. Returns None if it does not exist. One read."""
    return await transaction.get(reference) if transaction else _copy((await read_snapshot(reference)).fields)


def _copy(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if fields is None else dict(fields)


async def run_attempts(
    client: AsyncClient, apply: Callable[[Attempt], Awaitable[T]], seconds: float, seen: Mapping[str, Snapshot]
) -> T:
    """Has `apply` read and write in an attempt, commits, and returns the result of `apply`.

    `seen`: documents that were read just before, by their full names. The first attempt does not read them again. While
    other transactions overtake the commit, this is repeated after random, growing pauses. After one of the commits has
    taken effect, `apply` does not run again. Raises `Overtaken` after `seconds`.
    """
    attempts: list[tuple[Attempt, T]] = []
    name = secrets.token_urlsafe(6)

    async def attempt_once() -> T:
        attempt = Attempt(client, f"{name}.{len(attempts)}")
        if not attempts:
            attempt.snapshots.update(seen)
        for earlier, result in reversed(attempts):
            if await earlier.is_committed(attempt):
                earlier.report_commit()
                return result
        result = await apply(attempt)
        attempts.append((attempt, result))
        await attempt.commit()
        return result

    return await AsyncRetrying(
        retry=retry_if_exception_type(Overtaken),
        wait=wait_random_exponential(multiplier=0.02, max=2),
        stop=stop_after_delay(seconds),
        reraise=True,
    )(attempt_once)


async def run_transaction(
    client: AsyncClient,
    body: Callable[[Transaction], Awaitable[T]],
    seconds: float,
    seen: Mapping[str, Snapshot] = NOTHING_SEEN,
) -> T:
    """Runs `body` as a transaction of its own, and returns its result.

    `body` may run several times, so it must have no effects except those of the transaction. `seen`: see
    `run_attempts`. Raises `Overtaken` after `seconds`.
    """

    async def apply(attempt: Attempt) -> T:
        transaction = Transaction(attempt)
        result = await body(transaction)
        attempt.add(transaction)
        return result

    return await run_attempts(client, apply, seconds, seen)
