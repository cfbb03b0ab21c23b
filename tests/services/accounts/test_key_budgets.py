"""An API key's budget limits what its requests cost its user, even if many are sent concurrently."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.llm.catalog import Catalog
from shared.llm.failures import ModelFailure
from shared.models.account import Account
from shared.models.api_key import CreateKeyRequest, Key
from shared.models.caller import Caller
from shared.models.chat import TicketStatus, Usage
from shared.models.errors import AllowanceSpent, KeyBudgetSpent, TooEarly
from shared.models.hold import Hold
from shared.models.key_period import KeyPeriod, Period, period_id
from shared.models.money import PICOS_PER_MICRO
from shared.models.run import RunCodeRequest
from shared.services.accounts.spending import SpendingService
from shared.services.api_keys.keys import ApiKeyService
from shared.settings import Settings
from tests.database_data import store_account
from tests.services.harness import GatedModel, Harness, chat, create_model, create_run_service
from tests.services.publishing import MODEL_CALLER, publish
from tests.stopped_clock import StoppedClock

USER = Caller("u")
CALLING = """
async def run(input_dict, tools):
    answers = []
    for _ in range(3):
        answers.append(await call_llm("openai", "gpt-4.1-mini", "hi", {"max_tokens": 100}))
    return len(answers)
"""


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    harness = Harness(settings, catalog)
    await set_remaining(harness, 1_000_000)
    return harness


@pytest.fixture
async def keys(harness: Harness) -> ApiKeyService:
    return ApiKeyService(harness.database, harness.settings)


async def set_remaining(harness: Harness, micros: int) -> None:
    now = clock.now()
    await store_account(
        harness.database, Account(uid="u", allowance=micros, remaining=micros, created_at=now, updated_at=now)
    )


async def make_caller(harness: Harness, keys: ApiKeyService, dollars: float | None, period: str = "day") -> Caller:
    budget = None if dollars is None else {"amount": dollars, "period": period}
    created = await keys.create(USER, CreateKeyRequest.model_validate({"name": "k", "budget": budget}))
    return Caller("u", key=await harness.database.api_keys.get(created.id))


async def get_period(harness: Harness, caller: Caller) -> KeyPeriod | None:
    assert caller.key is not None
    id_ = period_id(caller.key.id, caller.key.period, clock.now())
    return await harness.database.key_periods.get(id_)


async def show(keys: ApiKeyService) -> Key:
    (key,) = (await keys.list(USER, 1)).items
    return key


async def test_a_chat_is_held_and_charged(harness: Harness, keys: ApiKeyService) -> None:
    """A chat's maximum cost is held of the budget and of the account. Its cost is then counted in both, exactly."""
    caller = await make_caller(harness, keys, 0.5)
    ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id
    held = await get_period(harness, caller)
    assert held is not None
    assert held.held == (await harness.account("u")).held > 0
    await harness.deliver(ticket_id, create_model(700))
    period = await get_period(harness, caller)
    assert period is not None
    assert (period.held, period.spent) == (0, 700 * PICOS_PER_MICRO)
    account = await harness.account("u")
    assert (account.held, account.remaining) == (0, 1_000_000 - 700)
    assert (await show(keys)).spent == 0.0007
    user = await harness.users.get(USER)
    assert [(entry.response_cost, entry.metadata["key_id"]) for entry in user.usage_info.usage] == [
        (0.0007, caller.key and caller.key.id)
    ]


async def test_a_spent_key_is_refused(harness: Harness, keys: ApiKeyService) -> None:
    """Once its budget is spent, a key gets 402 with the time of its renewal. Its user and other keys do not."""
    caller = await make_caller(harness, keys, 0.002)
    other = await make_caller(harness, keys, None)
    ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id
    await harness.deliver(ticket_id, create_model(2000))
    with pytest.raises(KeyBudgetSpent, match=r"spent its budget for the day.*00:00 UTC"):
        await harness.chat.submit(caller, chat("hi"))
    await harness.chat.submit(USER, chat("hi"))
    await harness.chat.submit(other, chat("hi"))


@pytest.mark.parametrize(("period", "days"), [("day", 1), ("month", 31)])
async def test_a_budget_is_full_again(
    harness: Harness, keys: ApiKeyService, stopped_clock: StoppedClock, period: str, days: int
) -> None:
    """In the next day or month, the key may spend its whole budget again."""
    caller = await make_caller(harness, keys, 0.002, period)
    await harness.deliver((await harness.chat.submit(caller, chat("hi"))).ticket_id, create_model(2000))
    with pytest.raises(KeyBudgetSpent):
        await harness.chat.submit(caller, chat("hi"))
    stopped_clock.move(timedelta(days=days).total_seconds())
    await harness.deliver((await harness.chat.submit(caller, chat("hi"))).ticket_id, create_model(2000))
    assert (await show(keys)).spent == 0.002


