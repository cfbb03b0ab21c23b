"""The daily budget of a published agent limits what its callers cost its owner, even if many call it concurrently."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import pytest

from shared import clock
from shared.llm.catalog import Catalog, ModelRoute
from shared.models.agent import Agent, UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.deployment import DeployRequest
from shared.models.deployment_day import DeploymentDay, day_id
from shared.models.errors import AllowanceSpent, DeploymentBudgetSpent
from shared.models.run import RunCodeRequest
from shared.models.wire import JsonObject
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from shared.settings import Settings
from tests.database_data import store_account
from tests.services.harness import GatedModel, Harness, chat, create_published_service, create_run_service
from tests.services.publishing import MODEL_CALLER, publish, save
from tests.stopped_clock import StoppedClock

OWNER = Caller(uid="owner")
HI: JsonObject = {"inputText": "hi"}
ERROR_CATCHER = """
async def run(input_dict, tools):
    try:
        return await call_llm("openai", "gpt-4.1-mini", "hi", {"max_tokens": 100})
    except Exception as error:
        return str(error)
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"deployment_budget_per_day": 0.001})


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


@pytest.fixture
def deployments(harness: Harness) -> DeploymentService:
    return DeploymentService(harness.database, harness.settings)


async def get_day(harness: Harness, agent: Agent) -> DeploymentDay:
    day = await harness.database.deployment_days.get(day_id(agent.id, clock.now()))
    assert day is not None
    return day


async def test_callers_spend_no_more_than_the_daily_budget(harness: Harness, stopped_clock: StoppedClock) -> None:
    """Once the budget is spent, callers get 429 with its renewal time but without amounts, and no model is called."""
    agent = await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    model = GatedModel(400)
    published = create_published_service(harness, model)
    for _ in range(3):
        await published.call("ask", HI, "1.1.1.1")
    now = clock.now()
    tomorrow = (now + timedelta(days=1)).date()
    with pytest.raises(DeploymentBudgetSpent) as raised:
        await published.call("ask", HI, "2.2.2.2")
    assert model.calls == 3
    assert f"{tomorrow.isoformat()} 00:00 UTC" in raised.value.message
    assert "$" not in raised.value.message
    assert raised.value.status == 429
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC)
    assert raised.value.retry_after == math.ceil((midnight - now).total_seconds())
    day = await get_day(harness, agent)
    assert (day.spent, day.held) == (1200, 0)


async def test_the_holds_of_running_calls_are_not_spent_twice(harness: Harness) -> None:
    """While running calls hold the rest of the budget, other callers have to wait for seconds, not until midnight."""
    agent = await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    model = GatedModel(10)
    published = create_published_service(harness, model, deployment_budget_per_day=0.0003)
    model.open.clear()
    first = asyncio.create_task(published.call("ask", HI, "1.1.1.1"))
    await model.called.wait()
    with pytest.raises(DeploymentBudgetSpent, match="running") as raised:
        await published.call("ask", HI, "2.2.2.2")
    assert raised.value.retry_after is not None
    assert raised.value.retry_after <= 60
    model.open.set()
    await first
    assert await published.call("ask", HI, "2.2.2.2")
    assert (await get_day(harness, agent)).spent == 20


async def test_an_agent_that_catches_the_rejection_spends_nothing(harness: Harness) -> None:
    """An agent may catch the error and continue without the model. The next request is rejected before its run."""
    await publish(harness.database, OWNER, "catches", ERROR_CATCHER)
    model = GatedModel(1000)
    published = create_published_service(harness, model)
    await published.call("catches", {}, "a")
    with pytest.raises(DeploymentBudgetSpent):
        await published.call("catches", {}, "a")
    assert model.calls == 1


async def test_an_agent_with_a_budget_of_zero_can_run_without_costs(harness: Harness) -> None:
    """An agent whose budget is zero can be called, but cannot call models that cost money."""
    await publish(harness.database, OWNER, "echo")
    await publish(harness.database, OWNER, "catches", ERROR_CATCHER)
    model = GatedModel(1)
    published = create_published_service(harness, model, deployment_budget_per_day=0)
    assert (await published.call("echo", HI, "a")).result == {"outputText": "hi"}
    assert "than its budget for a day" in str((await published.call("catches", {}, "a")).result)
    assert model.calls == 0


async def test_the_budget_includes_the_costs_of_called_agents(harness: Harness) -> None:
    """Costs count only towards the budget of the agent that was called under its public name."""
    inner = await save(harness.database, OWNER, MODEL_CALLER, name="Inner")
    code = "async def run(input_dict, tools):\n    return await gofannon_client.call('Inner', input_dict)"
    outer = await publish(harness.database, OWNER, "outer", code, gofannonAgents=[inner.id])
    await create_published_service(harness, GatedModel(400)).call("outer", HI, "a")
    assert (await get_day(harness, outer)).spent == 400
    assert await harness.database.deployment_days.get(day_id(inner.id, datetime.now(UTC))) is None


