"""The policies of published agents, enforced at every way to call them by name: who pays, and how often they run."""

import asyncio
from datetime import UTC, datetime

import pytest

from shared.models.account import Account
from shared.models.agent import Agent
from shared.models.agent_run import StartRunRequest
from shared.models.api_key import CreateKeyRequest, Scope
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest
from shared.models.deployment import DeployRequest
from shared.models.deployment_day import day_id
from shared.models.errors import (
    AllowanceSpent,
    DeploymentBudgetSpent,
    Forbidden,
    KeyBudgetSpent,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from shared.models.ticket import Ticket
from shared.models.wire import JsonObject
from shared.services.agents.deployments import DeploymentService
from shared.services.agents.published import PublishedService
from shared.services.agents.published_lookup import Identify
from shared.services.api_keys.keys import ApiKeyService
from shared.services.chat.run_submission import RunSubmission
from shared.services.chat.run_views import RunViews
from tests.database_data import store_account
from tests.services.harness import GatedModel, Harness, chat, create_model, create_published_service
from tests.services.publishing import ECHO, MODEL_CALLER, save

OWNER, ADA, BOB = Caller(uid="owner"), Caller(uid="ada"), Caller(uid="bob")
HI: JsonObject = {"inputText": "hi"}
COST = 400


async def create_key(harness: Harness, caller: Caller, budget: float | None = None) -> Caller:
    """Returns the caller with an API key for runs and chats. `budget`: US dollars per day."""
    limit = None if budget is None else {"amount": budget, "period": "day"}
    body = {"name": "k", "scopes": ["run", "chat"], "budget": limit}
    service = ApiKeyService(harness.database, harness.settings)
    created = await service.create(caller, CreateKeyRequest.model_validate(body))
    return Caller(uid=caller.uid, key=await harness.database.api_keys.get(created.id))


async def spent_by(harness: Harness, caller: Caller) -> float:
    """Returns what the caller's key has spent, in US dollars."""
    service = ApiKeyService(harness.database, harness.settings)
    return sum(key.spent for key in (await service.list(caller, 10)).items)


def verified(caller: Caller) -> Identify:
    async def identify() -> Caller:
        return caller

    return identify


async def publish(harness: Harness, code: str = ECHO, visibility: str = "private", **policy: object) -> Agent:
    agent = await save(harness.database, OWNER, code, friendlyName="greeter", visibility=visibility)
    service = DeploymentService(harness.database, harness.settings)
    await service.deploy(OWNER, agent.id, DeployRequest.model_validate(policy))
    return agent


async def spent_today(harness: Harness, agent: Agent) -> int:
    day = await harness.database.deployment_days.get(day_id(agent.id, datetime.now(UTC)))
    return 0 if day is None else day.spent


async def spend_all(harness: Harness, caller: Caller) -> None:
    now = datetime.now(UTC)
    account = Account(uid=caller.uid, allowance=5, remaining=0, created_at=now, updated_at=now)
    await store_account(harness.database, account)


def submission(harness: Harness) -> RunSubmission:
    return RunSubmission(harness.database, harness.queue, harness.settings)


def chat_with_agent() -> ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], "provider": GOFANNON, "model": "greeter"}
    return ChatRequest.model_validate(body)


async def get_ticket(harness: Harness, ticket_id: str) -> Ticket:
    ticket = await harness.database.tickets.get(ticket_id)
    assert ticket is not None
    return ticket


async def test_callers_of_a_public_agent_are_not_verified(published: PublishedService, harness: Harness) -> None:
    """A token that is sent along costs nothing and changes nothing."""

    async def identify() -> Caller:
        raise AssertionError("verified")

    await publish(harness)
    assert (await published.call("greeter", HI, "a", "k", identify)).result == {"outputText": "hi"}
    await submission(harness).start_public("greeter", HI, "a", "k", identify)