async def test_the_allowance_still_counts(harness: Harness, keys: ApiKeyService) -> None:
    """A budget adds nothing to its user's allowance."""
    caller = await make_caller(harness, keys, 100)
    await set_remaining(harness, 0)
    with pytest.raises(AllowanceSpent, match="Your allowance is used up"):
        await harness.chat.submit(caller, chat("hi"))
    assert await get_period(harness, caller) is None


async def test_concurrent_chats_stay_within_the_budget(harness: Harness, keys: ApiKeyService) -> None:
    """Of many concurrent chats, as many are accepted as the budget covers. The sum of the charges is exact."""
    caller = await make_caller(harness, keys, 0.0166)  # covers ten chats of at most 1,660 micros
    results = await asyncio.gather(
        *(harness.chat.submit(caller, chat("hi")) for _ in range(30)), return_exceptions=True
    )
    accepted = [result.ticket_id for result in results if not isinstance(result, BaseException)]
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(result, KeyBudgetSpent) for result in refused)
    assert 0 < len(accepted) < 30
    await asyncio.gather(*(harness.deliver(ticket_id, create_model(333)) for ticket_id in accepted))
    period = await get_period(harness, caller)
    assert period is not None
    assert (period.held, period.spent) == (0, 333 * len(accepted) * PICOS_PER_MICRO)
    assert sum(await harness.get_charges("u")) == 333 * len(accepted) <= 16_600


async def test_a_failed_chat_releases_its_hold(harness: Harness, keys: ApiKeyService) -> None:
    """A chat that fails costs nothing, and its hold is released from the budget."""
    caller = await make_caller(harness, keys, 0.5)
    ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id

    async def fail(*_: object, **__: object) -> None:
        raise ModelFailure("no", transient=False)

    await harness.deliver(ticket_id, fail)
    period = await get_period(harness, caller)
    assert period is not None
    assert (period.held, period.spent) == (0, 0)


async def test_a_repeated_attempt_keeps_its_hold(harness: Harness, keys: ApiKeyService) -> None:
    """An attempt that failed after the provider had billed it is charged, and the next one has a hold of its own."""
    caller = await make_caller(harness, keys, 0.5)
    ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id

    async def fail(*_: object, **__: object) -> None:
        raise ModelFailure("no", transient=True, cost=0.0003, usage=Usage())

    with pytest.raises(TooEarly):
        await harness.deliver(ticket_id, fail)
    period, account = await get_period(harness, caller), await harness.account("u")
    assert period is not None
    assert (period.held, period.spent) == (account.held, 300 * PICOS_PER_MICRO)
    await harness.deliver(ticket_id, create_model(700))
    period = await get_period(harness, caller)
    assert period is not None
    assert (period.held, period.spent) == (0, 1000 * PICOS_PER_MICRO)
    assert sum(await harness.get_charges("u")) == 1000


async def test_a_runs_calls_count(harness: Harness, keys: ApiKeyService) -> None:
    """The calls of code that is run with a key count against its budget, and fail with 402 once it is spent."""
    caller = await make_caller(harness, keys, 0.002)
    runs = create_run_service(harness.database, harness.catalog, create_model(1000), harness.settings)
    with pytest.raises(AllowanceSpent):
        await runs.run_code(caller, RunCodeRequest(code=CALLING, input_dict={}, tools={}))
    period = await get_period(harness, caller)
    assert period is not None
    assert (period.held, period.spent) == (0, 2000 * PICOS_PER_MICRO)


async def test_a_chat_with_an_agent_counts(harness: Harness, keys: ApiKeyService) -> None:
    """The calls of an agent that a worker runs count against the key that requested the run."""
    await publish(harness.database, USER, "ask", MODEL_CALLER)
    caller = await make_caller(harness, keys, 0.5)
    request = chat("hi", provider="gofannon", model="ask").model_copy(update={"parameters": {}})
    ticket_id = (await harness.chat.submit(caller, request)).ticket_id
    await harness.deliver(ticket_id, create_model(900))
    ticket = await harness.tickets.look_up(USER, ticket_id)
    assert ticket.status is TicketStatus.COMPLETED, ticket.error
    period = await get_period(harness, caller)
    assert period is not None
    assert (period.held, period.spent) == (0, 900 * PICOS_PER_MICRO)


