"""The ledger agrees with a small model of its behavior after any sequence of steps."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shared import clock
from shared.llm.catalog import Catalog, ModelRoute
from shared.llm.estimate import bound_cost
from shared.llm.failures import ModelFailure
from shared.models.account import to_milliseconds
from shared.models.api_key import CreateKeyRequest, KeyBudget
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.errors import AllowanceSpent
from shared.models.key_period import Period, period_id
from shared.models.money import PICOS_PER_MICRO, CostBounds, to_dollars
from shared.models.user import AccountChange, UsageReport
from shared.services.api_keys.keys import ApiKeyService
from shared.services.chat.sweep import SweepService
from shared.settings import Settings
from tests.services.harness import MODEL, Harness, chat, create_model


@dataclass
class Model:
    """A minimal model of the ledger's expected behavior. `budget`: that of the key that sends all chats, if any."""

    budget: int | None = None
    spent_by_key: int = 0
    allowance: int = 100_000_000
    remaining: int = 100_000_000
    holds: dict[str, int] = field(default_factory=dict[str, int])
    charged: list[int] = field(default_factory=list[int])

    def hold(self, bounds: CostBounds) -> int | None:
        held = sum(self.holds.values())
        available = self.remaining - held
        if self.budget is not None:
            available = min(available, self.budget - self.spent_by_key - held)
        return min(bounds.maximum, available) if available >= bounds.minimum else None

    def charge(self, cost: int) -> None:
        self.charged.append(min(cost, self.remaining))
        self.remaining -= self.charged[-1]


MICROS = st.integers(0, 3_000_000)
PICK = st.integers(0, 20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("report"), MICROS),
        st.tuples(st.just("repeat"), MICROS),
        st.tuples(st.just("reset"), st.none()),
        st.tuples(st.just("date"), st.none()),
        st.tuples(st.just("allowance"), MICROS),
        st.tuples(st.just("remaining"), MICROS),
        st.tuples(st.just("admit"), st.integers(1, 1_000_000)),
        st.tuples(st.just("complete"), st.tuples(PICK, MICROS)),
        st.tuples(st.just("fail"), PICK),
        st.tuples(st.just("crash"), PICK),
        st.tuples(st.just("deliver twice"), st.tuples(PICK, MICROS)),
        st.tuples(st.just("sweep"), st.none()),
        st.tuples(st.just("give up"), st.none()),
    ),
    max_size=15,
)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, budget=st.none() | MICROS)
def test_the_ledger_agrees_with_a_small_model(
    steps: list[Any], budget: int | None, settings: Settings, catalog: Catalog
) -> None:
    """The two agree after charges, repeats, resets, changes, holds, crashes and sweeps in any order.

    They also agree if the chats are sent with an API key that has a budget.
    """
    project = settings.model_copy(
        update={
            "google_cloud_project": f"demo-{uuid4().hex[:12]}",
            "chat_rate_per_minute": 0,
            "chat_max_attempts": 1000,
            "lease_seconds": 0.1,
            "sweep_after_seconds": 0.000001,
        }
    )
    asyncio.run(Driver(project, catalog, budget).run(steps))