@pytest.mark.parametrize("access", ["signed-in", "key"])
async def test_a_caller_without_a_token_is_refused(published: PublishedService, harness: Harness, access: str) -> None:
    """Neither a call nor a run starts, even if the input is invalid or the agent hidden."""
    await publish(harness, access=access)
    for refused in (published.call("greeter", {}, "a"), submission(harness).start_public("greeter", {}, "a", None)):
        with pytest.raises(Unauthenticated):
            await refused


async def test_the_policy_counts_before_stored_results(published: PublishedService, harness: Harness) -> None:
    """A result that is stored under an idempotency key is not returned to a caller who may no longer call the agent."""
    agent = await publish(harness, visibility="shared", access="signed-in")
    await published.call("greeter", HI, "a", "k", verified(ADA))
    service = DeploymentService(harness.database, harness.settings)
    await service.deploy(OWNER, agent.id, DeployRequest(access="key"))
    with pytest.raises(Forbidden):
        await published.call("greeter", HI, "a", "k", verified(ADA))
    assert (await published.call("greeter", HI, "a", "k", verified(await create_key(harness, ADA)))).replayed


@pytest.mark.parametrize("has_key", [False, True])
async def test_callers_pay_if_the_owner_has_decided_so(harness: Harness, has_key: bool) -> None:
    """Exactly the cost of the call is charged to the caller and counted against the caller's key. Nothing is charged to
    the owner or counted against the agent's budget, which may be zero."""
    agent = await publish(harness, MODEL_CALLER, access="signed-in", payer="caller", budgetPerDay=0)
    published = create_published_service(harness, create_model(COST))
    caller = await create_key(harness, ADA, budget=0.5) if has_key else ADA
    for _ in range(2):
        await published.call("greeter", HI, "a", None, verified(caller))
    assert await harness.get_charges("ada") == [COST, COST]
    assert await harness.get_charges("owner") == []
    assert await harness.database.accounts.get("owner") is None
    assert await spent_today(harness, agent) == 0
    ada = await harness.account("ada")
    assert (ada.held, ada.allowance - ada.remaining) == (0, 2 * COST)
    assert await spent_by(harness, ADA) == (2 * COST / 1e6 if has_key else 0)


@pytest.mark.parametrize("user", [ADA, OWNER])
@pytest.mark.parametrize("has_key", [False, True])
async def test_the_owner_pays_by_default(harness: Harness, user: Caller, has_key: bool) -> None:
    """Whoever calls, exactly the cost is charged to the owner, and counts against the agent's budget. It also counts
    against a key of the owner, but never against another user's."""
    agent = await publish(harness, MODEL_CALLER, access="signed-in")
    published = create_published_service(harness, create_model(COST))
    caller = await create_key(harness, user) if has_key else user
    for _ in range(2):
        await published.call("greeter", HI, "a", None, verified(caller))
    assert await harness.get_charges("owner") == [COST, COST]
    assert await harness.get_charges("ada") == []
    assert await spent_today(harness, agent) == 2 * COST
    assert await spent_by(harness, user) == (2 * COST / 1e6 if has_key and user is OWNER else 0)


@pytest.mark.parametrize(("user", "payer"), [(ADA, "caller"), (OWNER, "caller"), (OWNER, "owner")])
async def test_the_payers_key_stops_at_its_budget(harness: Harness, user: Caller, payer: str) -> None:
    """A call or a run that the key's budget does not cover is refused, with a message about the key, and nothing is
    charged. Without the key, the same user may call the agent."""
    await publish(harness, MODEL_CALLER, access="signed-in", payer=payer)
    model = GatedModel(COST)
    published = create_published_service(harness, model)
    caller = await create_key(harness, user, budget=0)
    for refused in (
        published.call("greeter", HI, "a", None, verified(caller)),
        submission(harness).start_public("greeter", HI, "a", None, verified(caller)),
    ):
        with pytest.raises(KeyBudgetSpent, match="API key"):
            await refused
    assert (model.calls, await harness.get_charges(user.uid)) == (0, [])
    await published.call("greeter", HI, "a", None, verified(user))
    assert await harness.get_charges(user.uid) == [COST]


