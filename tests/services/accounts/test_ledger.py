"""Despite concurrency, crashes and repeated requests, the ledger charges what its entries state, and leaves no hold."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import Aborted, DeadlineExceeded, ServiceUnavailable

from shared.llm.catalog import Catalog, ModelRoute
from shared.llm.estimate import bound_cost
from shared.llm.failures import ModelFailure
from shared.models.account import to_milliseconds
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.errors import AllowanceSpent, TooEarly
from shared.models.money import to_dollars, to_micros
from shared.models.user import AccountChange, UsageReport
from shared.services.chat.submission import ChatService
from shared.settings import Settings
from tests.conftest import Lines
from tests.database_faults import lose_responses
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import Answer, ModelServer
from tests.services.harness import MODEL, Harness, chat


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(
        settings.model_copy(update={"chat_rate_per_minute": 0, "lease_seconds": 1.0, "chat_max_attempts": 100}), catalog
    )


async def test_a_chat_holds_its_highest_cost_and_is_charged_its_actual_cost(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """A running chat holds its highest cost. Afterwards, it has a usage entry with the ticket id, and no hold."""
    request = chat("hi")
    estimate = bound_cost(harness.catalog.route("openai", MODEL), request, harness.settings).maximum
    accepted = await harness.chat.submit(caller, request)
    running = await harness.account(caller.uid)
    assert (running.held, running.remaining) == (estimate, 100_000_000)
    model_server.script("hi", Answer("hello", prompt_tokens=10, completion_tokens=20))
    await harness.deliver(accepted.ticket_id)
    ticket = await harness.tickets.look_up(caller, accepted.ticket_id)
    assert ticket.result is not None
    user = await harness.users.get(caller)
    assert (await harness.account(caller.uid)).held == 0
    assert user.usage_info.spend_remaining == to_dollars(100_000_000 - to_micros(ticket.result.cost))
    (entry,) = user.usage_info.usage
    assert entry.response_cost == pytest.approx(ticket.result.cost, abs=1e-6)
    assert entry.metadata["ticket_id"] == accepted.ticket_id
    assert entry.metadata["model"] == MODEL


async def test_a_charge_is_logged_with_its_reason(
    harness: Harness, caller: Caller, model_server: ModelServer, lines: Lines
) -> None:
    """A charge is logged once, with the cost in micros and without content, even if the ticket is delivered twice."""
    accepted = await harness.chat.submit(caller, chat("confidential"))
    model_server.script("confidential", Answer("my secret", prompt_tokens=1000, completion_tokens=2000))
    for _ in range(2):
        await harness.deliver(accepted.ticket_id)
    logged = lines()
    (line,) = (line for line in logged if line["message"] == "Charged")
    cost = (await harness.get_charges(caller.uid))[0]
    assert line["cost_micros"] == line["charged_micros"] == cost > 0
    assert (line["uid"], line["cause"]) == (caller.uid, accepted.ticket_id)
    assert (line["provider"], line["model"]) == ("openai", MODEL)
    assert "confidential" not in str(logged)
    assert "my secret" not in str(logged)


async def test_reported_usage_is_not_logged(harness: Harness, caller: Caller, lines: Lines) -> None:
    """Usage that a user reports is not logged, because no provider bills it and its metadata may be private."""
    report = UsageReport(response_cost=1, metadata={"provider": "my secret"})
    await harness.users.report(caller, report, "my own key")
    assert "my" not in str(lines())


async def test_a_spent_allowance_causes_402_immediately(
    harness: Harness, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """If the allowance is spent, a chat is not queued, but a chat with a free model is still answered."""
    await harness.users.change(caller, AccountChange(spend_remaining=0))
    with pytest.raises(AllowanceSpent):
        await harness.chat.submit(caller, chat("hi"))
    assert not cloud_tasks.tasks
    free = await harness.chat.submit(caller, chat("hi", provider="local", model="smollm2-135m-instruct"))
    await harness.deliver(free.ticket_id)
    assert (await harness.tickets.look_up(caller, free.ticket_id)).status is TicketStatus.COMPLETED
    assert (await harness.get_charges(caller.uid)) == []


async def test_a_chat_whose_prompt_is_covered_is_accepted_with_a_shorter_answer(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """The answer is limited to the length that the allowance covers. With one millionth less, the chat is rejected."""
    request = chat("hi")
    bounds = bound_cost(harness.catalog.route("openai", MODEL), request, harness.settings)
    await harness.users.change(caller, AccountChange(spend_remaining=to_dollars(bounds.minimum)))
    accepted = await harness.chat.submit(caller, request)
    assert (await harness.account(caller.uid)).held == bounds.minimum < bounds.maximum
    with pytest.raises(AllowanceSpent, match="still running"):
        await harness.chat.submit(caller, request)
    await harness.deliver(accepted.ticket_id)
    (call,) = model_server.calls_for("hi")
    assert (call.body.get("max_tokens") or call.body["max_completion_tokens"]) == 16
    await harness.users.change(caller, AccountChange(spend_remaining=to_dollars(bounds.minimum - 1)))
    with pytest.raises(AllowanceSpent, match="before it is answered"):
        await harness.chat.submit(caller, request)


async def test_a_failed_chat_releases_its_hold(harness: Harness, caller: Caller) -> None:
    """A failed chat is not charged, and leaves no hold."""

    async def fail(route: ModelRoute, request: ChatRequest, timeout: float, live: object = None) -> ChatResult:
        raise ModelFailure("No.", transient=False)

    accepted = await harness.chat.submit(caller, chat("hi"))
    await harness.deliver(accepted.ticket_id, fail)
    account = await harness.account(caller.uid)
    assert (account.held, account.remaining) == (0, 100_000_000)


LOST = [Aborted("lost"), DeadlineExceeded("lost"), ServiceUnavailable("lost")]


@pytest.mark.parametrize("error", LOST)
async def test_an_admission_whose_response_is_lost_still_counts(
    harness: Harness, caller: Caller, cloud_tasks: CloudTasksServer, error: Exception
) -> None:
    """If the commit that admits a chat seems to fail, there is still exactly one ticket, one task and one hold."""
    await harness.users.get(caller)
    lose_responses(harness.database, error)
    accepted = await harness.chat.submit(caller, chat("hi"))
    assert [name.split("/")[-1] for name in cloud_tasks.tasks] == [f"{accepted.ticket_id}-1"]
    ticket = await harness.database.tickets.get(accepted.ticket_id)
    assert ticket is not None
    assert (await harness.account(caller.uid)).held == ticket.hold > 0


@pytest.mark.parametrize("error", LOST)
async def test_a_report_whose_response_is_lost_is_charged_once(
    harness: Harness, caller: Caller, error: Exception
) -> None:
    """A report is charged once even without a key."""
    await harness.users.get(caller)
    lose_responses(harness.database, error)
    reported = await harness.users.report(caller, UsageReport(response_cost=1))
    assert reported.user.usage_info.spend_remaining == 99


@pytest.mark.parametrize("error", LOST)
async def test_a_change_whose_response_is_lost_causes_no_conflict(
    harness: Harness, caller: Caller, error: Exception
) -> None:
    """The retry recognizes the earlier commit, and causes neither a 409 nor a second new period."""
    rev = (await harness.users.get(caller)).rev
    lose_responses(harness.database, error)
    user = await harness.users.change(caller, AccountChange(rev=rev, monthly_allowance=7))
    assert user.usage_info.monthly_allowance == 7
    lose_responses(harness.database, error)
    await harness.users.reset(caller)
    assert (await harness.account(caller.uid)).period == 2


async def test_a_chat_with_an_unpriced_model_is_rejected_when_the_allowance_is_spent(
    harness: Harness, caller: Caller
) -> None:
    """A chat with an unpriced model needs some remaining allowance, because its cost is known only afterwards."""
    catalog = Catalog.load({"OPENROUTER_API_KEY": "x"})
    request = chat("hi", provider="openrouter", model="openrouter/auto")
    service = ChatService(harness.database, harness.queue, catalog, harness.settings)
    await service.submit(caller, request)
    assert (await harness.account(caller.uid)).held == 1
    await harness.users.change(caller, AccountChange(spend_remaining=0))
    with pytest.raises(AllowanceSpent):
        await service.submit(caller, request)


async def test_a_chat_that_spans_two_periods_is_charged_in_the_second(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """The chat is charged in the new period, and its hold is released."""
    accepted = await harness.chat.submit(caller, chat("hi"))
    past = to_milliseconds(datetime.now(UTC) - timedelta(days=1))
    await harness.users.change(caller, AccountChange(allowance_reset_date=past))
    await harness.deliver(accepted.ticket_id)
    account = await harness.account(caller.uid)
    assert (account.period, account.held) == (2, 0)
    assert account.remaining == 100_000_000 - sum(await harness.get_charges(caller.uid)) < 100_000_000


@pytest.mark.parametrize("troubled", [False, True])
async def test_two_hundred_concurrent_chats_never_overspend(
    harness: Harness, caller: Caller, model_server: ModelServer, troubled: bool
) -> None:
    """The allowance covers 50 of 200 concurrent chats. If `troubled`, workers die at random and tasks are repeated.

    The charges stay within the allowance and equal the entries to the millionth. No ticket is stuck; no hold remains.
    """
    random_numbers = random.Random(7)  # noqa: S311 - reproducible on purpose
    request = chat("the same", answer_tokens=500)
    estimate = bound_cost(harness.catalog.route("openai", MODEL), request, harness.settings).maximum
    allowance = to_dollars(50 * estimate)
    await harness.users.change(caller, AccountChange(monthly_allowance=allowance, spend_remaining=allowance))
    model_server.script("the same", *[Answer("ok", 0.05, prompt_tokens=12, completion_tokens=500)] * 1000)
    accepted: list[str] = []
    rejected = 0

    async def submit_one() -> None:
        nonlocal rejected
        try:
            ticket = await harness.chat.submit(caller, request)
        except AllowanceSpent:
            rejected += 1
            return
        accepted.append(ticket.ticket_id)
        await deliver_until_finished(ticket.ticket_id)

    async def deliver_until_finished(ticket_id: str) -> None:
        while not (await harness.tickets.look_up(caller, ticket_id)).status.finished:
            deliveries = [
                asyncio.create_task(harness.deliver(ticket_id))
                for _ in range(random_numbers.choice([1, 2, 3]) if troubled else 1)
            ]
            if troubled and random_numbers.random() < 0.3:
                await asyncio.sleep(random_numbers.random() * 0.2)
                deliveries[0].cancel()
            await asyncio.gather(*deliveries, return_exceptions=True)
            await asyncio.sleep(0.2 if troubled else 0)

    await asyncio.gather(*(submit_one() for _ in range(200)))
    account = await harness.account(caller.uid)
    charged = await harness.get_charges(caller.uid)
    assert len(accepted) + rejected == 200
    assert len(accepted) >= 50
    assert account.held == 0
    assert account.remaining >= 0
    assert sum(charged) == 50 * estimate - account.remaining <= 50 * estimate
    tickets = [await harness.tickets.look_up(caller, ticket_id) for ticket_id in accepted]
    completed = [ticket for ticket in tickets if ticket.status is TicketStatus.COMPLETED]
    assert len(charged) == len(completed) >= 50
    assert troubled or len(completed) == len(accepted)


async def test_a_second_delivery_is_rejected_during_the_first(harness: Harness, caller: Caller) -> None:
    """While a worker answers a ticket, another delivery has to be retried later. The ticket is charged once."""
    accepted = await harness.chat.submit(caller, chat("hi"))
    may_end = asyncio.Event()

    async def wait_and_answer(
        route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        await may_end.wait()
        return ChatResult(content="ok", model="m", cost=0.5)

    first = asyncio.create_task(harness.deliver(accepted.ticket_id, wait_and_answer))
    await asyncio.sleep(0.3)
    with pytest.raises(TooEarly):
        await harness.deliver(accepted.ticket_id, wait_and_answer)
    may_end.set()
    await first
    assert await harness.get_charges(caller.uid) == [500_000]
