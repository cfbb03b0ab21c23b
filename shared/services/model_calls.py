"""Calls of models that are made while a request is handled, not for a ticket.

The payer is charged for each: the maximum cost is held first, then the model is called, then the cost is settled.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from shared.llm.catalog import Catalog, ModelRoute
from shared.llm.estimate import NotCovered, bound_cost, fit_output
from shared.llm.failures import ModelFailure
from shared.llm.live import LiveCall
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult, Usage
from shared.models.errors import AllowanceSpent, NotStarted, Unavailable
from shared.models.hold import Hold
from shared.models.money import CostBounds, to_dollars, to_micros
from shared.models.wire import JsonObject
from shared.services.accounts.deployment_budgets import DeploymentBudget
from shared.services.accounts.ledger import usage_metadata
from shared.services.accounts.run_budgets import Budget
from shared.services.accounts.spending import SpendingService
from shared.services.images import fetch_images, list_addresses
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("model_calls")
_LEAVING_SECONDS = 5
"""The maximum time that a caller waits while its unfinished calls are recorded."""
_under_way: set[asyncio.Task[ChatResult]] = set()
"""References to running tasks, because the event loop does not keep a task alive."""


class CompleteChat(Protocol):
    """Calls a model. See `shared.llm.completion.complete`."""

    async def __call__(
        self, route: ModelRoute, request: ChatRequest, timeout: float, live: LiveCall | None = None
    ) -> ChatResult:
        """Calls the model once, and waits for at most `timeout` seconds. Raises `ModelFailure`.

        `live` follows the answer while it arrives, and can stop the call.
        """
        ...


@dataclass(frozen=True)
class ChargeRecord:
    """What is written in the transaction that charges a call. `write` may be called several times, but only the last
    transaction takes effect. `put_back` is called if none does.
    """

    write: Callable[[Transaction], Awaitable[None]]
    put_back: Callable[[], None]


class RecordCharge(Protocol):
    """Records the outcome of a call together with the charge for it, so that there is never one without the other."""

    def __call__(self, outcome: "ChatResult | ModelFailure", cost: int) -> ChargeRecord | None:
        """Returns the record of an outcome that costs `cost` millionths of a dollar; None if there is none."""
        ...


async def complete_and_price(
    complete: CompleteChat,
    route: ModelRoute,
    request: ChatRequest,
    timeout: float,
    held: int,
    live: LiveCall | None = None,
) -> ChatResult:
    """Calls a model once. If the cost is unknown, the call costs `held`: the amount held for it, in micros.

    Raises what `complete` raises.
    """
    try:
        result = await complete(route, request, timeout, live)
    except ModelFailure as failure:
        if failure.usage is not None and failure.usage.unpriced:
            failure.cost = _charge_held(route, held)
        raise
    return result.model_copy(update={"cost": _charge_held(route, held)}) if result.usage.unpriced else result


def _charge_held(route: ModelRoute, held: int) -> float:
    """The amount to charge for a call of unknown cost, in US dollars. The charge is logged."""
    fields = {"model": route.name, "cost_micros": held}
    _log.error("The cost of a call is unknown: the amount held is charged", extra={"fields": fields})
    return to_dollars(held)


@dataclass(frozen=True)
class ModelCallService:
    """Calls models, and charges the payer."""

    catalog: Catalog
    complete: CompleteChat
    spending: SpendingService

    @classmethod
    def create(
        cls, database: Database, catalog: Catalog, complete: CompleteChat, settings: Settings
    ) -> "ModelCallService":
        """Creates the service with a `SpendingService`."""
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
        record: RecordCharge | None = None,
    ) -> ChatResult:
        """Returns the model's answer. `payer` is charged once, under `call_id`, with `about` in the usage entry.

        `timeout`: how many seconds to wait for the answer, within the time that the budget has left. If the caller
        stops waiting, the call continues and is charged when it ends, because the provider bills it. A free call is
        cancelled.

        `deployment`: the published agent's budget, which the call also counts against if the agent was called by its
        public name. The answer is no longer than the budgets and the payer's allowance cover. A call that failed after
        the provider had started is charged as well, because the provider bills it.

        With `record`, the call may be made again under the same `call_id` after an interruption. It is charged once.

        Raises `CatalogError`, `AllowanceSpent`, `BudgetSpent`, `DeploymentBudgetSpent`, `ModelFailure`, and
        `Unavailable` if the database cannot be reached before the call.
        """
        route = self.catalog.route(request.provider, request.model)
        bounds = bound_cost(route, request, self.spending.settings)
        call = _Call(route, request, payer, call_id, bounds, budget, budget.reserve(bounds), about, deployment, record)
        task = asyncio.create_task(self._run(call))
        _under_way.add(task)
        task.add_done_callback(_forget)
        try:
            async with asyncio.timeout(min(timeout, budget.seconds_left)):
                return await asyncio.shield(task)
        except TimeoutError as error:
            _give_up(call, task)
            raise ModelFailure(f"{route.provider_name} took too long to answer.", transient=True) from error
        except asyncio.CancelledError:
            _give_up(call, task)
            raise

    async def close_budget(self, budget: Budget) -> None:
        """Closes a budget, so that no other call may start. To be awaited before the request gets its response.

        The platform may freeze and end a process that serves no request. Therefore unfinished calls are recorded, and
        the amounts held for them are charged if they are never settled. One transaction if there are any such calls.
        A failure is logged.
        """
        budget.over = True
        if not budget.under_way:
            return
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self.spending.mark_abandoned(dict(budget.under_way))
        except (Unavailable, TimeoutError):
            _log.error("Unfinished calls could not be recorded", extra={"fields": {"holds": list(budget.under_way)}})

    async def _run(self, call: "_Call") -> ChatResult:
        """Holds, calls the model, and settles. If no caller waits any more, only the call of the model is skipped."""
        cost = 0.0
        try:
            hold = await self._hold(call) if call.is_charged else None
            try:
                async with self._limit(call):
                    result = await self._complete(call, hold)
            except ModelFailure as failure:
                cost = failure.cost
                await self._settle(call, hold, cost, failure.usage, failure)
                raise
            except BaseException:
                await self._settle(call, hold, 0.0, None)
                raise
            cost = result.cost
            await self._settle(call, hold, cost, result.usage, result)
            return result
        finally:
            call.budget.under_way.pop(call.id, None)
            call.budget.spend(call.reserved, to_micros(cost))

    def _limit(self, call: "_Call") -> AbstractAsyncContextManager[None]:
        """Counts a call as a connection of its run if its images are fetched: they stay in memory until it ends."""
        return call.budget.connections if list_addresses(call.request) else nullcontext()

    async def _complete(self, call: "_Call", hold: Hold | None) -> ChatResult:
        """Calls the model, for at most the amount that is held. Raises `ModelFailure`, `AllowanceSpent`."""
        if not call.wanted or call.budget.over:
            raise ModelFailure("The run was over before the model was called.", transient=False)
        request = call.request
        if hold is not None:
            try:
                request = fit_output(call.route, request, min(hold.amount, call.reserved))
            except NotCovered as error:
                raise AllowanceSpent("What is left of your allowance does not cover this call.") from error
            call.budget.under_way[hold.id] = call.entry
        request = await fetch_images(request, self.spending.settings)
        seconds = self.spending.settings.model_timeout_seconds
        return await complete_and_price(self.complete, call.route, request, seconds, hold.amount if hold else 0)

    async def _hold(self, call: "_Call") -> Hold:
        """Holds the call's maximum cost. Raises `AllowanceSpent`, `DeploymentBudgetSpent`, `Unavailable`."""
        try:
            return await self.spending.hold(
                call.payer, call.id, call.bounds, call.deployment, again=call.record is not None
            )
        except NotStarted:
            raise
        except Unavailable:  # the hold may have been stored nevertheless
            hold = self.spending.make_hold(call.payer, call.id, call.bounds.maximum, call.deployment)
            await self._settle(call, hold, 0.0, None)
            raise

    async def _settle(
        self,
        call: "_Call",
        hold: Hold | None,
        cost: float,
        usage: Usage | None,
        outcome: "ChatResult | ModelFailure | None" = None,
    ) -> None:
        """Charges `cost` to the payer. Retries during an outage, as the call would be free otherwise.

        If that fails, logs the cost.
        """
        if hold is None:
            return
        metadata = {**call.entry, **(usage_metadata(usage) if usage else {})}
        also = None
        if call.record is not None and outcome is not None and call.wanted:
            also = call.record(outcome, to_micros(cost))
        try:
            await self.spending.settle(hold, cost, metadata, also and also.write)
        except Unavailable:
            if also is not None:
                also.put_back()
            fields = {"hold": hold.id, "uid": hold.owner, "cost_micros": to_micros(cost)}
            _log.error("A call could not be charged", extra={"fields": fields})


@dataclass
class _Call:
    """A call in progress. `wanted`: whether its caller still waits for it."""

    route: ModelRoute
    request: ChatRequest
    payer: Caller
    id: str
    bounds: CostBounds
    budget: Budget
    reserved: int
    about: JsonObject
    deployment: DeploymentBudget | None
    record: RecordCharge | None = None
    wanted: bool = True

    @property
    def is_charged(self) -> bool:
        """Whether the call costs anything."""
        return self.bounds.maximum > 0

    @property
    def entry(self) -> JsonObject:
        """The part of its usage entry that does not depend on how the call ends."""
        key: JsonObject = {"key_id": self.payer.key.id} if self.payer.key else {}
        return {**self.about, **key, "provider": self.route.provider, "model": self.route.model}


def _give_up(call: _Call, task: asyncio.Task[ChatResult]) -> None:
    """Records that no caller waits any more. Cancels a free call, which may occupy a small machine."""
    call.wanted = False
    if not call.is_charged:
        task.cancel()


def _forget(task: asyncio.Task[ChatResult]) -> None:
    """Retrieves the task's error, if any, so that asyncio does not report it: it was logged where it happened."""
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()