@pytest.mark.parametrize(("user", "payer"), [(ADA, "caller"), (ADA, "owner"), (OWNER, "owner")])
async def test_a_runs_cost_counts_against_the_payers_key(harness: Harness, user: Caller, payer: str) -> None:
    """A worker charges a run like a call: to the payer, to the payer's key, and to the agent's budget if the owner
    pays."""
    agent = await publish(harness, MODEL_CALLER, access="signed-in", payer=payer)
    caller = await create_key(harness, user)
    started, _ = await submission(harness).start_public("greeter", HI, "a", None, verified(caller))
    await harness.deliver(started.run_id, create_model(COST))
    paying = OWNER if payer == "owner" else user
    for each in (ADA, OWNER):
        assert await harness.get_charges(each.uid) == ([COST] if each is paying else [])
    assert await spent_by(harness, user) == (COST / 1e6 if user is paying else 0)
    assert await spent_today(harness, agent) == (COST if payer == "owner" else 0)


async def test_an_owner_who_calls_as_a_payer_does_not_use_up_the_budget(harness: Harness) -> None:
    """If callers pay, the owner's own calls are charged like everyone's, and do not count against the budget."""
    agent = await publish(harness, MODEL_CALLER, access="key", payer="caller", budgetPerDay=0)
    published = create_published_service(harness, create_model(COST))
    await published.call("greeter", HI, "a", None, verified(OWNER))
    assert await harness.get_charges("owner") == [COST]
    assert await spent_today(harness, agent) == 0


async def test_the_hold_is_on_the_payers_account(harness: Harness) -> None:
    """While the model answers, the caller's allowance is held, and the owner's is not."""
    await publish(harness, MODEL_CALLER, access="signed-in", payer="caller")
    model = GatedModel(COST)
    model.open.clear()
    published = create_published_service(harness, model)
    call = asyncio.create_task(published.call("greeter", HI, "a", None, verified(ADA)))
    await model.called.wait()
    assert (await harness.account("ada")).held > 0
    model.open.set()
    await call
    assert (await harness.account("ada")).held == 0
    assert await harness.database.accounts.get("owner") is None


async def test_a_payer_without_allowance_is_told_so(harness: Harness) -> None:
    """A caller who pays reads about their own allowance, and another one about the owner's. No model is called."""
    model = GatedModel(COST)
    published = create_published_service(harness, model)
    agent = await publish(harness, MODEL_CALLER, access="signed-in", payer="caller")
    for spender in (ADA, OWNER):
        await spend_all(harness, spender)
    for refused in (
        published.call("greeter", HI, "a", None, verified(ADA)),
        submission(harness).start_public("greeter", HI, "a", None, verified(ADA)),
    ):
        with pytest.raises(AllowanceSpent, match="Your allowance is used up"):
            await refused
    await published.call("greeter", HI, "a", None, verified(BOB))
    service = DeploymentService(harness.database, harness.settings)
    await service.deploy(OWNER, agent.id, DeployRequest(payer="owner"))
    for refused in (
        published.call("greeter", HI, "a", None, verified(BOB)),
        submission(harness).start_public("greeter", HI, "a", None, verified(BOB)),
    ):
        with pytest.raises(AllowanceSpent, match="The agent's owner has no allowance left"):
            await refused
    with pytest.raises(AllowanceSpent, match="Your allowance is used up"):
        await submission(harness).start_public("greeter", HI, "a", None, verified(OWNER))
    assert model.calls == 1


async def test_the_budget_stops_only_what_the_owner_pays(harness: Harness) -> None:
    """Once the budget is spent, calls and runs are refused until callers pay for themselves."""
    agent = await publish(harness, MODEL_CALLER, access="signed-in", budgetPerDay=0.0004)
    published = create_published_service(harness, create_model(COST))
    await published.call("greeter", HI, "a", None, verified(ADA))
    for refused in (
        published.call("greeter", HI, "a", None, verified(ADA)),
        submission(harness).start_public("greeter", HI, "a", None, verified(ADA)),
    ):
        with pytest.raises(DeploymentBudgetSpent):
            await refused
    service = DeploymentService(harness.database, harness.settings)
    await service.deploy(OWNER, agent.id, DeployRequest(payer="caller"))
    await published.call("greeter", HI, "a", None, verified(ADA))
    assert (await harness.get_charges("owner"), await harness.get_charges("ada")) == ([COST], [COST])