async def test_a_revoked_keys_runs_spend_nothing_more(harness: Harness, keys: ApiKeyService) -> None:
    """After a key was revoked, the runs that it started continue, but their model calls are refused."""
    await publish(harness.database, USER, "ask", MODEL_CALLER)
    caller = await make_caller(harness, keys, 0.5)
    request = chat("hi", provider="gofannon", model="ask").model_copy(update={"parameters": {}})
    ticket_id = (await harness.chat.submit(caller, request)).ticket_id
    assert caller.key is not None
    await keys.revoke(USER, caller.key.id)
    model = GatedModel(900)
    await harness.deliver(ticket_id, model)
    ticket = await harness.tickets.look_up(USER, ticket_id)
    assert ticket.status is TicketStatus.FAILED
    assert "revoked" in (ticket.error or "")
    assert model.calls == 0
    assert (await harness.account("u")).held == 0


async def test_a_revoked_keys_chat_is_settled(harness: Harness, keys: ApiKeyService) -> None:
    """A chat that is being answered when its key is revoked is answered and charged to its user."""
    caller = await make_caller(harness, keys, 0.5)
    ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id
    assert caller.key is not None
    await keys.revoke(USER, caller.key.id)
    await harness.deliver(ticket_id, create_model(700))
    assert (await harness.tickets.look_up(USER, ticket_id)).status is TicketStatus.COMPLETED
    account = await harness.account("u")
    assert (account.held, account.remaining) == (0, 1_000_000 - 700)
    assert await get_period(harness, caller) is None


async def test_tiny_costs_add_up_exactly(harness: Harness, keys: ApiKeyService) -> None:
    """Costs of less than a millionth of a dollar are added up, not rounded."""
    caller = await make_caller(harness, keys, 0.5)
    for _ in range(3):
        ticket_id = (await harness.chat.submit(caller, chat("hi"))).ticket_id
        await harness.deliver(ticket_id, create_model(1 / 4))  # pyright: ignore[reportArgumentType]
    period = await get_period(harness, caller)
    assert period is not None
    assert period.spent == 750_000
    assert (await show(keys)).spent == pytest.approx(7.5e-7, rel=1e-12)


async def test_a_hold_belongs_to_one_period(
    harness: Harness, keys: ApiKeyService, stopped_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that is admitted at midnight is released and counted in the period in which it was held."""
    caller = await make_caller(harness, keys, 0.5)
    stopped_clock.move((Period.DAY.end(clock.now()) - clock.now()).total_seconds() - 0.001)
    make_hold = SpendingService.make_hold

    def make_before_midnight(*arguments: Any) -> Hold:
        hold = make_hold(*arguments)
        stopped_clock.move(1)
        return hold

    monkeypatch.setattr(SpendingService, "make_hold", make_before_midnight)
    runs = create_run_service(harness.database, harness.catalog, create_model(1000), harness.settings)
    code = CALLING.replace("range(3)", "range(1)")
    await runs.run_code(caller, RunCodeRequest(code=code, input_dict={}, tools={}))
    period = await get_period(harness, caller)
    assert period is not None
    assert (period.held, period.spent) == (0, 1000 * PICOS_PER_MICRO)


async def test_an_expired_keys_runs_spend_nothing_more(
    harness: Harness, keys: ApiKeyService, stopped_clock: StoppedClock
) -> None:
    """What a key has started makes no further calls that cost something once the key has expired."""
    await publish(harness.database, USER, "ask", MODEL_CALLER)
    expires_at = clock.now() + timedelta(minutes=5)
    request = CreateKeyRequest.model_construct(name="k", expires_at=expires_at, budget=None, scopes=None)
    created = await keys.create(USER, request)
    caller = Caller("u", key=await harness.database.api_keys.get(created.id))
    chat_request = chat("hi", provider="gofannon", model="ask").model_copy(update={"parameters": {}})
    ticket_id = (await harness.chat.submit(caller, chat_request)).ticket_id
    stopped_clock.move(301)
    model = GatedModel(900)
    await harness.deliver(ticket_id, model)
    ticket = await harness.database.tickets.get(ticket_id)
    assert ticket is not None
    assert (ticket.status, model.calls) == (TicketStatus.FAILED, 0)
    assert "expired" in (ticket.error or "")
