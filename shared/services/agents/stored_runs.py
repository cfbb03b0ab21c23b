"""Stores the results of published agents called with an `Idempotency-Key`: each runs once, and is stored for a day.

A run is claimed in a transaction before it begins, so that only one of two concurrent requests runs. The claim has a
lease: a run without a result when the lease ends has died at an unknown point, and is not run again.
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
"""The limit of a result as JSON. Firestore's limit for a document is 1,048,576 bytes, including field names."""
_MARGIN_SECONDS = 60
"""Longer than a run takes to end when its time is up."""
_RETRY_AFTER_SECONDS = 5
_STORE_SECONDS = 5
"""How long the first caller may wait until the result is stored."""


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

    async def find(self, request: KeyedRequest) -> StoredRequest | None:
        """Returns what is stored for the request; None if it is new. One read. Raises `Conflict` for another body."""
        async with self.database.raising_unavailable():
            return await Idempotency(self.database).find(request, clock.now())

    async def claim(self, request: KeyedRequest, run_id: str) -> StoredRequest | None:
        """Claims the run for the request, and returns None; or returns what is stored, if it was claimed before.

        One transaction. Raises `Conflict`, and `Unavailable`, after which the run must not begin.
        """

        async def body(transaction: Transaction) -> StoredRequest | None:
            now = clock.now()
            kept = await Idempotency(self.database).find(request, now, transaction)
            if kept is not None:
                return kept
            lease = timedelta(seconds=self.settings.run_timeout_seconds + _MARGIN_SECONDS)
            Idempotency(self.database).remember(request, run_id, now, transaction, now + lease)
            return None

        try:
            return await self.database.transaction(body)
        except Unavailable:
            await self._invalidate(request, run_id)  # the claim may be stored, or may still arrive
            raise

    async def keep(self, request: KeyedRequest, run_id: str, outcome: "PublishedAnswer | ServiceError") -> None:
        """Stores the outcome of the request, in case it is sent again. One transaction.

        A failure is logged; the outcome is then unknown when the request is sent again.
        """
        text = _to_bytes(outcome)
        size = len(text)
        changes = {
            "status": outcome.status if isinstance(outcome, ServiceError) else 200,
            "text": text.decode() if size <= MAX_RESULT_BYTES else None,
            "size": size,
            "warnings": [] if isinstance(outcome, ServiceError) else outcome.warnings,
        }

        async def body(transaction: Transaction) -> None:
            kept = await self.database.idempotency.get(request.id, transaction)
            if kept is not None and kept.made == run_id:
                self.database.idempotency.put(kept.model_copy(update=changes), transaction)

        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await self.database.transaction(body)
        except (Unavailable, TimeoutError):
            _log.error("A run's result could not be stored", extra={"fields": {"run": run_id}})

    async def _invalidate(self, request: KeyedRequest, run_id: str) -> None:
        """Voids the claim, even if its commit arrives later. One transaction; a failure is only logged."""

        async def body(transaction: Transaction) -> None:
            await Idempotency(self.database).invalidate(request, run_id, clock.now(), transaction)

        await self._try_transaction(body, run_id)

    async def forget(self, request: KeyedRequest, run_id: str) -> None:
        """Forgets a run that did nothing, so the request may be retried. One transaction; a failure is only logged."""

        async def body(transaction: Transaction) -> None:
            await Idempotency(self.database).forget(request, run_id, transaction)

        await self._try_transaction(body, run_id)

    async def _try_transaction(self, body: Callable[[Transaction], Awaitable[None]], run_id: str) -> None:
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await self.database.transaction(body)
        except (Unavailable, TimeoutError):
            _log.error("A run that never began could not be forgotten", extra={"fields": {"run": run_id}})


def replay(kept: StoredRequest, now: datetime) -> PublishedAnswer:
    """Returns the result that the request got before, or raises the error that it got.

    Also raises `RunUnderWay` while it runs, `RunInterrupted` if it died, and `ResponseNotStored` if its result was too
    long.
    """
    error = _to_error(kept, now)
    if error is not None:
        raise error
    return PublishedAnswer(kept.made, from_json(kept.text or "null"), kept.warnings, replayed=True)


def _to_error(kept: StoredRequest, now: datetime) -> ServiceError | None:
    error: ServiceError
    match kept.status:
        case None if kept.lease_expires_at is not None and kept.lease_expires_at > now:
            return RunUnderWay(kept.made, _RETRY_AFTER_SECONDS)
        case None:
            error = RunInterrupted(kept.made)
        case 200 if kept.text is None:
            error = ResponseNotStored(kept.made, kept.size, MAX_RESULT_BYTES)
        case 200:
            return None
        case AllowanceSpent.status:
            error = AllowanceSpent(kept.text or "")
        case DeploymentBudgetSpent.status:
            error = DeploymentBudgetSpent(kept.text or "")
        case _:
            error = AgentFailed(kept.made)
    error.replayed = True
    return error


def _to_bytes(outcome: "PublishedAnswer | ServiceError") -> bytes:
    return outcome.message.encode() if isinstance(outcome, ServiceError) else to_json(outcome.result)
