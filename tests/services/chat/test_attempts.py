"""An attempt that fails after the provider has begun is charged, and the next attempt has its own hold."""

import asyncio
import contextlib
import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.llm.catalog import Catalog, ModelRoute
from shared.llm.estimate import bound_cost
from shared.llm.failures import ModelFailure
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult, TicketStatus, Usage
from shared.models.errors import TooEarly, Unavailable
from shared.models.money import to_dollars
from shared.models.run import RunCodeRequest
from shared.models.user import AccountChange
from shared.settings import Settings
from shared.store import Transaction
from tests.database_faults import lose_responses
from tests.doubles.model_server import Answer, BrokenConnection, Fail, ModelServer, Wire
from tests.services.harness import MODEL, Harness, chat, create_answering_service

USED = Usage(prompt_tokens=10, completion_tokens=20, total_tokens=30, estimated=True)


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


class Model:
    """A model that fails `failures` times at a cost, and then answers. `limits` are the `max_tokens` of its calls."""

    def __init__(self, failures: int, cost: float, *, transient: bool = True) -> None:
        self.failures = failures
        self.cost = cost
        self.transient = transient
        self.limits: list[int] = []

    async def __call__(
        self, route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        limit = request.parameters["max_tokens"]
        assert isinstance(limit, int)
        self.limits.append(limit)
        if self.failures:
            self.failures -= 1
            raise ModelFailure("It broke.", transient=self.transient, cost=self.cost, usage=USED)
        return ChatResult(content="ok", model="m", cost=0.0005)


async def test_each_attempt_is_charged_once(harness: Harness, caller: Caller) -> None:
    """Each attempt has its own usage entry, which is marked as estimated if it failed. At the end, no hold remains."""
    model, ticket = Model(2, 0.0003), await harness.chat.submit(caller, chat("hi"))
    for _ in range(2):
        with pytest.raises(TooEarly):
            await harness.deliver(ticket.ticket_id, model)
        assert (await harness.account(caller.uid)).held > 0
    for _ in range(2):
        await harness.deliver(ticket.ticket_id, model)
    account = await harness.account(caller.uid)
    assert sorted(await harness.get_charges(caller.uid)) == [300, 300, 500]
    assert (account.held, account.remaining) == (0, 100_000_000 - 1100)
    entries = (await harness.users.get(caller)).usage_info.usage
    assert [entry.metadata.get("estimated") for entry in entries] == [None, True, True]


async def test_the_next_attempt_is_limited_to_the_remaining_allowance(harness: Harness, caller: Caller) -> None:
    """Each attempt allows a shorter answer. Once the allowance covers none, the chat ends; its attempts are charged."""
    request = chat("hi")
    bounds = bound_cost(harness.catalog.route("openai", MODEL), request, harness.settings)
    await harness.users.change(caller, AccountChange(spend_remaining=to_dollars(bounds.maximum)))
    cost = to_dollars((bounds.maximum - bounds.minimum) // 2)
    model, ticket = Model(3, cost), await harness.chat.submit(caller, request)
    for _ in range(2):
        with pytest.raises(TooEarly):
            await harness.deliver(ticket.ticket_id, model)
    await harness.deliver(ticket.ticket_id, model)
    assert model.limits == sorted(model.limits, reverse=True)
    assert model.limits[0] > model.limits[1]
    ended = await harness.tickets.look_up(caller, ticket.ticket_id)
    assert ended.status is TicketStatus.FAILED
    assert ended.error == "It broke. What is left of your allowance does not cover another attempt."
    account = await harness.account(caller.uid)
    assert account.held == 0
    assert account.remaining + sum(await harness.get_charges(caller.uid)) == bounds.maximum


async def test_a_permanent_failure_is_charged(harness: Harness, caller: Caller) -> None:
    """An unusable answer is charged like any other."""
    model, ticket = Model(1, 0.002, transient=False), await harness.chat.submit(caller, chat("hi"))
    await harness.deliver(ticket.ticket_id, model)
    assert (await harness.tickets.look_up(caller, ticket.ticket_id)).status is TicketStatus.FAILED
    assert await harness.get_charges(caller.uid) == [2000]


async def test_costs_below_half_a_millionth_add_up(harness: Harness, caller: Caller) -> None:
    """Ten answers at a tenth of a millionth each are charged one millionth. Each usage entry shows its exact cost."""

    async def answer(route: ModelRoute, request: ChatRequest, timeout: float, live: object = None) -> ChatResult:
        return ChatResult(content="ok", model="m", cost=0.0000001)

    for _ in range(10):
        ticket = await harness.chat.submit(caller, chat("hi"))
        await harness.deliver(ticket.ticket_id, answer)
    assert sum(await harness.get_charges(caller.uid)) == 1
    usage = (await harness.users.get(caller)).usage_info.usage
    assert [entry.response_cost for entry in usage] == [0.0000001] * 10


async def test_the_cost_above_the_remaining_allowance_is_owed(harness: Harness, caller: Caller) -> None:
    """The part of the cost that the allowance does not cover is stored as owed."""
    await harness.users.change(caller, AccountChange(spend_remaining=0.01))

    async def answer_expensively(
        route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        return ChatResult(content="ok", model="m", cost=0.5)

    ticket = await harness.chat.submit(caller, chat("hi"))
    await harness.deliver(ticket.ticket_id, answer_expensively)
    account = await harness.account(caller.uid)
    assert (account.remaining, account.owed) == (0, 490_000)


def fail_once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, number: int) -> None:
    """Makes the call with this number, counted from now, fail as in an outage."""
    original, numbers = getattr(owner, name), itertools.count(1)

    async def call(*args: Any, **kwargs: Any) -> Any:
        if next(numbers) == number:
            raise Unavailable("Temporarily down.")
        return await original(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)


async def test_an_outage_after_an_attempt_does_not_lose_its_cost(
    harness: Harness, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next hold waits until the database works again, because the failed attempt must be charged."""
    model, ticket = Model(1, 0.0003), await harness.chat.submit(caller, chat("hi"))
    fail_once(monkeypatch, harness.database.tickets, "get_request", 2)
    with pytest.raises(TooEarly):
        await harness.deliver(ticket.ticket_id, model)
    await harness.deliver(ticket.ticket_id, model)
    assert sorted(await harness.get_charges(caller.uid)) == [300, 500]


@pytest.fixture
def unpriced_catalog(environ: dict[str, str], model_server: ModelServer) -> Catalog:
    """Returns a catalog that has models without a known price."""
    return Catalog.load({**environ, "OPENROUTER_API_KEY": "sk-or-test", "OPENROUTER_API_BASE": model_server.base_url})


@pytest.mark.parametrize(
    ("step", "charged"),
    [
        (Answer("yes"), 250_000),
        (BrokenConnection(), 250_000),
        (Wire(b"<html>"), 250_000),
        (Answer("yes", reported_cost=0.0123), 12_300),
        (Fail(500), 0),
    ],
    ids=["not reported", "connection lost", "HTML page", "reported", "rejected"],
)
async def test_an_unknown_cost_is_charged_as_the_held_amount(
    settings: Settings, unpriced_catalog: Catalog, caller: Caller, model_server: ModelServer, step: Any, charged: int
) -> None:
    """If the cost of a call is unknown, in a chat or in a run, the held amount is charged. The call is not free."""
    harness = Harness(settings.model_copy(update={"unpriced_hold": 0.25, "chat_max_attempts": 1}), unpriced_catalog)
    model_server.script("hi", step, step)
    ticket = await harness.chat.submit(caller, chat("hi", provider="openrouter", model="openrouter/auto"))
    await harness.deliver(ticket.ticket_id)
    ended = await harness.tickets.look_up(caller, ticket.ticket_id)
    assert ended.result is None or ended.result.cost == to_dollars(charged)
    code = """
async def run(input_dict, tools):
    try:
        return await call_llm("openrouter", "openrouter/auto", "hi")
    except Exception as error:
        return str(error)
"""
    await harness.runs.run_code(caller, RunCodeRequest(code=code))
    assert await harness.get_charges(caller.uid) == [charged] * 2 * bool(charged)
    assert (await harness.account(caller.uid)).held == 0


class GatedModel:
    """A model that waits until `may_end` is set, and then answers or fails. Each call costs 0.0004 dollars."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.called, self.may_end = asyncio.Event(), asyncio.Event()

    async def __call__(
        self, route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        self.called.set()
        await self.may_end.wait()
        if self.fails:
            raise ModelFailure("It broke.", transient=True, cost=0.0004, usage=USED)
        return ChatResult(content="late", model="m", cost=0.0004)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("notices_early", [False, True])
async def test_an_attempt_that_lost_its_ticket_is_charged(
    harness: Harness, caller: Caller, monkeypatch: pytest.MonkeyPatch, fails: bool, notices_early: bool
) -> None:
    """The attempt is charged once, no matter when its worker notices the loss. The other worker's result is stored."""
    ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id
    model = GatedModel(fails=fails)
    settings = harness.settings.model_copy(update={"lease_seconds": 0.9})
    service = create_answering_service(harness.database, harness.catalog, model, settings)
    if not notices_early:
        monkeypatch.setattr(service.holder, "renew_until_cancelled", renew_nothing)
    first = asyncio.create_task(service.answer(ticket_id))
    await model.called.wait()
    await expire(harness, ticket_id)
    await harness.deliver(ticket_id, Model(0, 0))
    if notices_early:
        with pytest.raises(TooEarly):
            await first
    model.may_end.set()
    if not notices_early:
        with pytest.raises(TooEarly):
            await first
    while len(await harness.get_charges(caller.uid)) < 2:  # noqa: ASYNC110 - the abandoned call finishes by itself
        await asyncio.sleep(0.02)
    assert sorted(await harness.get_charges(caller.uid)) == [400, 500]
    ended = await harness.tickets.look_up(caller, ticket_id)
    assert ended.result is not None
    assert ended.result.content == "ok"
    account = await harness.account(caller.uid)
    assert (account.held, account.remaining) == (0, 100_000_000 - 900)


async def renew_nothing(_ticket_id: str) -> None:
    await asyncio.Event().wait()


async def expire(harness: Harness, ticket_id: str) -> None:
    """Ends the ticket's lease, as if its worker had not renewed it."""

    async def write(transaction: Transaction) -> None:
        found = await harness.database.tickets.get(ticket_id, transaction)
        assert found is not None
        harness.database.tickets.put(found.renew(datetime.now(UTC), -1), transaction)

    await harness.database.transaction(write)


async def test_a_chat_is_charged_once_if_the_response_to_its_last_commit_is_lost(
    harness: Harness, caller: Caller
) -> None:
    """The worker finds that the ticket has already ended, and does not charge it again."""
    ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id
    lose_responses(harness.database, ServiceUnavailable("gone"), *range(2, 4))
    with contextlib.suppress(TooEarly):
        await harness.deliver(ticket_id, Model(0, 0))
    assert (await harness.tickets.look_up(caller, ticket_id)).status is TicketStatus.COMPLETED
    assert await harness.get_charges(caller.uid) == [500]
