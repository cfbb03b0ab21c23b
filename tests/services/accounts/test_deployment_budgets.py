"""The daily budget of a published agent limits what its callers cost its owner, however many call at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.llm.catalog import Catalog, ModelRoute
from shared.models.agent import Agent, UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.deployment import DeployRequest
from shared.models.deployment_day import DeploymentDay, day_id
from shared.models.errors import AllowanceSpent, DeploymentBudgetSpent
from shared.models.money import to_dollars
from shared.models.run import RunCodeRequest
from shared.models.wire import JsonObject
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from shared.services.agents.published import PublishedService
from shared.settings import Settings
from tests.database_data import store_account
from tests.services.harness import Harness, chat, run_service
from tests.services.publishing import ASK, publish, save

OWNER = Caller(uid="owner")
HI: JsonObject = {"inputText": "hi"}
CATCHES = """
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


class Model:
    """A model each of whose answers costs `cost` millionths of a dollar; while it is not `open`, it does not answer."""

    def __init__(self, cost: int) -> None:
        self.cost = cost
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.calls = 0

    async def __call__(self, route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        self.calls += 1
        self.asked.set()
        await self.open.wait()
        return ChatResult(content="ok", model="m", cost=to_dollars(self.cost))


def published_with(harness: Harness, model: Any, **settings: object) -> PublishedService:
    changed = harness.settings.model_copy(update=settings)
    return PublishedService(harness.database, run_service(harness.database, harness.catalog, model, changed), changed)


async def day_of(harness: Harness, agent: Agent) -> DeploymentDay:
    found = await harness.database.deployment_days.get(day_id(agent.id, datetime.now(UTC)))
    assert found is not None
    return found


async def test_callers_spend_no_more_than_the_days_budget(harness: Harness) -> None:
    """Then 429, which says when to call again but no amounts, and no model is called any more."""
    agent = await publish(harness.database, OWNER, "ask", ASK)
    model = Model(400)
    published = published_with(harness, model)
    for _ in range(3):
        await published.call("ask", HI, "1.1.1.1")
    now = datetime.now(UTC)
    tomorrow = (now + timedelta(days=1)).date()
    with pytest.raises(DeploymentBudgetSpent) as refused:
        await published.call("ask", HI, "2.2.2.2")
    assert model.calls == 3
    assert f"{tomorrow.isoformat()} 00:00 UTC" in refused.value.message
    assert "$" not in refused.value.message
    assert refused.value.status == 429
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC)
    assert refused.value.retry_after is not None
    assert abs(refused.value.retry_after - (midnight - now).total_seconds()) < 60
    day = await day_of(harness, agent)
    assert (day.spent, day.held) == (1200, 0)


async def test_what_running_calls_hold_is_not_spent_twice(harness: Harness) -> None:
    """Callers who come meanwhile are to wait for seconds, not until midnight."""
    agent = await publish(harness.database, OWNER, "ask", ASK)
    model = Model(10)
    published = published_with(harness, model, deployment_budget_per_day=0.0003)
    model.open.clear()
    first = asyncio.create_task(published.call("ask", HI, "1.1.1.1"))
    await model.asked.wait()
    with pytest.raises(DeploymentBudgetSpent, match="running") as refused:
        await published.call("ask", HI, "2.2.2.2")
    assert refused.value.retry_after is not None
    assert refused.value.retry_after <= 60
    model.open.set()
    await first
    assert await published.call("ask", HI, "2.2.2.2")
    assert (await day_of(harness, agent)).spent == 20


async def test_an_agent_that_catches_the_refusal_spends_nothing(harness: Harness) -> None:
    """It goes on without the model. The next request is refused before any of it runs."""
    await publish(harness.database, OWNER, "catches", CATCHES)
    model = Model(1000)
    published = published_with(harness, model)
    await published.call("catches", {}, "a")
    with pytest.raises(DeploymentBudgetSpent):
        await published.call("catches", {}, "a")
    assert model.calls == 1


async def test_an_agent_with_a_budget_of_zero_does_what_is_free(harness: Harness) -> None:
    """It may be called, and may call nothing that costs money."""
    await publish(harness.database, OWNER, "echo")
    await publish(harness.database, OWNER, "catches", CATCHES)
    model = Model(1)
    published = published_with(harness, model, deployment_budget_per_day=0)
    assert (await published.call("echo", HI, "a")).result == {"outputText": "hi"}
    assert "than its budget for a day" in str((await published.call("catches", {}, "a")).result)
    assert model.calls == 0


