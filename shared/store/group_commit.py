"""Group commit: changes to the same documents that wait in a process are committed together.

Firestore sustains about one write per second to a document, and commits to one document must follow one another. An
account has many more changes than that: each chat and each model call holds money and is charged. So while a commit is
under way, the changes that arrive wait. Then all of them are applied, one after the other as if each were alone, to
documents that are read once, and are written in one commit. A change that arrives while none is under way does not
wait.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.api_core.exceptions import InvalidArgument, ServiceUnavailable
from google.cloud.firestore import AsyncClient

from shared.store.documents import Snapshot
from shared.store.transaction import NOTHING_SEEN, Attempt, Transaction, run_attempts, run_transaction

T = TypeVar("T")
MAX_CHANGES = 50
"""The maximum number of changes in one commit. If the commit is overtaken, all of them are applied again."""
MAX_WRITES = 100
"""The maximum number of documents that a commit of several changes writes."""
MAX_BYTES = 3_000_000
"""The maximum size of the texts that a commit of several changes writes. Firestore limits a request to 10 MiB
(https://firebase.google.com/docs/firestore/quotas), and its emulator to 4 MiB."""
_Body = Callable[[Transaction], Awaitable[Any]]


@dataclass(eq=False)
class _Change:
    """A change that waits. `context` is that of its caller, who waits for `outcome` unless that is cancelled."""

    body: _Body
    on_start: Callable[[], None]
    seen: Mapping[str, Snapshot]
    outcome: "asyncio.Future[Any]"
    urgent: bool
    context: contextvars.Context = field(default_factory=contextvars.copy_context)

    def settle(self, outcome: "_Outcome") -> None:
        if self.outcome.done():  # its caller has stopped waiting
            return
        if outcome.error is None:
            self.outcome.set_result(outcome.result)
        else:
            self.outcome.set_exception(outcome.error)


@dataclass(frozen=True)
class _Outcome:
    """What a change returned, or the error that it raised."""

    result: Any = None
    error: BaseException | None = None


class CommitGroup:
    """The changes to one set of documents, in one process."""

    def __init__(self, client: AsyncClient, seconds: float) -> None:
        """`seconds` limits the time of a commit with its retries."""
        self._client = client
        self._seconds = seconds
        self._busy = False
        self._urgent: deque[_Change] = deque()
        self._others: deque[_Change] = deque()
        self._draining: asyncio.Task[None] | None = None

    async def run(
        self,
        body: Callable[[Transaction], Awaitable[T]],
        on_start: Callable[[], None],
        seen: Mapping[str, Snapshot] = NOTHING_SEEN,
        *,
        urgent: bool = False,
    ) -> T:
        """Runs `body` as a transaction, alone or together with others. Returns its result, or raises its error.

        `body` may run several times, so it must have no effects except those of the transaction, and it must find
        everything that other changes of the group write by reading documents, not by queries. Calls `on_start` when it
        no longer waits for others. `seen`: see `run_attempts`. `urgent` changes go first.

        If the caller stops waiting, a change that has not started never will; one that has started may still be
        committed. Raises what `run_transaction` raises, and `TimeoutError`.
        """
        if not self._busy:
            self._busy = True
            on_start()
            try:
                return await run_transaction(self._client, body, self._seconds, seen)
            finally:
                self._continue()
        change = _Change(body, on_start, seen, asyncio.get_running_loop().create_future(), urgent)
        (self._urgent if urgent else self._others).append(change)
        return await change.outcome

    def _continue(self) -> None:
        if self._urgent or self._others:
            self._draining = asyncio.create_task(self._drain(), context=contextvars.Context())
        else:
            self._busy = False

    async def _drain(self) -> None:
        while changes := self._take():
            await self._commit(changes)
        self._busy = False

    def _take(self) -> list[_Change]:
        """Removes the next changes from the queues. Skips those whose callers have stopped waiting."""
        changes: list[_Change] = []
        for queue in (self._urgent, self._others):
            while queue and len(changes) < MAX_CHANGES:
                if not (change := queue.popleft()).outcome.done():
                    changes.append(change)
        return changes

    async def _commit(self, changes: Sequence[_Change]) -> None:
        """Commits the changes, and gives each its outcome. Those that do not fit become the next ones again."""
        for change in changes:
            change.on_start()
        try:
            async with asyncio.timeout(self._seconds):
                seen = {name: snapshot for change in changes for name, snapshot in change.seen.items()}
                outcomes = await run_attempts(
                    self._client, lambda attempt: _apply(attempt, changes), self._seconds, seen
                )
        except (InvalidArgument, TypeError, ValueError) as error:  # Firestore cannot store one of the values
            if len(changes) == 1:
                changes[0].settle(_Outcome(error=error))
                return
            for change in changes:  # only one of them may be invalid
                await self._commit([change])
        except (Exception, asyncio.CancelledError) as error:
            if _is_cancelled(error):
                raise
            for change in changes:
                change.settle(_Outcome(error=_to_reportable(error)))
        else:
            for change, outcome in outcomes.items():
                change.settle(outcome)
            for change in reversed(changes):
                if not change.outcome.done():
                    (self._urgent if change.urgent else self._others).appendleft(change)


async def _apply(attempt: Attempt, changes: Sequence[_Change]) -> dict[_Change, _Outcome]:
    """Applies the changes in order, as many as fit into one commit. Returns their outcomes.

    All of them begin at once, so that their reads are sent together. Each gets what it has read when those before it
    have ended. One that raises an error changes nothing.
    """
    outcomes: dict[_Change, _Outcome] = {}
    waiting = [change for change in changes if not change.outcome.done()]
    turns = [asyncio.get_running_loop().create_future() for _ in waiting]
    transactions = [Transaction(attempt, turn) for turn in turns]
    tasks = [
        asyncio.create_task(_run(change.body, transaction), context=change.context)
        for change, transaction in zip(waiting, transactions, strict=True)
    ]
    try:
        for change, turn, transaction, task in zip(waiting, turns, transactions, tasks, strict=True):
            turn.set_result(None)
            outcome = await task
            if outcome.error is None:
                if outcomes and not _fits(attempt, transaction):
                    break
                attempt.add(transaction)
            outcomes[change] = outcome
    finally:
        for task in tasks:
            task.cancel()
    return outcomes


async def _run(body: _Body, transaction: Transaction) -> _Outcome:
    try:
        return _Outcome(await body(transaction))
    except (Exception, asyncio.CancelledError) as error:
        if _is_cancelled(error):
            raise
        return _Outcome(error=_to_reportable(error))


def _is_cancelled(error: BaseException) -> bool:
    """Whether the error means that this task is cancelled, and not only something that it waited for."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _to_reportable(error: BaseException) -> BaseException:
    """Replaces a cancellation, which must not look as if the change's caller had been cancelled."""
    if isinstance(error, asyncio.CancelledError):
        return ServiceUnavailable("A request to Firestore was cancelled.")
    return error


def _fits(attempt: Attempt, transaction: Transaction) -> bool:
    """Whether one commit can write what the attempt and the transaction write."""
    writes = attempt.writes | transaction.writes
    return len(writes) <= MAX_WRITES and sum(write.size for write in writes.values()) <= MAX_BYTES