async def test_each_user_has_the_whole_rate(published: PublishedService, harness: Harness) -> None:
    """A verified user is counted wherever the requests come from, also in chats and runs by name. Others at the same
    address are not affected."""
    await publish(harness, visibility="shared", access="signed-in", ratePerMinute=3)
    await published.call("greeter", HI, "1.1.1.1", None, verified(ADA))
    await harness.chat.submit(ADA, chat_with_agent())
    await submission(harness).start(ADA, StartRunRequest(friendly_name="greeter", input=HI), None)
    with pytest.raises(TooManyRequests, match="This agent takes 3 calls a minute from each caller"):
        await published.call("greeter", HI, "2.2.2.2", None, verified(ADA))
    with pytest.raises(TooManyRequests):
        await harness.chat.submit(ADA, chat_with_agent())
    with pytest.raises(TooManyRequests):
        await submission(harness).start(ADA, StartRunRequest(friendly_name="greeter", input=HI), None)
    await published.call("greeter", HI, "1.1.1.1", None, verified(BOB))


async def test_a_repeated_chat_or_run_gets_its_ticket(harness: Harness) -> None:
    """A request whose response was lost is repeated with its key, even if the rate or a stricter policy would now
    refuse it."""
    agent = await publish(harness, visibility="shared", access="signed-in", ratePerMinute=2)
    run = StartRunRequest(friendly_name="greeter", input=HI)
    accepted, _ = await harness.chat.submit_once(ADA, chat_with_agent(), "k")
    started, _ = await submission(harness).start(ADA, run, "k")
    service = DeploymentService(harness.database, harness.settings)
    for access in ("signed-in", "key"):
        await service.deploy(OWNER, agent.id, DeployRequest.model_validate({"access": access}))
        assert await harness.chat.submit_once(ADA, chat_with_agent(), "k") == (accepted, True)
        assert await submission(harness).start(ADA, run, "k") == (started, True)


async def test_each_address_has_the_whole_rate(harness: Harness) -> None:
    """The rate of a public agent replaces the one in the settings, whichever is higher."""
    await publish(harness, ratePerMinute=2)
    for default in (1, 600):
        published = create_published_service(harness, create_model(COST), rest_rate_per_minute=default)
        for _ in range(2):
            await published.call("greeter", HI, f"address {default}")
        with pytest.raises(TooManyRequests):
            await published.call("greeter", HI, f"address {default}")


async def test_an_idempotency_key_belongs_to_the_user(published: PublishedService, harness: Harness) -> None:
    """A user gets the stored result at another address, too. Another user at the same address does not."""
    await publish(harness, access="signed-in")
    first = await published.call("greeter", HI, "1.1.1.1", "k", verified(ADA))
    assert (await published.call("greeter", HI, "2.2.2.2", "k", verified(ADA))).run_id == first.run_id
    assert (await published.call("greeter", HI, "1.1.1.1", "k", verified(BOB))).run_id != first.run_id
    started = [
        await submission(harness).start_public("greeter", HI, address, "k", verified(caller))
        for address, caller in (("1.1.1.1", ADA), ("2.2.2.2", ADA), ("1.1.1.1", BOB))
    ]
    assert [replayed for _, replayed in started] == [False, True, False]
    assert started[0][0] == started[1][0] != started[2][0]


