"""The catalog's provider `gofannon` lists the published agents that a caller may see."""

from typing import Any, NoReturn

import pytest

from shared.llm.catalog import Catalog
from shared.models.agent import UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.errors import NotFound
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from shared.services.catalog.providers import ProviderService
from shared.settings import Settings
from shared.store import Database
from tests.services.publishing import publish, save

OTHER = Caller(uid="other")
ADMIN = Caller(uid="admin", claims={"admin": True})


@pytest.fixture
async def providers(catalog: Catalog, database: Database) -> ProviderService:
    return ProviderService(catalog, lambda: database)


def no_database() -> NoReturn:
    raise AssertionError("The database was requested.")


async def test_the_provider_exists_once_an_agent_is_published(
    providers: ProviderService, database: Database, caller: Caller
) -> None:
    """A saved agent is listed as a model only while it is published."""
    agent = await save(database, caller, friendlyName="echo")
    assert "gofannon" not in await providers.list_providers(caller)
    await DeploymentService(database, Settings()).deploy(caller, agent.id)
    catalog = await providers.list_providers(caller)
    assert list(catalog["gofannon"].models) == ["echo"]
    assert {"openai", "local"} <= set(catalog)
    await DeploymentService(database, Settings()).undeploy(caller, agent.id)
    assert "gofannon" not in await providers.list_providers(caller)


async def test_users_see_their_own_and_shared_agents(
    providers: ProviderService, database: Database, caller: Caller
) -> None:
    """All four operations show a user's own agents and shared ones, sorted by name. An administrator sees all."""
    for name, user, visibility in (
        ("c", caller, "private"), ("a", OTHER, "private"), ("b", OTHER, "shared"),
    ):  # fmt: skip
        await publish(database, user, name, visibility=visibility)
    for user, names in ((caller, ["b", "c"]), (OTHER, ["a", "b"]), (ADMIN, ["a", "b", "c"]), (Caller(uid="x"), ["b"])):
        assert list((await providers.list_providers(user))["gofannon"].models) == names
        assert list((await providers.get_provider(user, "gofannon")).models) == names
        assert await providers.list_models(user, "gofannon") == names
        for name in "abc":
            if name in names:
                assert (await providers.get_model(user, "gofannon", name)).description == "Repeats its input."
            else:
                with pytest.raises(NotFound):
                    await providers.get_model(user, "gofannon", name)


JSON_SCHEMA = {
    "type": "object",
    "properties": {
        "inputText": {"type": "string"},
        "city": {"type": "string", "description": "The city.", "default": "Berlin"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "unit": {"enum": ["C", "F"], "title": "The unit."},
        "place": {"$ref": "#/$defs/place"},
        "limit": {"type": ["null", "number"]},
    },
    "$defs": {"place": {"type": "object", "description": "A place."}},
}
SHORT_SCHEMA = {"inputText": "string", "city": "The city.", "days": "integer", "wind": "bool", "tags": ["string"]}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"inputText": "string"}, {}),
        (
            SHORT_SCHEMA,
            {
                "city": {"type": "string", "description": "The city."},
                "days": {"type": "integer"},
                "wind": {"type": "boolean"},
                "tags": {"type": "array"},
            },
        ),
        (
            JSON_SCHEMA,
            {
                "city": {"type": "string", "description": "The city.", "default": "Berlin"},
                "days": {"type": "integer", "min": 1, "max": 7},
                "unit": {"type": "choice", "description": "The unit.", "choices": ["C", "F"]},
                "place": {"type": "object", "description": "A place."},
                "limit": {"type": "float"},
            },
        ),
    ],
)
async def test_a_models_parameters_are_the_agents_input(
    providers: ProviderService, database: Database, caller: Caller, schema: Any, expected: dict[str, dict[str, Any]]
) -> None:
    """The parameters are the schema's properties, in order, except `inputText`, which contains the chat's message."""
    await publish(database, caller, "weather", description="Reports the weather.", inputSchema=schema)
    model = await providers.get_model(caller, "gofannon", "weather")
    assert model.description == "Reports the weather."
    defaults = {"description": "", "default": None, "min": None, "max": None, "choices": None}
    parameters = {name: parameter.model_dump() for name, parameter in model.parameters.items()}
    assert parameters == {name: {**defaults, **parameter} for name, parameter in expected.items()}
    assert list(parameters) == list(expected)
    assert (model.prices, model.built_in_tools) == (None, [])
    assert (await providers.get_provider(caller, "gofannon")).models["weather"] == model


async def test_changes_to_an_agent_appear_in_the_catalog(
    providers: ProviderService, database: Database, caller: Caller
) -> None:
    """Changes to an agent's description, input and visibility take effect in the catalog."""
    agent = await publish(database, caller, "echo", visibility="shared")
    changes = {"description": "New.", "inputSchema": {"n": "number"}, "visibility": "private"}
    await AgentService(database).update(caller, agent.id, UpdateAgentRequest.model_validate(changes))
    model = await providers.get_model(caller, "gofannon", "echo")
    assert (model.description, model.parameters["n"].type) == ("New.", "float")
    with pytest.raises(NotFound):
        await providers.get_model(OTHER, "gofannon", "echo")


async def test_the_provider_does_not_exist_without_a_visible_agent(providers: ProviderService, caller: Caller) -> None:
    """If the caller may see no agent, the provider is not listed, and requests for it get 404 with the reason."""
    assert "gofannon" not in await providers.list_providers(caller)
    for request in (providers.get_provider(caller, "gofannon"), providers.list_models(caller, "gofannon")):
        with pytest.raises(NotFound, match="no agent that you may see is deployed"):
            await request


@pytest.mark.parametrize("name", ["unknown", "a/b", "..", "__x__", "", "é", "x" * 2000])
async def test_an_unknown_agent_is_reported_by_name(providers: ProviderService, caller: Caller, name: str) -> None:
    """Any unknown name gets 404. The message contains the shortened name."""
    with pytest.raises(NotFound, match="No agent that you can see is published as") as raised:
        await providers.get_model(caller, "gofannon", name)
    assert len(raised.value.message) < 200


async def test_other_providers_do_not_use_the_database(catalog: Catalog, caller: Caller) -> None:
    """Requests for other providers, known or unknown, do not use the database."""
    service = ProviderService(catalog, no_database)
    assert (await service.get_provider(caller, "openai")).models
    assert "gpt-4.1-mini" in await service.list_models(caller, "openai")
    assert (await service.get_model(caller, "openai", "gpt-4.1-mini")).parameters
    for request in (service.get_provider(caller, "unknown"), service.get_model(caller, "openai", "unknown")):
        with pytest.raises(NotFound):
            await request
