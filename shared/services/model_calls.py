"""Calls of models that a request makes itself, rather than a ticket: each is held for, made, and charged."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from shared.llm.catalog import Catalog, ModelRoute
from shared.llm.estimate import NotCovered, bound_cost, fit_output
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult, Usage
from shared.models.errors import AllowanceSpent, NeverBegun, Unavailable
from shared.models.hold import Hold
from shared.models.money import CostBounds, to_dollars, to_micros
from shared.models.wire import JsonObject
from shared.services.accounts.budgets import Budget
from shared.services.accounts.deployment_budgets import DeploymentBudget
from shared.services.accounts.ledger import usage_metadata
from shared.services.accounts.spending import SpendingService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("model_calls")
_LEAVING_SECONDS = 5
"""How long a caller may wait until the calls that go on are noted."""
_under_way: set[asyncio.Task[ChatResult]] = set()
"""Held here, as the event loop does not keep a task alive."""


class CompleteChat(Protocol):
    """Calls a model once; raises `ModelFailure`. See `shared.llm.completion.complete`."""

    async def __call__(self, route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult: ...


async def complete_at_a_price(
    complete: CompleteChat, route: ModelRoute, request: ChatRequest, timeout: float, held: int
) -> ChatResult:
    """Calls a model once. What a call has cost that nobody knows the cost of is `held`: what was held for it.

    Raises as `complete` does.
    """
    try:
        result = await complete(route, request, timeout)
    except ModelFailure as failure:
        if failure.usage is not None and failure.usage.unpriced:
            failure.cost = _of_unknown(route, held)
        raise
    return result.model_copy(update={"cost": _of_unknown(route, held)}) if result.usage.unpriced else result


def _of_unknown(route: ModelRoute, held: int) -> float:
    fields = {"model": route.name, "cost_micros": held}
    _log.error("A cost is not known: what was held is charged", extra={"fields": fields})
    return to_dollars(held)


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
        self,
        payer: Caller,
        call_id: str,
        request: ChatRequest,
        budget: Budget,
        timeout: float,
        about: JsonObject,
        deployment: DeploymentBudget | None = None,
    ) -> ChatResult:
        """The model's answer, charged to `payer` once under `call_id`, with `about` in the usage entry.

        `timeout`: how many seconds the answer is waited for, and no more than the budget has. A call that nobody waits
        for any more goes on to its end, as the provider bills it, and is charged then; a free one ends.

        `deployment`: whose budget the call is counted by, if it is made for callers of a published agent. The answer
        is at most as long as the budgets and the payer's allowance cover. A call that failed after the provider had
        begun is charged what the provider bills for it.

        Raises `CatalogError`, `AllowanceSpent`, `BudgetSpent`, `DeploymentBudgetSpent`, `ModelFailure`, and
        `Unavailable` when the database is out before the call.
        """
        route = self.catalog.route(request.provider, request.model)
        bounds = bound_cost(route, request, self.spending.settings)
        call = _Call(route, request, payer, call_id, bounds, budget, budget.reserve(bounds), about, deployment)
        task = asyncio.create_task(self._made(call))
        _under_way.add(task)
        task.add_done_callback(_over)
        try:
            async with asyncio.timeout(min(timeout, budget.seconds_left)):
                return await asyncio.shield(task)
        except TimeoutError as error:
            _give_up(call, task)
            raise ModelFailure(f"{route.provider_name} took too long to answer.", transient=True) from error
        except asyncio.CancelledError:
            _give_up(call, task)
            raise

    async def leave(self, budget: Budget) -> None:
        """To be awaited when whatever made the calls of a budget is over, before its caller has the answer.

        No other call begins then. A process may be frozen, and ended, once it answers nobody: so calls that go on are
        noted, and charged what they hold if they are never settled. One transaction if there are any; while the
        database is out it is logged.
        """
        budget.over = True
        if not budget.under_way:
            return
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.spending.leave(dict(budget.under_way))
        except (Unavailable, TimeoutError):
            _log.error("Calls that go on could not be noted", extra={"fields": {"holds": list(budget.under_way)}})

    async def _made(self, call: "_Call") -> ChatResult:
        """From the hold to the charge, whoever still waits for it; not begun for nobody."""
        cost = 0.0
        try:
            hold = await self._held(call) if call.charged else None
            try:
                result = await self._completed(call, hold)
            except ModelFailure as failure:
                cost = failure.cost
                await self._settle(call, hold, cost, failure.usage)
                raise
            except BaseException:
                await self._settle(call, hold, 0.0, None)
                raise
            cost = result.cost
            await self._settle(call, hold, cost, result.usage)
            return result
        finally:
            call.budget.under_way.pop(call.id, None)
            call.budget.spend(call.reserved, to_micros(cost))

    async def _completed(self, call: "_Call", hold: Hold | None) -> ChatResult:
        if not call.wanted or call.budget.over:
            raise ModelFailure("The run was over before the model was called.", transient=False)
        request = call.request
        if hold is not None:
            try:
                request = fit_output(call.route, request, min(hold.amount, call.reserved))
            except NotCovered as error:
                raise AllowanceSpent("What is left of your allowance does not cover this call.") from error
            call.budget.under_way[hold.id] = call.entry
        seconds = self.spending.settings.model_timeout_seconds
        return await complete_at_a_price(self.complete, call.route, request, seconds, hold.amount if hold else 0)

    async def _held(self, call: "_Call") -> Hold:
        try:
            return await self.spending.hold(call.payer, call.id, call.bounds, call.deployment)
        except NeverBegun:
            raise
        except Unavailable:  # it may be there all the same
            hold = self.spending.to_hold(call.payer, call.id, call.bounds.most, call.deployment)
            await self._settle(call, hold, 0.0, None)
            raise

    async def _settle(self, call: "_Call", hold: Hold | None, cost: float, usage: Usage | None) -> None:
        """A cost that nobody is charged would be a call for free, so an outage is waited out; then it is logged."""
        if hold is None:
            return
        about = {**call.entry, **(usage_metadata(usage) if usage else {})}
        try:
            await self.spending.settle(hold, cost, about)
        except Unavailable:
            fields = {"hold": hold.id, "uid": hold.owner, "cost_micros": to_micros(cost)}
            _log.error("A call could not be charged", extra={"fields": fields})


@dataclass
class _Call:
    """`wanted`: whether somebody still waits for it."""

    route: ModelRoute
    request: ChatRequest
    payer: Caller
    id: str
    bounds: CostBounds
    budget: Budget
    reserved: int
    about: JsonObject
    deployment: DeploymentBudget | None
    wanted: bool = True

    @property
    def charged(self) -> bool:
        return self.bounds.most > 0

    @property
    def entry(self) -> JsonObject:
        """What its usage entry says, whatever becomes of it."""
        return {**self.about, "provider": self.route.provider, "model": self.route.model}


def _give_up(call: _Call, task: asyncio.Task[ChatResult]) -> None:
    """Nobody waits any more. A free call is ended: nobody bills it, and it may keep a small machine from others."""
    call.wanted = False
    if not call.charged:
        task.cancel()


def _over(task: asyncio.Task[ChatResult]) -> None:
    """A failure that nobody waited for was told where it happened."""
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()
