"""Agents are saved, read, changed and deleted. The tests use the real Firestore emulator."""

import asyncio
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.models.agent import Agent, CreateAgentRequest, UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.errors import BadRequest, Conflict, Forbidden, NotFound, TooLarge
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from shared.settings import Settings
from shared.store import Database
from tests.database_faults import lose_responses

CODE = "async def run(input_dict, tools):\n    return {'outputText': 'x'}"
OTHER = Caller(uid="other")
ADMIN = Caller(uid="admin", claims={"admin": True})


@pytest.fixture
async def agents(database: Database) -> AgentService:
    return AgentService(database)


def request(**fields: Any) -> CreateAgentRequest:
    body = {"name": "Echo", "description": "Repeats its input.", "code": CODE, **fields}
    return CreateAgentRequest.model_validate(body)


def change(**fields: Any) -> UpdateAgentRequest:
    return UpdateAgentRequest.model_validate(fields)


async def test_a_saved_agent_is_read_as_it_was_saved(agents: AgentService, caller: Caller) -> None:
    """Every field is preserved, including nested JSON and non-Latin characters."""
    saved = await agents.create(
        caller,
        request(
            name="天気 ☀",
            docstring="Doc.",
            friendlyName="weather-1",
            tools={"https://mcp.example/mcp": ["a", "b"]},
            swaggerSpecs=[{"name": "api", "content": "openapi: 3.1.0"}],
            inputSchema={"inputText": "string"},
            outputSchema={"type": "object", "properties": {"x": {"type": ["string", "null"]}}},
            invokableModels=[{"provider": "openai", "model": "m", "parameters": {"a": [[1], None]}}],
            gofannonAgents=["x"],
            composerThoughts={"deep": [[1.5, None]]},
            composerModelConfig={"provider": "openai", "model": "m"},
        ),
    )
    assert saved.warnings == []
    found = await agents.get(caller, saved.id)
    assert found == saved.model_copy(update={"warnings": None, "engine": None})
    assert found.composer_thoughts == {"deep": [[1.5, None]]}
    assert found.created_at == found.updated_at


async def test_code_that_will_not_run_is_saved_with_warnings(agents: AgentService, caller: Caller) -> None:
    """The warnings name the line, both when the agent is saved and when it is changed. The code is stored unchanged."""
    saved = await agents.create(caller, request(code=f"import requests\n\n\n{CODE}"))
    assert [warning.line for warning in saved.warnings or []] == [1]
    changed = await agents.update(caller, saved.id, change(code="not python("))
    assert "not valid Python" in (changed.warnings or [])[0].message
    assert (await agents.get(caller, saved.id)).code == "not python("


async def test_a_saved_agent_names_its_engine(agents: AgentService, caller: Caller) -> None:
    """Saving an agent returns its engine and warnings; reading it returns neither."""
    saved = await agents.create(caller, request(code=f"class E(Exception):\n    pass\n\n\n{CODE}"))
    assert (saved.engine, saved.warnings) == ("python", [])
    found = await agents.get(caller, saved.id)
    assert (found.engine, found.warnings) == (None, None)


async def test_a_change_applies_only_what_was_sent(agents: AgentService, caller: Caller) -> None:
    """Other fields and the creation time do not change, null clears an optional field, and the revision is new."""
    saved = await agents.create(caller, request(docstring="Doc.", friendlyName="echo"))
    changed = await agents.update(caller, saved.id, change(description="New.", docstring=None))
    assert (changed.name, changed.description, changed.docstring) == ("Echo", "New.", None)
    assert (changed.friendly_name, changed.code, changed.created_at) == ("echo", CODE, saved.created_at)
    assert changed.rev != saved.rev
    assert changed.updated_at > saved.updated_at


