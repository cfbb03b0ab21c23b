"""Runs of published agents whose requests had an `Idempotency-Key`: each is done once, and its answer kept for a day.

A run is claimed before it begins, in a transaction, so that of two requests at the same time one runs. Its claim has a
lease: a run that has given no answer by then has died, and nobody knows how far it came; it is not run again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from shared.log import get_logger
from shared.models.errors import (
    AgentFailed,
    AllowanceSpent,
    AnswerNotKept,
    DeploymentBudgetSpent,
    RunInterrupted,
    RunUnderWay,
    ServiceError,
    Unavailable,
)
from shared.models.idempotency import KeptRequest, KeyedRequest
from shared.services.idempotency import Idempotency
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("published")
MAX_KEPT_BYTES = 1_000_000
"""Of an answer, as JSON. Firestore's limit for a document is 1,048,576 bytes with all its names."""
_MARGIN_SECONDS = 60
"""Longer than a run whose time is up takes to end."""
_AGAIN_SECONDS = 5
_KEEPING_SECONDS = 5
"""How long the first caller may wait for the answer to be kept."""


@dataclass(frozen=True)
class Answer:
    """A published agent's result. `warnings`: how it breaks the agent's own output schema. `replayed`: it was given
    before, to the same request.
    """

    run_id: str
    result: JsonValue
    warnings: list[str] = field(default_factory=list[str])
    replayed: bool = False


@dataclass(frozen=True)
class KeptRuns:
    """Lives as long as a request."""

    database: Database
    settings: Settings

    async def find(self, request: KeyedRequest) -> KeptRequest | None:
        """What is kept of the request, None if it is new. One read. Raises `Conflict`."""
        async with self.database.raising_unavailable():
            return await Idempotency(self.database).find(request, datetime.now(UTC))

    async def claim(self, request: KeyedRequest, run_id: str) -> KeptRequest | None:
        """Claims the run for the request; or returns what is kept of it, if somebody has claimed it before.

        One transaction. Raises `Conflict`, and `Unavailable`, after which the run must not begin.
        """

        async def body(transaction: Transaction) -> KeptRequest | None:
            now = datetime.now(UTC)
            kept = await Idempotency(self.database).find(request, now, transaction)
            if kept is not None:  # by this very run, if an earlier run was committed unnoticed
                return None if kept.made == run_id else kept
            lease = timedelta(seconds=self.settings.run_timeout_seconds + _MARGIN_SECONDS)
            Idempotency(self.database).remember(request, run_id, now, transaction, now + lease)
            return None

        try:
            return await self.database.transaction(body)
        except Unavailable:
            await self._bar(request, run_id)  # it may be there all the same, or still be on its way
            raise

    async def keep(self, request: KeyedRequest, run_id: str, outcome: "Answer | ServiceError") -> None:
        """Keeps what the request is answered with, for those who send it again. One transaction.

        While the database is out it is logged, and whoever sends it again learns that the outcome is not known.
        """
        text = _text_of(outcome)
        size = len(text)
        changes = {
            "status": outcome.status if isinstance(outcome, ServiceError) else 200,
            "text": text.decode() if size <= MAX_KEPT_BYTES else None,
            "size": size,
            "warnings": [] if isinstance(outcome, ServiceError) else outcome.warnings,
        }

        async def body(transaction: Transaction) -> None:
            kept = await self.database.idempotency.get(request.id, transaction)
            if kept is not None and kept.made == run_id:
                self.database.idempotency.put(kept.model_copy(update=changes), transaction)

        try:
            async with asyncio.timeout(_KEEPING_SECONDS):
                await self.database.transaction(body)
        except (Unavailable, TimeoutError):
            _log.error("A run's answer could not be kept", extra={"fields": {"run": run_id}})

    async def _bar(self, request: KeyedRequest, run_id: str) -> None:
        """Has the claim be none, whenever its commit arrives. One transaction; fails in silence."""

        async def body(transaction: Transaction) -> None:
            await Idempotency(self.database).bar(request, run_id, datetime.now(UTC), transaction)

        await self._in_silence(body, run_id)

    async def forget(self, request: KeyedRequest, run_id: str) -> None:
        """Forgets a run that has done nothing: the request may be sent again. One transaction; fails in silence."""

        async def body(transaction: Transaction) -> None:
            await Idempotency(self.database).forget(request, run_id, transaction)

        await self._in_silence(body, run_id)

    async def _in_silence(self, body: Callable[[Transaction], Awaitable[None]], run_id: str) -> None:
        try:
            async with asyncio.timeout(_KEEPING_SECONDS):
                await self.database.transaction(body)
        except (Unavailable, TimeoutError):
            _log.error("A run that never began could not be forgotten", extra={"fields": {"run": run_id}})


def answer_again(kept: KeptRequest, now: datetime) -> Answer:
    """What the request was answered with. Raises what it was refused with.

    Also raises `RunUnderWay` while it runs, `RunInterrupted` when it died, `AnswerNotKept` for too long an answer.
    """
    error = _error_of(kept, now)
    if error is not None:
        raise error
    return Answer(kept.made, from_json(kept.text or "null"), kept.warnings, replayed=True)


def _error_of(kept: KeptRequest, now: datetime) -> ServiceError | None:
    error: ServiceError
    match kept.status:
        case None if kept.lease_expires_at is not None and kept.lease_expires_at > now:
            return RunUnderWay(kept.made, _AGAIN_SECONDS)
        case None:
            error = RunInterrupted(kept.made)
        case 200 if kept.text is None:
            error = AnswerNotKept(kept.made, kept.size, MAX_KEPT_BYTES)
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


def _text_of(outcome: "Answer | ServiceError") -> bytes:
    return outcome.message.encode() if isinstance(outcome, ServiceError) else to_json(outcome.result)