async def test_a_call_that_fails_does_not_change_the_budget(harness: Harness) -> None:
    """The hold of a failed call is released."""

    async def fail(route: ModelRoute, request: ChatRequest, timeout: float, live: object = None) -> ChatResult:
        raise RuntimeError("out of order")

    agent = await publish(harness.database, OWNER, "catches", ERROR_CATCHER)
    await create_published_service(harness, fail).call("catches", {}, "a")
    day = await get_day(harness, agent)
    assert (day.spent, day.held) == (0, 0)


async def test_the_budget_does_not_apply_to_other_payers(harness: Harness) -> None:
    """Owners who try out code and users who chat with the agent pay for these runs, and the budget is not affected."""
    agent = await publish(harness.database, OWNER, "ask", MODEL_CALLER, visibility="shared")
    model = GatedModel(700)
    runs = create_run_service(harness.database, harness.catalog, model, harness.settings)
    for _ in range(3):
        await runs.run_code(OWNER, RunCodeRequest(code=MODEL_CALLER, input_dict=dict(HI)))
    for user in (OWNER, Caller(uid="another")):
        request = chat("hi", provider="gofannon", model="ask").model_copy(update={"parameters": {}})
        accepted = await harness.chat.submit(user, request)
        await harness.deliver(accepted.ticket_id, model)
    assert model.calls == 5
    assert await harness.database.deployment_days.get(day_id(agent.id, datetime.now(UTC))) is None


async def test_neither_a_new_name_nor_deploying_again_refills_the_budget(
    harness: Harness, deployments: DeploymentService
) -> None:
    """The amount spent today stays spent. Another agent with the same name has its own budget."""
    agent = await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    published = create_published_service(harness, GatedModel(1000))
    await published.call("ask", HI, "a")
    await deployments.deploy(OWNER, agent.id)
    with pytest.raises(DeploymentBudgetSpent):
        await published.call("ask", HI, "a")
    await AgentService(harness.database).update(OWNER, agent.id, UpdateAgentRequest(friendly_name="other"))
    await deployments.deploy(OWNER, agent.id)
    with pytest.raises(DeploymentBudgetSpent):
        await published.call("other", HI, "a")
    await deployments.undeploy(OWNER, agent.id)
    await deployments.deploy(OWNER, agent.id)
    with pytest.raises(DeploymentBudgetSpent):
        await published.call("other", HI, "a")
    await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    assert await published.call("ask", HI, "a")


async def test_a_change_to_the_budget_takes_effect_immediately(
    harness: Harness, deployments: DeploymentService
) -> None:
    """A raised budget lets callers continue; a budget below the amount spent stops them."""
    agent = await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    published = create_published_service(harness, GatedModel(1000))
    await published.call("ask", HI, "a")
    await deployments.deploy(OWNER, agent.id, DeployRequest(budget_per_day=0.002))
    await published.call("ask", HI, "a")
    await deployments.deploy(OWNER, agent.id, DeployRequest(budget_per_day=0.5))
    await published.call("ask", HI, "a")
    await deployments.deploy(OWNER, agent.id, DeployRequest(budget_per_day=0.001))
    with pytest.raises(DeploymentBudgetSpent):
        await published.call("ask", HI, "a")


async def test_a_budget_stays_until_another_is_set(harness: Harness, deployments: DeploymentService) -> None:
    """The budget set for a deployment survives new names and changes to the agent, until the agent is undeployed.

    Otherwise, the budget from the settings applies.
    """
    agent = await save(harness.database, OWNER, MODEL_CALLER, friendlyName="one")
    agents = AgentService(harness.database)

    async def get_budget() -> float:
        return (await deployments.get(OWNER, agent.id)).budgetPerDay

    assert (await deployments.deploy(OWNER, agent.id)).budgetPerDay == await get_budget() == 0.001
    deployed = await deployments.deploy(OWNER, agent.id, DeployRequest(budget_per_day=2.5))
    assert deployed.budgetPerDay == await get_budget() == 2.5
    for again in (None, DeployRequest()):
        assert (await deployments.deploy(OWNER, agent.id, again)).budgetPerDay == 2.5
    await agents.update(OWNER, agent.id, UpdateAgentRequest(description="New.", friendly_name="two"))
    assert await get_budget() == 2.5
    assert (await deployments.deploy(OWNER, agent.id)).budgetPerDay == await get_budget() == 2.5
    await deployments.undeploy(OWNER, agent.id)
    assert (await deployments.deploy(OWNER, agent.id)).budgetPerDay == 0.001


async def test_the_owners_allowance_limits_callers_as_well(harness: Harness) -> None:
    """A call that the owner's allowance does not cover is rejected, and holds no part of the budget."""
    agent = await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    await create_published_service(harness, GatedModel(0)).call("ask", HI, "a")
    spent_account = (await harness.account(OWNER.uid)).model_copy(update={"remaining": 0})
    await store_account(harness.database, spent_account)
    with pytest.raises(AllowanceSpent):
        await create_published_service(harness, GatedModel(1)).call("ask", HI, "a")
    assert (await get_day(harness, agent)).held == 0
