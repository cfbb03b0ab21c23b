"""A friendly name belongs to one published agent. The tests use the real Firestore emulator."""

import asyncio
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.models.agent import Agent, CreateAgentRequest, UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.deployment import Deployed, DeployRequest
from shared.models.errors import BadRequest, Conflict, Forbidden, NotFound
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from shared.settings import Settings
from shared.store import Database
from tests.database_faults import lose_responses

OTHER = Caller(uid="other")
CODE = "async def run(input_dict, tools):\n    return {}"


@pytest.fixture
async def deployments(database: Database) -> DeploymentService:
    return DeploymentService(database, Settings())


async def save(database: Database, caller: Caller, name: str | None, **fields: Any) -> Agent:
    body = {"name": "n", "code": CODE, "friendlyName": name, **fields}
    return await AgentService(database).create(caller, CreateAgentRequest.model_validate(body))


async def rename(database: Database, caller: Caller, agent: Agent, name: str | None) -> None:
    await AgentService(database).update(caller, agent.id, UpdateAgentRequest.model_validate({"friendlyName": name}))


async def test_an_agent_is_published_under_its_name(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """The response names the endpoint. Publishing again changes nothing."""
    agent = await save(database, caller, "echo")
    assert (await deployments.deploy(caller, agent.id)).endpoint == "/rest/echo"
    info = await deployments.get(caller, agent.id)
    assert (info.is_deployed, info.friendly_name, info.agentId, info.endpoint) == (True, "echo", agent.id, "/rest/echo")
    await deployments.deploy(caller, agent.id)
    assert await deployments.get(caller, agent.id) == info


async def test_code_that_will_not_run_is_published_with_a_warning(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """Code that will not run can be published; the response contains a warning."""
    agent = await save(database, caller, "broken", code="def x(")
    deployed = await deployments.deploy(caller, agent.id)
    assert deployed.message.startswith("Agent deployed. It will not run as it is: line 1: This is not valid Python")


async def test_an_agent_without_a_name_cannot_be_published(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """The caller gets 400 with the name of the missing field."""
    agent = await save(database, caller, None)
    with pytest.raises(BadRequest, match="friendlyName"):
        await deployments.deploy(caller, agent.id)


async def test_only_one_of_two_agents_gets_the_name(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """If two agents are published under the same name at the same moment, one gets the name and the other gets 409."""
    for number in range(20):
        pair = [await save(database, user, f"name-{number}") for user in (caller, OTHER)]
        outcomes = await asyncio.gather(
            *(deployments.deploy(user, agent.id) for user, agent in zip((caller, OTHER), pair, strict=True)),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Deployed"]
        winner = next(index for index, outcome in enumerate(outcomes) if isinstance(outcome, Deployed))
        holder = await database.deployments.get(f"name-{number}")
        assert holder is not None
        assert holder.agent_id == pair[winner].id
        with pytest.raises(NotFound):
            await deployments.get((caller, OTHER)[1 - winner], pair[1 - winner].id)


async def test_a_renamed_agent_moves_when_it_is_published_again(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """The agent stays under its old name until it is published again; then the old name is free."""
    agent = await save(database, caller, "old")
    await deployments.deploy(caller, agent.id)
    await rename(database, caller, agent, "new")
    assert (await deployments.get(caller, agent.id)).friendly_name == "old"
    assert (await deployments.deploy(caller, agent.id)).endpoint == "/rest/new"
    assert await database.deployments.get("old") is None
    other = await save(database, OTHER, "old")
    await deployments.deploy(OTHER, other.id)
    await rename(database, caller, agent, "old")
    with pytest.raises(Conflict):
        await deployments.deploy(caller, agent.id)
    assert (await deployments.get(caller, agent.id)).friendly_name == "new"


async def test_an_unpublished_name_is_free(deployments: DeploymentService, database: Database, caller: Caller) -> None:
    """An agent that is not published gets 404, and another agent can take its name."""
    agent = await save(database, caller, "echo")
    for _ in range(2):
        with pytest.raises(NotFound, match="not deployed"):
            await deployments.undeploy(caller, agent.id)
        await deployments.deploy(caller, agent.id)
        await deployments.undeploy(caller, agent.id)
        with pytest.raises(NotFound, match="not deployed"):
            await deployments.get(caller, agent.id)
    other = await save(database, OTHER, "echo")
    await deployments.deploy(OTHER, other.id)


async def test_only_the_owner_of_an_agent_can_publish_it(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """Other users cannot find a private agent. They can see a shared agent's deployment, but not change it."""
    private, shared = await save(database, caller, "a"), await save(database, caller, "b", visibility="shared")
    await deployments.deploy(caller, shared.id)
    for operation in (deployments.deploy, deployments.undeploy, deployments.get):
        with pytest.raises(NotFound):
            await operation(OTHER, private.id)
    for operation in (deployments.deploy, deployments.undeploy):
        with pytest.raises(Forbidden):
            await operation(OTHER, shared.id)
    assert (await deployments.get(OTHER, shared.id)).friendly_name == "b"


async def test_operations_whose_responses_are_lost_take_effect_once(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """A commit that took effect although its response was lost is recognized when it is retried."""
    agent = await save(database, caller, "echo")
    lose_responses(database, ServiceUnavailable("gone"), 1, 2, 3)
    await deployments.deploy(caller, agent.id)
    assert await database.deployments.get("echo") is not None
    await deployments.undeploy(caller, agent.id)
    assert await database.deployments.get("echo") is None


async def test_lists_show_own_and_shared_deployments_by_name(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """Pages show each deployment once, and omit other users' private ones."""
    for name, user, visibility in (
        ("c", caller, "private"), ("a", caller, "private"), ("b", OTHER, "shared"), ("d", OTHER, "private"),
    ):  # fmt: skip
        agent = await save(database, user, name, visibility=visibility, inputSchema={"x": "string"})
        await deployments.deploy(user, agent.id)
    page = await deployments.list(caller, 10)
    assert [api.friendly_name for api in page.items] == ["a", "b", "c"]
    assert page.items[0].input_schema == {"x": "string"}
    assert page.next_token is None
    first = await deployments.list(caller, 2)
    second = await deployments.list(caller, 2, first.next_token)
    assert [api.friendly_name for api in (*first.items, *second.items)] == ["a", "b", "c"]
    with pytest.raises(BadRequest, match="page token"):
        await deployments.list(caller, 2, "nonsense")


async def test_one_request_finds_which_names_are_taken(database: Database, caller: Caller) -> None:
    """A single request finds the taken names among several."""
    agent = await save(database, caller, "echo")
    await DeploymentService(database, Settings()).deploy(caller, agent.id)
    assert await database.deployments.find_taken(["echo", "free", "also_free"]) == {"echo"}


async def test_large_deployments_make_pages_shorter(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """A page ends after the deployment that takes it beyond eight megabytes; its token leads to the remaining ones."""
    names = [f"n{number:02}" for number in range(28)]
    for name in names:
        agent = await save(database, caller, name, description="天" * 100_000)
        await deployments.deploy(caller, agent.id)
    first = await deployments.list(caller, 100)
    second = await deployments.list(caller, 100, first.next_token)
    assert len(first.items) == 27
    assert [api.friendly_name for api in (*first.items, *second.items)] == names
    assert second.next_token is None


POLICY: dict[str, Any] = {"access": "key", "payer": "caller", "rate_per_minute": 5, "budget_per_day": 2.5}


async def read_policy(deployments: DeploymentService, caller: Caller, agent: Agent) -> dict[str, Any]:
    info = await deployments.get(caller, agent.id)
    return {
        "access": info.access,
        "payer": info.payer,
        "rate_per_minute": info.ratePerMinute,
        "budget_per_day": info.budgetPerDay,
    }


async def test_only_what_was_sent_changes_a_policy(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """A new deployment is public, paid by the owner, and has the default limits. Later, each field changes alone."""
    agent = await save(database, caller, "echo")
    await deployments.deploy(caller, agent.id)
    expected = {"access": "public", "payer": "owner", "rate_per_minute": None, "budget_per_day": 1.0}
    assert await read_policy(deployments, caller, agent) == expected
    deployed_at = (await deployments.get(caller, agent.id)).deployedAt
    for name, value in POLICY.items():
        await deployments.deploy(caller, agent.id, DeployRequest.model_validate({name: value}))
        expected[name] = value
        assert await read_policy(deployments, caller, agent) == expected
    for nothing in (None, DeployRequest(), DeployRequest.model_validate(dict.fromkeys(POLICY))):
        await deployments.deploy(caller, agent.id, nothing)
        assert await read_policy(deployments, caller, agent) == POLICY
    assert (await deployments.get(caller, agent.id)).deployedAt == deployed_at


async def test_a_renamed_agent_keeps_its_policy(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """The policy belongs to the agent until it is undeployed. A name that becomes free has no policy."""
    agent = await save(database, caller, "old")
    await deployments.deploy(caller, agent.id, DeployRequest.model_validate(POLICY))
    await rename(database, caller, agent, "new")
    deployed = await deployments.deploy(caller, agent.id, DeployRequest(rate_per_minute=6))
    assert (deployed.endpoint, deployed.ratePerMinute) == ("/rest/new", 6)
    assert await read_policy(deployments, caller, agent) == {**POLICY, "rate_per_minute": 6}
    other = await save(database, OTHER, "old")
    assert (await deployments.deploy(OTHER, other.id)).access == "public"
    await deployments.undeploy(caller, agent.id)
    assert (await deployments.deploy(caller, agent.id)).access == "public"


async def test_a_changed_agent_keeps_its_policy(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """An update of the agent changes only the copies of its own fields in the deployment."""
    agent = await save(database, caller, "echo")
    await deployments.deploy(caller, agent.id, DeployRequest.model_validate(POLICY))
    changes = {"description": "New.", "visibility": "shared"}
    await AgentService(database).update(caller, agent.id, UpdateAgentRequest.model_validate(changes))
    (listed,) = (await deployments.list(OTHER, 10)).items
    assert listed.description == "New."
    assert await read_policy(deployments, caller, agent) == POLICY


async def test_callers_who_are_not_signed_in_cannot_pay(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """A public agent that callers would pay for is refused, whichever request would make it so. Nothing changes."""
    agent = await save(database, caller, "echo")
    for body in ({"payer": "caller"}, {"payer": "caller", "access": "public"}):
        with pytest.raises(BadRequest, match="Callers cannot pay for a public agent"):
            await deployments.deploy(caller, agent.id, DeployRequest.model_validate(body))
    with pytest.raises(NotFound):
        await deployments.get(caller, agent.id)
    await deployments.deploy(caller, agent.id, DeployRequest.model_validate(POLICY))
    await rename(database, caller, agent, "new")
    for _ in range(2):
        with pytest.raises(BadRequest, match="Callers cannot pay"):
            await deployments.deploy(caller, agent.id, DeployRequest(access="public"))
        assert await read_policy(deployments, caller, agent) == POLICY
        await rename(database, caller, agent, "echo")
    deployed = await deployments.deploy(caller, agent.id, DeployRequest(access="public", payer="owner"))
    assert (deployed.access, deployed.payer) == ("public", "owner")


async def test_the_owner_is_warned_about_a_public_agent(
    deployments: DeploymentService, database: Database, caller: Caller
) -> None:
    """As long as everyone may call the agent, each deployment warns the owner, with the budget in US dollars."""
    agent = await save(database, caller, "echo")
    for request, budget in (
        (None, "$1 a day"),
        (DeployRequest(budget_per_day=2.5), "$2.5 a day"),
        (None, "$2.5 a day"),
    ):
        (warning,) = (await deployments.deploy(caller, agent.id, request)).warnings
        assert "without signing in, and you pay" in warning
        assert f"up to {budget}." in warning
    assert (await deployments.deploy(caller, agent.id, DeployRequest(access="signed-in"))).warnings == []