async def test_a_stale_revision_changes_nothing(agents: AgentService, caller: Caller) -> None:
    """A request with an old revision gets 409; one without a revision changes the agent."""
    saved = await agents.create(caller, request())
    newer = await agents.update(caller, saved.id, change(_rev=saved.rev, name="One"))
    with pytest.raises(Conflict):
        await agents.update(caller, saved.id, change(_rev=saved.rev, name="Two"))
    assert (await agents.get(caller, saved.id)).name == "One"
    assert (await agents.update(caller, saved.id, change(name="Three"))).rev != newer.rev


async def test_only_one_of_several_changes_to_a_revision_is_made(agents: AgentService, caller: Caller) -> None:
    """Of eight concurrent changes to the same revision, one succeeds and seven get 409."""
    saved = await agents.create(caller, request())
    outcomes = await asyncio.gather(
        *(agents.update(caller, saved.id, change(_rev=saved.rev, name=str(number))) for number in range(8)),
        return_exceptions=True,
    )
    changed = [outcome for outcome in outcomes if isinstance(outcome, Agent)]
    assert len(changed) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7
    assert (await agents.get(caller, saved.id)).name == changed[0].name


async def test_visibility_determines_access_to_other_users_agents(agents: AgentService, caller: Caller) -> None:
    """Other users cannot find a private agent, and can only read a shared one. Administrators can change it."""
    saved = await agents.create(caller, request())
    for attempt in (agents.get(OTHER, saved.id), agents.update(OTHER, saved.id, change(name="x"))):
        with pytest.raises(NotFound, match="There is no such agent"):
            await attempt
    with pytest.raises(NotFound):
        await agents.delete(OTHER, saved.id)
    await agents.update(caller, saved.id, change(visibility="shared"))
    assert (await agents.get(OTHER, saved.id)).name == "Echo"
    with pytest.raises(Forbidden):
        await agents.update(OTHER, saved.id, change(name="x"))
    with pytest.raises(Forbidden):
        await agents.delete(OTHER, saved.id)
    assert (await agents.update(ADMIN, saved.id, change(name="By the admin"))).name == "By the admin"
    await agents.delete(ADMIN, saved.id)
    with pytest.raises(NotFound):
        await agents.get(caller, saved.id)


@pytest.mark.parametrize("agent_id", ["unknown", "a/b", ".", "..", "__x__", "x" * 1501, "é" * 800, ""])
async def test_any_string_may_be_given_as_an_id(agents: AgentService, caller: Caller, agent_id: str) -> None:
    """A string that cannot be a document id gets 404, like an unknown id."""
    with pytest.raises(NotFound):
        await agents.get(caller, agent_id)
    with pytest.raises(NotFound):
        await agents.update(caller, agent_id, change(name="x"))
    with pytest.raises(NotFound):
        await agents.delete(caller, agent_id)


async def test_an_agent_that_is_too_large_is_rejected(agents: AgentService, caller: Caller) -> None:
    """The error states the size and the limit, and the stored agent does not change."""
    with pytest.raises(TooLarge, match=r"The agent is 1\d{6} bytes long; the limit is 1000000"):
        await agents.create(caller, request(docstring="x" * 1_000_000))
    saved = await agents.create(caller, request(docstring="x" * 990_000))
    with pytest.raises(TooLarge):
        await agents.update(caller, saved.id, change(composerThoughts="y" * 20_000))
    assert (await agents.get(caller, saved.id)).composer_thoughts is None


@pytest.mark.parametrize(
    "schema", [{"type": "object", "properties": {"a": {"type": "nonsense"}}}, {"$ref": "http://127.0.0.1:9/schema"}]
)
async def test_an_invalid_schema_is_rejected(agents: AgentService, caller: Caller, schema: Any) -> None:
    """Whether an agent is saved or changed, the error names the schema. Referenced URLs are not fetched."""
    with pytest.raises(BadRequest, match="inputSchema"):
        await agents.create(caller, request(inputSchema=schema))
    saved = await agents.create(caller, request())
    with pytest.raises(BadRequest, match="outputSchema"):
        await agents.update(caller, saved.id, change(outputSchema=schema))


