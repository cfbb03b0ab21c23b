"""Calls of models that a request makes itself, rather than a ticket: each is held for, made, and charged."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from shared.llm.catalog import Catalog, ModelRoute, check_call
from shared.llm.estimate import highest_cost
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.errors import Unavailable
from shared.models.hold import Hold
from shared.models.money import to_micros
from shared.models.wire import JsonObject
from shared.services.budgets import Budget
from shared.services.spending import SpendingService

_log = get_logger("model_calls")
_settling: set[asyncio.Task[None]] = set()
"""Held here, as the event loop does not keep a task alive."""


class CompleteChat(Protocol):
    """Calls a model once; raises `ModelFailure`. See `shared.llm.completion.complete`."""

    async def __call__(self, route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult: ...


@dataclass(frozen=True)
class ModelCallService:
    """Lives as long as a request."""

    catalog: Catalog
    complete: CompleteChat
    spending: SpendingService

    async def call(
        self, payer: Caller, call_id: str, request: ChatRequest, budget: Budget, timeout: float, about: JsonObject
    ) -> ChatResult:
        """The model's answer, charged to `payer` once under `call_id`, with `about` in the usage entry.

        `timeout`: seconds; no more than the budget has. Raises `CatalogError`, `AllowanceSpent`, `BudgetSpent`,
        `ModelFailure`, and `Unavailable` when the database is out before the call.
        """
        route = self.catalog.route(request.provider, request.model)
        check_call(route, request.parameters, request.built_in_tools)
        known = highest_cost(route, request)
        estimate = 1 if known is None else known  # an unknown price may turn out to be one
        reserved = budget.reserve(estimate)
        cost = 0
        try:
            if not estimate:
                return await self.complete(route, request, min(timeout, budget.seconds_left))
            hold = await self.spending.hold(payer, call_id, estimate)
            try:
                result = await self.complete(route, request, min(timeout, budget.seconds_left))
            except BaseException:
                await self._settled(hold, 0, about)
                raise
            cost = to_micros(result.cost)
            usage = {"provider": route.provider, "model": route.model, "usage": result.usage.model_dump()}
            await self._settled(hold, cost, {**about, **usage})
            return result
        finally:
            budget.spend(reserved, cost)

    async def _settled(self, hold: Hold, cost: int, about: JsonObject) -> None:
        """Goes on although the run is over: what was spent is charged."""
        task = asyncio.create_task(self._settle(hold, cost, about))
        _settling.add(task)
        task.add_done_callback(_settling.discard)
        await asyncio.shield(task)

    async def _settle(self, hold: Hold, cost: int, about: JsonObject) -> None:
        try:
            await self.spending.settle(hold, cost, about)
        except Unavailable:
            fields = {"hold": hold.id, "uid": hold.owner, "cost_micros": cost}
            _log.error("A call could not be charged", extra={"fields": fields})