class Driver:
    """Performs each step in the harness and in the model, and compares the results."""

    def __init__(self, settings: Settings, catalog: Catalog, budget: int | None) -> None:
        self.settings = settings
        self.catalog = catalog
        self.caller = Caller(uid="u")
        self.sender = self.caller
        self.model = Model(budget)
        self.running: list[str] = []
        self.crashed = False

    async def run(self, steps: list[tuple[str, Any]]) -> None:
        self.harness = Harness(self.settings, self.catalog)
        await self.harness.users.get(self.caller)
        if self.model.budget is not None:
            self.sender = await self.create_key(self.model.budget)
        for name, value in steps:
            await getattr(self, name.replace(" ", "_"))(value)
            await self.compare(name)
        for ticket_id in list(self.running):
            await self.end(ticket_id, 1)
        await self.compare("the end")
        assert (await self.harness.account("u")).held == 0

    async def create_key(self, budget: int) -> Caller:
        service = ApiKeyService(self.harness.database, self.settings)
        limit = KeyBudget(amount=to_dollars(budget), period=Period.MONTH)
        created = await service.create(self.caller, CreateKeyRequest(name="k", budget=limit))
        return Caller("u", key=await self.harness.database.api_keys.get(created.id))

    async def compare(self, after: str) -> None:
        account = await self.harness.account("u")
        charged = await self.harness.get_charges("u")
        actual = (account.allowance, account.remaining, account.held, sorted(charged))
        model = self.model
        assert actual == (model.allowance, model.remaining, sum(model.holds.values()), sorted(model.charged)), after
        assert account.unfinished == len(self.running), after
        if self.sender.key is not None:
            id_ = period_id(self.sender.key.id, Period.MONTH, clock.now())
            period = await self.harness.database.key_periods.get(id_)
            counted = (0, 0) if period is None else (period.held, period.spent)
            assert counted == (sum(model.holds.values()), model.spent_by_key * PICOS_PER_MICRO), after

    async def report(self, cost: int, key: str | None = None) -> None:
        await self.harness.users.report(self.caller, UsageReport(response_cost=to_dollars(cost)), key)
        self.model.charge(cost)

    async def repeat(self, cost: int) -> None:
        key = uuid4().hex
        await self.report(cost, key)
        await self.harness.users.report(self.caller, UsageReport(response_cost=to_dollars(cost)), key)

    async def reset(self, _: None) -> None:
        await self.harness.users.reset(self.caller)
        self.model.remaining = self.model.allowance

    async def date(self, _: None) -> None:
        yesterday = to_milliseconds(datetime.now(UTC) - timedelta(days=1))
        await self.harness.users.change(self.caller, AccountChange(allowance_reset_date=yesterday))
        await asyncio.gather(*(self.harness.users.get(self.caller) for _ in range(3)))
        self.model.remaining = self.model.allowance

    async def allowance(self, amount: int) -> None:
        await self.harness.users.change(self.caller, AccountChange(monthly_allowance=to_dollars(amount)))
        if amount < self.model.allowance:
            self.model.remaining = min(self.model.remaining, amount)
        self.model.allowance = amount

    async def remaining(self, amount: int) -> None:
        await self.harness.users.change(self.caller, AccountChange(spend_remaining=to_dollars(amount)))
        self.model.remaining = amount

    async def admit(self, answer_tokens: int) -> None:
        request = chat("hi", answer_tokens=min(answer_tokens, 32_768))
        expected = self.model.hold(bound_cost(self.catalog.route("openai", MODEL), request, self.settings))
        try:
            accepted = await self.harness.chat.submit(self.sender, request)
        except AllowanceSpent:
            assert expected is None
            return
        assert expected is not None
        self.model.holds[accepted.ticket_id] = expected
        self.running.append(accepted.ticket_id)

    def pick(self, number: int) -> str | None:
        return self.running[number % len(self.running)] if self.running else None

    async def complete(self, value: tuple[int, int]) -> None:
        if ticket_id := self.pick(value[0]):
            await self.end(ticket_id, value[1])

    async def deliver_twice(self, value: tuple[int, int]) -> None:
        if ticket_id := self.pick(value[0]):
            await self.end(ticket_id, value[1])
            await self.harness.deliver(ticket_id, create_model(value[1]))

    async def end(self, ticket_id: str, cost: int) -> None:
        await self.wait_for_lease()
        await self.harness.deliver(ticket_id, create_model(cost))
        self.running.remove(ticket_id)
        del self.model.holds[ticket_id]
        if cost:
            self.model.charge(cost)
            self.model.spent_by_key += cost if self.sender.key else 0

    async def fail(self, number: int) -> None:
        async def refuse(route: ModelRoute, request: ChatRequest, timeout: float, live: object = None) -> ChatResult:
            raise ModelFailure("No.", transient=False)

        if ticket_id := self.pick(number):
            await self.wait_for_lease()
            await self.harness.deliver(ticket_id, refuse)
            self.running.remove(ticket_id)
            del self.model.holds[ticket_id]

    async def crash(self, number: int) -> None:
        """Lets a worker take the ticket and die."""
        began = asyncio.Event()

        async def never_answer(
            route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
        ) -> ChatResult:
            began.set()
            await asyncio.sleep(60)
            raise AssertionError("the worker must have been cancelled")

        if ticket_id := self.pick(number):
            await self.wait_for_lease()
            worker = asyncio.create_task(self.harness.deliver(ticket_id, never_answer))
            await began.wait()
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            self.crashed = True

    async def wait_for_lease(self) -> None:
        """Waits until the lease of a crashed worker has expired."""
        if self.crashed:
            await asyncio.sleep(0.11)
        self.crashed = False

    async def sweep(self, _: None) -> None:
        """Queues tickets that have lost their tasks, and moves no money."""
        swept = await self.sweeper(self.settings).sweep()
        assert (swept.requeued + swept.waiting, swept.ended) == (len(self.running), 0)

    async def give_up(self, _: None) -> None:
        """Ends all unfinished tickets with a sweep."""
        limits = {"ticket_max_age_seconds": 0.000001, "ticket_max_wait_seconds": 0.000001}
        swept = await self.sweeper(self.settings.model_copy(update=limits)).sweep()
        assert swept.ended == len(self.running)
        self.running.clear()
        self.model.holds.clear()

    def sweeper(self, settings: Settings) -> SweepService:
        return SweepService(self.harness.database, self.harness.queue, settings)
