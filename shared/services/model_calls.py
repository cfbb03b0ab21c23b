"""Calls of models that a request makes itself, rather than a ticket: each is held for, made, and charged."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from shared.llm.catalog import Catalog, ModelRoute, check_call
from shared.llm.estimate import highest_cost
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.errors import Unavailable
from shared.models.hold import Hold
from shared.models.money import to_micros
from shared.models.wire import JsonObject
from shared.services.budgets import Budget
from shared.services.spending import SpendingService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("model_calls")
_under_way: set[asyncio.Task[ChatResult]] = set()
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

    @classmethod
    def over(
        cls, database: Database, catalog: Catalog, complete: CompleteChat, settings: Settings
    ) -> "ModelCallService":
        """The service over a database."""
        return cls(catalog, complete, SpendingService(database, settings))

    async def call(
        self, payer: Caller, call_id: str, request: ChatRequest, budget: Budget, timeout: float, about: JsonObject
    ) -> ChatResult:
        """The model's answer, charged to `payer` once under `call_id`, with `about` in the usage entry.

        `timeout`: how many seconds the answer is waited for, and no more than the budget has. A call that nobody waits
        for any more goes on to its end, as the provider bills it, and is charged then; a free one ends.

        Raises `CatalogError`, `AllowanceSpent`, `BudgetSpent`, `ModelFailure`, and `Unavailable` when the database is
        out before the call.
        """
        route = self.catalog.route(request.provider, request.model)
        check_call(route, request.parameters, request.built_in_tools, request.messages)
        known = highest_cost(route, request)
        estimate = 1 if known is None else known  # an unknown price may turn out to be one
        call = _Call(route, request, payer, call_id, estimate, budget, budget.reserve(estimate), about)
        task = asyncio.create_task(self._made(call))
        _under_way.add(task)
        task.add_done_callback(_over)
        try:
            async with asyncio.timeout(min(timeout, budget.seconds_left)):
                return await asyncio.shield(task)
        except TimeoutError as error:
            _give_up(call, task)
            raise ModelFailure(f"{route.provider} took too long to answer.", transient=True) from error
        except asyncio.CancelledError:
            _give_up(call, task)
            raise

    async def _made(self, call: "_Call") -> ChatResult:
        """From the hold to the charge, whoever still waits for it; not begun for nobody."""
        cost = 0
        try:
            hold = await self._held(call) if call.estimate else None
            if not call.wanted:
                await self._settle(hold, 0, call.about)
                raise ModelFailure("The run was over before the model was called.", transient=False)
            try:
                result = await self.complete(call.route, call.request, self.spending.settings.model_timeout_seconds)
            except BaseException:
                await self._settle(hold, 0, call.about)
                raise
            cost = to_micros(result.cost)
            usage = {"provider": call.route.provider, "model": call.route.model, "usage": result.usage.model_dump()}
            await self._settle(hold, cost, {**call.about, **usage})
            return result
        finally:
            call.budget.spend(call.reserved, cost)

    async def _held(self, call: "_Call") -> Hold:
        try:
            return await self.spending.hold(call.payer, call.id, call.estimate)
        except Unavailable:  # it may be there all the same
            await self._settle(self.spending.to_hold(call.payer, call.id, call.estimate), 0, call.about)
            raise

    async def _settle(self, hold: Hold | None, cost: int, about: JsonObject) -> None:
        if hold is None:
            return
        try:
            await self.spending.settle(hold, cost, about)
        except Unavailable:
            fields = {"hold": hold.id, "uid": hold.owner, "cost_micros": cost}
            _log.error("A call could not be charged", extra={"fields": fields})


@dataclass
class _Call:
    """`wanted`: whether somebody still waits for it."""

    route: ModelRoute
    request: ChatRequest
    payer: Caller
    id: str
    estimate: int
    budget: Budget
    reserved: int
    about: JsonObject
    wanted: bool = True


def _give_up(call: _Call, task: asyncio.Task[ChatResult]) -> None:
    """Nobody waits any more. A free call is ended: nobody bills it, and it may keep a small machine from others."""
    call.wanted = False
    if not call.estimate:
        task.cancel()


def _over(task: asyncio.Task[ChatResult]) -> None:
    """A failure that nobody waited for was told where it happened."""
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()