async def test_the_budget_includes_the_agents_that_it_calls(harness: Harness) -> None:
    """The budget of the agent that was called by its public name counts for all."""
    inner = await save(harness.database, OWNER, ASK, name="Inner")
    code = "async def run(input_dict, tools):\n    return await gofannon_client.call('Inner', input_dict)"
    outer = await publish(harness.database, OWNER, "outer", code, gofannonAgents=[inner.id])
    await published_with(harness, Model(400)).call("outer", HI, "a")
    assert (await day_of(harness, outer)).spent == 400
    assert await harness.database.deployment_days.get(day_id(inner.id, datetime.now(UTC))) is None


async def test_a_call_that_fails_leaves_the_budget_as_it_was(harness: Harness) -> None:
    """Its hold is released."""

    async def fails(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        raise RuntimeError("out of order")

    agent = await publish(harness.database, OWNER, "catches", CATCHES)
    await published_with(harness, fails).call("catches", {}, "a")
    day = await day_of(harness, agent)
    assert (day.spent, day.held) == (0, 0)


async def test_the_budget_does_not_apply_to_other_payers(harness: Harness) -> None:
    """Owners who try code, and users who chat with the agent, are charged themselves, and the budget counts nothing."""
    agent = await publish(harness.database, OWNER, "ask", ASK, visibility="shared")
    model = Model(700)
    runs = run_service(harness.database, harness.catalog, model, harness.settings)
    for _ in range(3):
        await runs.run_code(OWNER, RunCodeRequest(code=ASK, input_dict=dict(HI)))
    for user in (OWNER, Caller(uid="somebody")):
        request = chat("hi", provider="gofannon", model="ask").model_copy(update={"parameters": {}})
        accepted = await harness.chat.submit(user, request)
        await harness.deliver(accepted.ticket_id, model)
    assert model.calls == 5
    assert await harness.database.deployment_days.get(day_id(agent.id, datetime.now(UTC))) is None


async def test_neither_a_new_name_nor_deploying_again_refills_it(
    harness: Harness, deployments: DeploymentService
) -> None:
    """What was spent today stays spent. Another agent has a budget of its own."""
    agent = await publish(harness.database, OWNER, "ask", ASK)
    published = published_with(harness, Model(1000))
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
    await publish(harness.database, OWNER, "ask", ASK)
    assert await published.call("ask", HI, "a")


async def test_a_change_of_the_budget_applies_at_once(harness: Harness, deployments: DeploymentService) -> None:
    """If it is raised, the agent goes on; if it is lowered below what was spent, the agent stops."""
    agent = await publish(harness.database, OWNER, "ask", ASK)
    published = published_with(harness, Model(1000))
    await published.call("ask", HI, "a")
    await deployments.deploy(OWNER, agent.id, DeployRequest(budget_per_day=0.002))
    await published.call("ask", HI, "a")
    await deployments.deploy(OWNER, agent.id, DeployRequest(budget_per_day=0.5))
    await published.call("ask", HI, "a")
    await deployments.deploy(OWNER, agent.id, DeployRequest(budget_per_day=0.001))
    with pytest.raises(DeploymentBudgetSpent):
        await published.call("ask", HI, "a")


async def test_a_budget_stays_until_another_is_set(harness: Harness, deployments: DeploymentService) -> None:
    """First the setting's, then the deployment's own through new names and changes of the agent, and the setting's
    again after the agent was undeployed.
    """
    agent = await save(harness.database, OWNER, ASK, friendlyName="one")
    agents = AgentService(harness.database)

    async def shown() -> float:
        return (await deployments.get(OWNER, agent.id)).budgetPerDay

    assert (await deployments.deploy(OWNER, agent.id)).budgetPerDay == await shown() == 0.001
    deployed = await deployments.deploy(OWNER, agent.id, DeployRequest(budget_per_day=2.5))
    assert deployed.budgetPerDay == await shown() == 2.5
    for again in (None, DeployRequest()):
        assert (await deployments.deploy(OWNER, agent.id, again)).budgetPerDay == 2.5
    await agents.update(OWNER, agent.id, UpdateAgentRequest(description="New.", friendly_name="two"))
    assert await shown() == 2.5
    assert (await deployments.deploy(OWNER, agent.id)).budgetPerDay == await shown() == 2.5
    await deployments.undeploy(OWNER, agent.id)
    assert (await deployments.deploy(OWNER, agent.id)).budgetPerDay == 0.001


async def test_the_owners_allowance_limits_it_too(harness: Harness) -> None:
    """The budget does not hold what the account does not have."""
    agent = await publish(harness.database, OWNER, "ask", ASK)
    await published_with(harness, Model(0)).call("ask", HI, "a")
    poor = (await harness.account(OWNER.uid)).model_copy(update={"remaining": 0})
    await store_account(harness.database, poor)
    with pytest.raises(AllowanceSpent):
        await published_with(harness, Model(1)).call("ask", HI, "a")
    assert (await day_of(harness, agent)).held == 0
