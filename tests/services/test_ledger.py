"""The ledger under concurrency, crashes and repeats: what is charged is what the entries say, and no hold is left."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from google.api_core.exceptions import Aborted, DeadlineExceeded, ServiceUnavailable
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shared.llm.catalog import Catalog, ModelRoute
from shared.llm.completion import complete
from shared.llm.estimate import highest_cost
from shared.llm.failures import ModelFailure
from shared.models.account import Account, milliseconds
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.errors import AllowanceSpent, ComeAgain
from shared.models.money import to_dollars, to_micros
from shared.models.user import AccountChange, UsageReport
from shared.services.answering import AnsweringService
from shared.services.chat import ChatService
from shared.services.sweep import SweepService
from shared.services.users import UserService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import Answer, ModelServer
from tests.stored import lose_answers

MODEL = "gpt-4.1-mini"


def chat(prompt: str, *, answer_tokens: int = 1000, model: str = MODEL, provider: str = "openai") -> ChatRequest:
    return ChatRequest.model_validate(
        {
            "messages": [{"role": "user", "content": prompt}],
            "provider": provider,
            "model": model,
            "parameters": {"max_tokens": answer_tokens},
        }
    )


class House:
    """All services over one database."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self.settings = settings
        self.catalog = catalog
        self.database = Database(settings)
        self.queue = task_queue(settings)
        self.chat = ChatService(self.database, self.queue, catalog, settings)
        self.users = UserService(self.database, settings)

    async def deliver(self, ticket_id: str, complete_chat: Any = complete) -> None:
        await AnsweringService(self.database, self.catalog, complete_chat, self.settings).answer(ticket_id)

    async def account(self, uid: str) -> Account:
        account = await self.database.accounts.get(uid)
        assert account is not None
        return account

    async def charged(self, uid: str) -> list[int]:
        """What each entry of the user charged, of all periods."""
        entries = await self.database._client.collection("users").document(uid).collection("usage").get()  # pyright: ignore[reportPrivateUsage]
        return [(entry.to_dict() or {})["charged"] for entry in entries]


@pytest.fixture
async def house(settings: Settings, catalog: Catalog) -> House:
    return House(
        settings.model_copy(update={"chat_rate_per_minute": 0, "lease_seconds": 1.0, "chat_max_attempts": 100}), catalog
    )


async def test_a_chat_holds_what_it_may_cost_and_is_charged_what_it_did(
    house: House, caller: Caller, model_server: ModelServer
) -> None:
    """The hold while it runs; then the entry, named after the ticket, and no hold."""
    request = chat("hi")
    estimate = highest_cost(house.catalog.route("openai", MODEL), request)
    assert estimate
    accepted = await house.chat.submit(caller, request)
    running = await house.account(caller.uid)
    assert (running.held, running.remaining) == (estimate, 100_000_000)
    model_server.script("hi", Answer("hello", prompt_tokens=10, completion_tokens=20))
    await house.deliver(accepted.ticket_id)
    ticket = await house.chat.look_up(caller, accepted.ticket_id)
    assert ticket.result is not None
    user = await house.users.me(caller)
    assert (await house.account(caller.uid)).held == 0
    assert user.usage_info.spend_remaining == to_dollars(100_000_000 - to_micros(ticket.result.cost))
    (entry,) = user.usage_info.usage
    assert entry.response_cost == pytest.approx(ticket.result.cost, abs=1e-6)
    assert entry.metadata["ticket_id"] == accepted.ticket_id
    assert entry.metadata["model"] == MODEL