async def test_a_run_belongs_to_the_caller_who_pays(harness: Harness) -> None:
    """A caller who pays for a run owns it, is charged for it, and nobody else sees it."""
    agent = await publish(harness, MODEL_CALLER, access="signed-in", payer="caller", budgetPerDay=0)
    started, _ = await submission(harness).start_public("greeter", HI, "a", None, verified(ADA))
    ticket = await get_ticket(harness, started.run_id)
    assert (ticket.owner, ticket.is_public) == ("ada", False)
    await harness.deliver(started.run_id, create_model(COST))
    assert (await harness.get_charges("owner"), await spent_today(harness, agent)) == ([], 0)
    views = RunViews(harness.database, harness.settings)
    assert (await views.look_up_public(ADA, started.run_id, "a")).agent_id == agent.id
    for stranger, error in ((None, Unauthenticated), (BOB, NotFound), (OWNER, NotFound)):
        with pytest.raises(error):
            await views.look_up_public(stranger, started.run_id, "a")


async def test_a_run_that_the_owner_pays_is_shown_to_its_caller(harness: Harness) -> None:
    """The owner owns the run, and the user who has called the agent sees its result. Nobody else does."""
    await publish(harness, access="signed-in")
    started, _ = await submission(harness).start_public("greeter", HI, "a", None, verified(ADA))
    assert (await get_ticket(harness, started.run_id)).owner == "owner"
    await harness.deliver(started.run_id)
    views = RunViews(harness.database, harness.settings)
    run = await views.look_up_public(await create_key(harness, ADA), started.run_id, "a")
    assert (run.result, run.input, run.agent_id) == ({"outputText": "hi"}, None, None)
    assert (await views.look_up_public(OWNER, started.run_id, "a")).input == HI
    for stranger, error in ((None, Unauthenticated), (BOB, NotFound)):
        with pytest.raises(error):
            await views.look_up_public(stranger, started.run_id, "a")


async def test_chats_and_runs_by_name_follow_the_policy(harness: Harness) -> None:
    """A user without a key can neither chat with an agent that requires one nor run it by its name, but by its id, if
    they can see it. The caller pays in any case."""
    agent = await publish(harness, visibility="shared", access="key")
    by_name = StartRunRequest(friendly_name="greeter", input=HI)
    with pytest.raises(Forbidden, match="API key"):
        await harness.chat.submit(ADA, chat_with_agent())
    with pytest.raises(Forbidden, match="API key"):
        await submission(harness).start(ADA, by_name, None)
    with_key = await create_key(harness, ADA)
    accepted = await harness.chat.submit(with_key, chat_with_agent())
    started = [
        (await submission(harness).start(with_key, by_name, None))[0],
        (await submission(harness).start(ADA, StartRunRequest(agent_id=agent.id, input=HI), None))[0],
    ]
    for ticket_id in (accepted.ticket_id, *(run.run_id for run in started)):
        assert (await get_ticket(harness, ticket_id)).owner == "ada"


async def test_a_key_for_chats_alone_opens_no_agent(harness: Harness) -> None:
    """A chat with an agent, even a public one, is a run, so it needs a key with the scope `run`."""
    await publish(harness, visibility="shared")
    caller = await create_key(harness, ADA)
    assert caller.key is not None
    limited = Caller(uid=ADA.uid, key=caller.key.model_copy(update={"scopes": [Scope.CHAT]}))
    with pytest.raises(Forbidden, match="the scope 'run'"):
        await harness.chat.submit(limited, chat_with_agent())
    await harness.chat.submit(limited, chat("hi"))
    await harness.chat.submit(caller, chat_with_agent())


async def test_a_disabled_caller_is_refused(published: PublishedService, harness: Harness) -> None:
    """A disabled user can call only public agents, for which nobody is verified."""
    await publish(harness, access="signed-in")
    now = datetime.now(UTC)
    account = Account(uid="ada", allowance=5, remaining=5, disabled=True, created_at=now, updated_at=now)
    await store_account(harness.database, account)
    for refused in (
        published.call("greeter", HI, "a", None, verified(ADA)),
        submission(harness).start_public("greeter", HI, "a", None, verified(await create_key(harness, ADA))),
    ):
        with pytest.raises(Forbidden, match="Your account is disabled"):
            await refused
