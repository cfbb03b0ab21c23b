"""Stores the results of published agents that are called with an `Idempotency-Key`.

Each such call runs once, and its result is stored for a day. A run is claimed in a transaction before it starts, so
that only one of two concurrent requests runs. The claim has a lease. A run that has no result when the lease ends was
interrupted at an unknown point, and is not repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from shared import clock
from shared.log import get_logger
from shared.models.errors import (
    AgentFailed,
    AllowanceSpent,
    DeploymentBudgetSpent,
    ResponseNotStored,
    RunInterrupted,
    RunUnderWay,
    ServiceError,
    Unavailable,
)
from shared.models.idempotency import KeyedRequest, StoredRequest
from shared.services.idempotency import Idempotency
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("published")
MAX_RESULT_BYTES = 1_000_000
"""The maximum size of a result as JSON. Firestore limits a document, including field names, to 1,048,576 bytes."""
_MARGIN_SECONDS = 60
"""How long a claim's lease lasts beyond a run's time limit. A run that has run out of time ends within this time."""
_RETRY_AFTER_SECONDS = 5
_STORE_SECONDS = 5
"""The maximum time that the first caller waits while the result is stored."""


@dataclass(frozen=True)
class PublishedAnswer:
    """A published agent's result. `warnings`: how it violates the agent's own output schema. `replayed`: whether an
    earlier request with the same key produced it.
    """

    run_id: str
    result: JsonValue
    warnings: list[str] = field(default_factory=list[str])
    replayed: bool = False


@dataclass(frozen=True)
class StoredRuns:
    """Claims runs, and stores their results."""

    database: Database
    settings: Settings

    async def claim(self, request: KeyedRequest, run_id: str) -> StoredRequest | None:
        """Claims the run for the request, and returns None. If it was claimed before, returns the stored request.

        One transaction. Raises `Conflict`, and `Unavailable`, after which the run must not start.
        """

        async def body(transaction: Transaction) -> StoredRequest | None:
            now = clock.now()
            stored = await Idempotency(self.database).find(request, now, transaction)
            if stored is not None:
                return stored
            lease = timedelta(seconds=self.settings.run_timeout_seconds + _MARGIN_SECONDS)
            Idempotency(self.database).remember(request, run_id, now, transaction, now + lease)
            return None

        try:
            return await self.database.transaction(body)
        except Unavailable:
            await self._invalidate(request, run_id)  # the claim may have been stored, or may still be committed
            raise

    async def store(self, request: KeyedRequest, run_id: str, outcome: "PublishedAnswer | ServiceError") -> None:
        """Stores the outcome of the request, in case it is sent again. One transaction.

        A failure to store it is logged. If the request is then sent again, its outcome is unknown.
        """
        encoded = _to_bytes(outcome)
        size = len(encoded)
        changes = {
            "status": outcome.status if isinstance(outcome, ServiceError) else 200,
            "text": encoded.decode() if size <= MAX_RESULT_BYTES else None,
            "size": size,
            "warnings": [] if isinstance(outcome, ServiceError) else outcome.warnings,
        }

        async def body(transaction: Transaction) -> None:
            stored = await self.database.idempotency.get(request.id, transaction)
            if stored is not None and stored.made == run_id:
                self.database.idempotency.put(stored.model_copy(update=changes), transaction)

        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await self.database.transaction(body)
        except (Unavailable, TimeoutError):
            _log.error("A run's result could not be stored", extra={"fields": {"run": run_id}})

    async def _invalidate(self, request: KeyedRequest, run_id: str) -> None:
        """Invalidates the claim, even if it is committed later. One transaction; a failure is only logged."""

        async def body(transaction: Transaction) -> None:
            await Idempotency(self.database).invalidate(request, run_id, clock.now(), transaction)

        await self._try_transaction(body, run_id)

    async def forget(self, request: KeyedRequest, run_id: str) -> None:
        """Deletes the claim of a run that did nothing, so that the request can be retried.

        One transaction; a failure is only logged.
        """

        async def body(transaction: Transaction) -> None:
            await Idempotency(self.database).forget(request, run_id, transaction)

        await self._try_transaction(body, run_id)

    async def _try_transaction(self, body: Callable[[Transaction], Awaitable[None]], run_id: str) -> None:
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await self.database.transaction(body)
        except (Unavailable, TimeoutError):
            _log.error("The claim of a run that never started could not be deleted", extra={"fields": {"run": run_id}})


def replay(stored: StoredRequest, now: datetime) -> PublishedAnswer:
    """Returns the result that the request got before, or raises the error that it got.

    Also raises `RunUnderWay` while the first request runs, `RunInterrupted` if it was interrupted, and
    `ResponseNotStored` if its result was too long.
    """
    error = _to_error(stored, now)
    if error is not None:
        raise error
    return PublishedAnswer(stored.made, from_json(stored.text or "null"), stored.warnings, replayed=True)


def _to_error(stored: StoredRequest, now: datetime) -> ServiceError | None:
    error: ServiceError
    match stored.status:
        case None if stored.lease_expires_at is not None and stored.lease_expires_at > now:
            return RunUnderWay(stored.made, _RETRY_AFTER_SECONDS)
        case None:
            error = RunInterrupted(stored.made)
        case 200 if stored.text is None:
            error = ResponseNotStored(stored.made, stored.size, MAX_RESULT_BYTES)
        case 200:
            return None
        case AllowanceSpent.status:
            error = AllowanceSpent(stored.text or "")
        case DeploymentBudgetSpent.status:
            error = DeploymentBudgetSpent(stored.text or "")
        case _:
            error = AgentFailed(stored.made)
    error.replayed = True
    return error


def _to_bytes(outcome: "PublishedAnswer | ServiceError") -> bytes:
    return outcome.message.encode() if isinstance(outcome, ServiceError) else to_json(outcome.result)