async def test_an_allowance_that_is_used_up_is_402_at_once(
    house: House, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """Nothing is stored or queued; a free model still answers."""
    await house.users.change(caller, AccountChange(spend_remaining=0))
    with pytest.raises(AllowanceSpent):
        await house.chat.submit(caller, chat("hi"))
    assert not cloud_tasks.tasks
    free = await house.chat.submit(caller, chat("hi", provider="local", model="smollm2-135m-instruct"))
    await house.deliver(free.ticket_id)
    assert (await house.chat.look_up(caller, free.ticket_id)).status is TicketStatus.COMPLETED
    assert (await house.charged(caller.uid)) == []


async def test_a_hold_refuses_nothing_that_would_fit(house: House, caller: Caller) -> None:
    """A millionth of a dollar lets a chat in, whatever it may cost at most."""
    await house.users.change(caller, AccountChange(spend_remaining=0.000001))
    await house.chat.submit(caller, chat("hi"))
    assert (await house.account(caller.uid)).held == 1
    with pytest.raises(AllowanceSpent, match="still running"):
        await house.chat.submit(caller, chat("hi"))


async def test_a_failed_chat_releases_its_hold(house: House, caller: Caller) -> None:
    """And charges nothing."""

    async def refuses(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        raise ModelFailure("No.", transient=False)

    accepted = await house.chat.submit(caller, chat("hi"))
    await house.deliver(accepted.ticket_id, refuses)
    account = await house.account(caller.uid)
    assert (account.held, account.remaining) == (0, 100_000_000)


LOST = [Aborted("lost"), DeadlineExceeded("lost"), ServiceUnavailable("lost")]


@pytest.mark.parametrize("error", LOST)
async def test_an_admission_whose_answer_is_lost_is_an_admission(
    house: House, caller: Caller, cloud_tasks: CloudTasksServer, error: Exception
) -> None:
    """One ticket, one task, one hold."""
    await house.users.me(caller)
    lose_answers(house.database, error)
    accepted = await house.chat.submit(caller, chat("hi"))
    assert [name.split("/")[-1] for name in cloud_tasks.tasks] == [f"chat-{accepted.ticket_id}"]
    ticket = await house.database.tickets.get(accepted.ticket_id)
    assert ticket is not None
    assert (await house.account(caller.uid)).held == ticket.hold > 0


@pytest.mark.parametrize("error", LOST)
async def test_a_report_whose_answer_is_lost_is_charged_once(house: House, caller: Caller, error: Exception) -> None:
    """Without a key of the caller's, too."""
    await house.users.me(caller)
    lose_answers(house.database, error)
    user = await house.users.report(caller, UsageReport(response_cost=1))
    assert user.usage_info.spend_remaining == 99


@pytest.mark.parametrize("error", LOST)
async def test_a_change_whose_answer_is_lost_is_no_conflict(house: House, caller: Caller, error: Exception) -> None:
    """It finds its own work done: no 409, and one new period, not two."""
    rev = (await house.users.me(caller)).rev
    lose_answers(house.database, error)
    user = await house.users.change(caller, AccountChange(rev=rev, monthly_allowance=7))
    assert user.usage_info.monthly_allowance == 7
    lose_answers(house.database, error)
    await house.users.reset(caller)
    assert (await house.account(caller.uid)).period == 2


async def test_a_model_of_unknown_price_is_refused_when_nothing_is_left(house: House, caller: Caller) -> None:
    """It may tell afterwards what it cost."""
    catalog = Catalog.load({"OPENROUTER_API_KEY": "x"})
    request = chat("hi", provider="openrouter", model="openrouter/auto")
    assert highest_cost(catalog.route("openrouter", "openrouter/auto"), request) is None
    service = ChatService(house.database, house.queue, catalog, house.settings)
    await service.submit(caller, request)
    assert (await house.account(caller.uid)).held == 1
    await house.users.change(caller, AccountChange(spend_remaining=0))
    with pytest.raises(AllowanceSpent):
        await service.submit(caller, request)


async def test_a_period_that_ends_in_the_middle_of_a_chat(
    house: House, caller: Caller, model_server: ModelServer
) -> None:
    """The chat is charged in the new one, and its hold is gone."""
    accepted = await house.chat.submit(caller, chat("hi"))
    past = milliseconds(datetime.now(UTC) - timedelta(days=1))
    await house.users.change(caller, AccountChange(allowance_reset_date=past))
    await house.deliver(accepted.ticket_id)
    account = await house.account(caller.uid)
    assert (account.period, account.held) == (2, 0)
    assert account.remaining == 100_000_000 - sum(await house.charged(caller.uid)) < 100_000_000


@pytest.mark.parametrize("troubled", [False, True])
async def test_two_hundred_chats_at_once_never_overspend(
    house: House, caller: Caller, model_server: ModelServer, troubled: bool
) -> None:
    """An allowance for 50, 200 chats side by side; troubled: workers die at random and tasks come twice.

    The charged sum is within the allowance and equals the entries to the millionth, no ticket is stuck, no hold left.
    """
    dice = random.Random(7)  # noqa: S311 - repeatable on purpose
    request = chat("the same", answer_tokens=500)
    estimate = highest_cost(house.catalog.route("openai", MODEL), request)
    assert estimate
    allowance = to_dollars(50 * estimate)
    await house.users.change(caller, AccountChange(monthly_allowance=allowance, spend_remaining=allowance))
    model_server.script("the same", *[Answer("ok", 0.05, prompt_tokens=12, completion_tokens=500)] * 1000)
    accepted: list[str] = []
    refused = 0

    async def one() -> None:
        nonlocal refused
        try:
            ticket = await house.chat.submit(caller, request)
        except AllowanceSpent:
            refused += 1
            return
        accepted.append(ticket.ticket_id)
        await until_finished(ticket.ticket_id)

    async def until_finished(ticket_id: str) -> None:
        while not (await house.chat.look_up(caller, ticket_id)).status.finished:
            deliveries = [
                asyncio.create_task(house.deliver(ticket_id)) for _ in range(dice.choice([1, 2, 3]) if troubled else 1)
            ]
            if troubled and dice.random() < 0.3:
                await asyncio.sleep(dice.random() * 0.2)
                deliveries[0].cancel()
            await asyncio.gather(*deliveries, return_exceptions=True)
            await asyncio.sleep(0.2 if troubled else 0)

    await asyncio.gather(*(one() for _ in range(200)))
    account = await house.account(caller.uid)
    charged = await house.charged(caller.uid)
    assert len(accepted) + refused == 200
    assert len(accepted) >= 50
    assert account.held == 0
    assert account.remaining >= 0
    assert sum(charged) == 50 * estimate - account.remaining <= 50 * estimate
    tickets = [await house.chat.look_up(caller, ticket_id) for ticket_id in accepted]
    completed = [ticket for ticket in tickets if ticket.status is TicketStatus.COMPLETED]
    assert len(charged) == len(completed) >= 50
    assert troubled or len(completed) == len(accepted)


@dataclass
class Model:
    """The ledger as it should be, in a few lines."""

    allowance: int = 100_000_000
    remaining: int = 100_000_000
    holds: dict[str, int] = field(default_factory=dict[str, int])
    charged: list[int] = field(default_factory=list[int])

    def hold(self, estimate: int) -> int | None:
        available = self.remaining - sum(self.holds.values())
        return min(estimate, available) if available > 0 else None

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
@given(steps=STEPS)
def test_the_ledger_agrees_with_a_small_model_of_it(steps: list[Any], settings: Settings, catalog: Catalog) -> None:
    """Whatever follows whatever: charges, repeats, resets, changes, holds, crashes and sweeps."""
    project = settings.model_copy(
        update={
            "google_cloud_project": f"demo-{uuid4().hex[:12]}",
            "chat_rate_per_minute": 0,
            "chat_max_attempts": 1000,
            "lease_seconds": 0.1,
            "sweep_after_seconds": 0.000001,
        }
    )
    asyncio.run(Drive(project, catalog).run(steps))


class Drive:
    """Takes each step in the house and in the model, and compares."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self.settings = settings
        self.catalog = catalog
        self.caller = Caller(uid="u")
        self.model = Model()
        self.running: list[str] = []
        self.crashed = False

    async def run(self, steps: list[tuple[str, Any]]) -> None:
        self.house = House(self.settings, self.catalog)
        await self.house.users.me(self.caller)
        for name, value in steps:
            await getattr(self, name.replace(" ", "_"))(value)
            await self.compare(name)
        for ticket_id in list(self.running):
            await self.end(ticket_id, 1)
        await self.compare("the end")
        assert (await self.house.account("u")).held == 0

    async def compare(self, after: str) -> None:
        account = await self.house.account("u")
        charged = await self.house.charged("u")
        seen = (account.allowance, account.remaining, account.held, sorted(charged))
        model = self.model
        assert seen == (model.allowance, model.remaining, sum(model.holds.values()), sorted(model.charged)), after

    async def report(self, cost: int, key: str | None = None) -> None:
        await self.house.users.report(self.caller, UsageReport(response_cost=to_dollars(cost)), key)
        self.model.charge(cost)

    async def repeat(self, cost: int) -> None:
        key = uuid4().hex
        await self.report(cost, key)
        await self.house.users.report(self.caller, UsageReport(response_cost=to_dollars(cost)), key)

    async def reset(self, _: None) -> None:
        await self.house.users.reset(self.caller)
        self.model.remaining = self.model.allowance

    async def date(self, _: None) -> None:
        yesterday = milliseconds(datetime.now(UTC) - timedelta(days=1))
        await self.house.users.change(self.caller, AccountChange(allowance_reset_date=yesterday))
        await asyncio.gather(*(self.house.users.me(self.caller) for _ in range(3)))
        self.model.remaining = self.model.allowance

    async def allowance(self, amount: int) -> None:
        await self.house.users.change(self.caller, AccountChange(monthly_allowance=to_dollars(amount)))
        if amount < self.model.allowance:
            self.model.remaining = min(self.model.remaining, amount)
        self.model.allowance = amount

    async def remaining(self, amount: int) -> None:
        await self.house.users.change(self.caller, AccountChange(spend_remaining=to_dollars(amount)))
        self.model.remaining = amount

    async def admit(self, answer_tokens: int) -> None:
        request = chat("hi", answer_tokens=min(answer_tokens, 32_768))
        estimate = highest_cost(self.catalog.route("openai", MODEL), request)
        assert estimate
        expected = self.model.hold(estimate)
        try:
            accepted = await self.house.chat.submit(self.caller, request)
        except AllowanceSpent:
            assert expected is None
            return
        assert expected is not None
        self.model.holds[accepted.ticket_id] = expected
        self.running.append(accepted.ticket_id)

    def picked(self, number: int) -> str | None:
        return self.running[number % len(self.running)] if self.running else None

    async def complete(self, value: tuple[int, int]) -> None:
        if ticket_id := self.picked(value[0]):
            await self.end(ticket_id, value[1])

    async def deliver_twice(self, value: tuple[int, int]) -> None:
        if ticket_id := self.picked(value[0]):
            await self.end(ticket_id, value[1])
            await self.house.deliver(ticket_id, costing(value[1]))

    async def end(self, ticket_id: str, cost: int) -> None:
        await self.free_of_lease()
        await self.house.deliver(ticket_id, costing(cost))
        self.running.remove(ticket_id)
        del self.model.holds[ticket_id]
        if cost:
            self.model.charge(cost)

    async def fail(self, number: int) -> None:
        async def refuses(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
            raise ModelFailure("No.", transient=False)

        if ticket_id := self.picked(number):
            await self.free_of_lease()
            await self.house.deliver(ticket_id, refuses)
            self.running.remove(ticket_id)
            del self.model.holds[ticket_id]

    async def crash(self, number: int) -> None:
        """A worker takes the ticket and dies."""
        began = asyncio.Event()

        async def dies(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
            began.set()
            await asyncio.sleep(60)
            raise AssertionError("it is dead")

        if ticket_id := self.picked(number):
            await self.free_of_lease()
            worker = asyncio.create_task(self.house.deliver(ticket_id, dies))
            await began.wait()
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            self.crashed = True

    async def free_of_lease(self) -> None:
        """Waits out what a crashed worker left behind."""
        if self.crashed:
            await asyncio.sleep(0.11)
        self.crashed = False

    async def sweep(self, _: None) -> None:
        """Hands everything in again, and moves no money."""
        swept = await self.sweeper(self.settings).sweep()
        assert (swept.requeued, swept.ended) == (len(self.running), 0)

    async def give_up(self, _: None) -> None:
        """Ends whatever runs."""
        ended = await self.sweeper(self.settings.model_copy(update={"ticket_max_age_seconds": 0.000001})).sweep()
        assert ended.ended == len(self.running)
        self.running.clear()
        self.model.holds.clear()

    def sweeper(self, settings: Settings) -> SweepService:
        return SweepService(self.house.database, self.house.queue, settings)


def costing(cost: int) -> Any:
    async def answers(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        return ChatResult(content="ok", model="m", cost=to_dollars(cost))

    return answers


async def test_a_second_delivery_is_told_to_come_again(house: House, caller: Caller) -> None:
    """While the first is at work; the charge stays one."""
    accepted = await house.chat.submit(caller, chat("hi"))
    slow = asyncio.Event()

    async def waits(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        await slow.wait()
        return ChatResult(content="ok", model="m", cost=0.5)

    first = asyncio.create_task(house.deliver(accepted.ticket_id, waits))
    await asyncio.sleep(0.3)
    with pytest.raises(ComeAgain):
        await house.deliver(accepted.ticket_id, waits)
    slow.set()
    await first
    assert await house.charged(caller.uid) == [500_000]