async def test_lists_show_own_and_shared_agents_newest_first(agents: AgentService, caller: Caller) -> None:
    """Lists do not show other users' private agents, except to administrators."""
    first = await agents.create(caller, request(name="first"))
    await agents.create(OTHER, request(name="private"))
    await agents.create(OTHER, request(name="shared", visibility="shared"))
    await agents.update(caller, first.id, change(description="newer"))
    assert [agent.name for agent in (await agents.list(caller, 10)).items] == ["first", "shared"]
    assert {agent.name for agent in (await agents.list(ADMIN, 10)).items} == {"first", "shared", "private"}
    assert (await agents.list(caller, 10)).next_token is None


async def test_pages_show_each_agent_once(agents: AgentService, caller: Caller) -> None:
    """Successive pages list all agents in order. An invalid token is rejected."""
    for number in range(7):
        await agents.create(caller, request(name=str(number), visibility="shared"))
    names: list[str] = []
    token: str | None = None
    for _ in range(5):
        page = await agents.list(caller, 3, token)
        names += [agent.name for agent in page.items]
        token = page.next_token
        if token is None:
            break
    assert names == [str(number) for number in range(6, -1, -1)]
    for bad in ("x", "", "WyJhIl0=", "WzEsMl0="):
        with pytest.raises(BadRequest, match="page token"):
            await agents.list(caller, 3, bad)


async def test_operations_whose_responses_are_lost_take_effect_once(
    agents: AgentService, caller: Caller, database: Database
) -> None:
    """A commit that took effect although its response was lost causes no duplicate, no conflict and no 404."""
    lose_responses(database, ServiceUnavailable("gone"), 1, 3, 5)
    saved = await agents.create(caller, request())
    assert len((await agents.list(caller, 10)).items) == 1
    changed = await agents.update(caller, saved.id, change(_rev=saved.rev, name="x"))
    assert changed.name == "x"
    await agents.delete(caller, saved.id)
    assert (await agents.list(caller, 10)).items == []


async def test_deleting_a_published_agent_unpublishes_it(
    agents: AgentService, caller: Caller, database: Database
) -> None:
    """The friendly name of a deleted agent is free immediately."""
    saved = await agents.create(caller, request(friendlyName="echo"))
    deployments = DeploymentService(database, Settings())
    await deployments.deploy(caller, saved.id)
    await agents.delete(caller, saved.id)
    assert await database.deployments.get("echo") is None
    other = await agents.create(OTHER, request(friendlyName="echo"))
    assert (await deployments.deploy(OTHER, other.id)).endpoint == "/rest/echo"


async def test_changes_to_a_published_agent_reach_its_deployment(
    agents: AgentService, caller: Caller, database: Database
) -> None:
    """The deployment's description, schemas and visibility change with the agent; its public name stays the same."""
    saved = await agents.create(caller, request(friendlyName="echo"))
    await DeploymentService(database, Settings()).deploy(caller, saved.id)
    changes = {"description": "New.", "inputSchema": {"a": "string"}, "visibility": "shared", "friendlyName": "other"}
    await agents.update(caller, saved.id, change(**changes))
    deployment = await database.deployments.get("echo")
    assert deployment is not None
    assert (deployment.description, deployment.input_schema, deployment.visibility) == (
        "New.",
        {"a": "string"},
        "shared",
    )
    assert await database.deployments.get("other") is None


async def test_large_agents_make_pages_shorter(agents: AgentService, caller: Caller) -> None:
    """A page ends after the agent that takes it beyond eight megabytes, and its token leads to the remaining agents."""
    for number in range(11):
        await agents.create(caller, request(name=str(number), docstring="é" * 490_000))
    first = await agents.list(caller, 100)
    assert [agent.name for agent in first.items] == ["10", "9", "8", "7", "6", "5", "4", "3", "2"]
    second = await agents.list(caller, 100, first.next_token)
    assert [agent.name for agent in second.items] == ["1", "0"]
    assert second.next_token is None
