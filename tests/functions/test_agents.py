"""Tests the agent routes: shapes, status codes, both spellings, and all paths."""

import re
from typing import Any

import pytest

import functions.agents.main as agents
import functions.deployments.main as deployments
from shared.models.caller import Caller
from shared.store import Database
from tests.functions.conftest import Serve
from tests.services.publishing import save

CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText']}"
AGENT: dict[str, Any] = {"name": "Echo", "description": "Repeats its input.", "code": CODE}
FULL: dict[str, Any] = {
    "name": "天気 ☀",
    "description": "Reports the weather.",
    "code": CODE,
    "docstring": "Doc.",
    "friendlyName": "weather-1",
    "tools": {"https://mcp.example/mcp": ["a", "b"]},
    "swaggerSpecs": [{"name": "api", "content": "openapi: 3.1.0"}],
    "inputSchema": {"inputText": "string"},
    "outputSchema": {"type": "object", "properties": {"outputText": {"type": "string"}}},
    "invokableModels": [{"provider": "openai", "model": "m", "parameters": {"a": [[1], None]}, "builtInTool": "t"}],
    "gofannonAgents": ["x"],
    "composerThoughts": {"deep": [[1.5, None, "😀"]]},
    "composerModelConfig": {"provider": "openai", "model": "m", "parameters": {}, "builtInTool": None},
    "visibility": "shared",
}
SERVICE_FIELDS = ["_id", "_rev", "createdAt", "updatedAt"]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


async def test_a_saved_agent_has_the_documented_shape(serve: Serve) -> None:
    """The response to a saved agent is in camelCase. It also has `warnings` and `engine`, which are not stored."""
    client = serve(agents)
    response = await client.post("/agents", json=FULL)
    assert response.status_code == 201
    saved = response.json()
    assert list(saved) == [*FULL, *SERVICE_FIELDS, "warnings", "engine"]
    assert {name: saved[name] for name in FULL} == FULL
    assert saved["warnings"] == []
    assert saved["engine"] == "python"
    assert saved["createdAt"] == saved["updatedAt"]
    assert TIME.match(saved["createdAt"])
    read = await client.get(f"/agents/{saved['_id']}")
    assert read.status_code == 200
    del saved["warnings"], saved["engine"]
    assert read.json() == saved
    assert (await client.get("/agents")).json() == [saved]


async def test_missing_fields_have_defaults(serve: Serve) -> None:
    """Missing and null fields become empty lists, empty maps or null. An agent is private by default."""
    client = serve(agents)
    empty = dict.fromkeys(("docstring", "friendlyName", "inputSchema", "outputSchema"))
    nothing = dict.fromkeys(("tools", "swaggerSpecs", "invokableModels", "gofannonAgents", "composerThoughts"))
    for body in ({"name": "n", "code": CODE}, {"name": "n", "code": CODE, **empty, **nothing}):
        response = await client.post("/agents", json=body)
        assert response.status_code == 201
        saved = {
            name: value
            for name, value in response.json().items()
            if name not in (*SERVICE_FIELDS, "warnings", "engine")
        }
        assert saved == {
            "name": "n",
            "description": "",
            "code": CODE,
            **empty,
            "tools": {},
            "swaggerSpecs": [],
            "invokableModels": [],
            "gofannonAgents": [],
            "composerThoughts": None,
            "composerModelConfig": None,
            "visibility": "private",
        }


async def test_both_spellings_are_accepted(serve: Serve) -> None:
    """camelCase and snake_case are accepted, the response is in camelCase, and unknown fields are ignored."""
    client = serve(agents)
    snake: dict[str, Any] = {
        "friendly_name": "echo",
        "input_schema": {"a": "string"},
        "output_schema": {"b": "string"},
        "swagger_specs": [{"name": "s", "content": "c"}],
        "invokable_models": [{"provider": "openai", "model": "m", "parameters": {}, "built_in_tool": "t"}],
        "gofannon_agents": ["x"],
        "composer_thoughts": "t",
        "composer_model_config": {"provider": "openai", "model": "m"},
    }
    saved = (await client.post("/agents", json={**AGENT, **snake, "somethingNew": 1})).json()
    assert saved["friendlyName"] == "echo"
    assert saved["inputSchema"] == {"a": "string"}
    assert saved["swaggerSpecs"] == [{"name": "s", "content": "c"}]
    assert saved["invokableModels"][0]["builtInTool"] == "t"
    assert saved["composerModelConfig"]["model"] == "m"
    assert not {*snake, "somethingNew"} & set(saved)
    path = f"/agents/{saved['_id']}"
    changed = (await client.put(path, json={"friendly_name": "other", "input_schema": None})).json()
    assert (changed["friendlyName"], changed["inputSchema"], changed["outputSchema"]) == (
        "other",
        None,
        {"b": "string"},
    )


async def test_a_change_returns_the_agent(serve: Serve) -> None:
    """A change returns the agent. Fields that were not sent keep their values; only `_rev` and `updatedAt` are new."""
    client = serve(agents)
    saved = (await client.post("/agents", json=FULL)).json()
    response = await client.put(f"/agents/{saved['_id']}", json={"description": "New."})
    assert response.status_code == 200
    changed = response.json()
    assert list(changed) == list(saved)
    different = {name for name in saved if changed[name] != saved[name]}
    assert different == {"description", "_rev", "updatedAt"}
    assert changed["updatedAt"] > saved["updatedAt"]


async def test_fields_that_callers_cannot_set_are_ignored(serve: Serve) -> None:
    """Callers cannot set `_id`, the owner and the times, so these fields are ignored in requests."""
    client = serve(agents)
    ignored_fields = {"_id": "mine", "_rev": "x", "owner": "o", "createdAt": "2000-01-01T00:00:00Z", "deployedAs": "x"}
    saved = (await client.post("/agents", json={**AGENT, **ignored_fields})).json()
    assert saved["_id"] != "mine"
    assert not saved["createdAt"].startswith("2000")
    changed = (await client.put(f"/agents/{saved['_id']}", json={**ignored_fields, "_rev": saved["_rev"]})).json()
    assert (changed["_id"], changed["createdAt"]) == (saved["_id"], saved["createdAt"])


async def test_a_whole_agent_can_be_sent_back(serve: Serve) -> None:
    """An update can contain a whole agent as it was received, with or without changes, as frontends send it."""
    client = serve(agents)
    saved = (await client.post("/agents", json=FULL)).json()
    response = await client.put(f"/agents/{saved['_id']}", json={**saved, "name": "New"})
    assert response.status_code == 200
    assert {name: response.json()[name] for name in FULL} == {**FULL, "name": "New"}


async def test_an_outdated_revision_is_409(serve: Serve) -> None:
    """An update with an outdated `_rev` changes nothing. An update without `_rev` is always made."""
    client = serve(agents)
    saved = (await client.post("/agents", json=AGENT)).json()
    path = f"/agents/{saved['_id']}"
    assert (await client.put(path, json={"_rev": saved["_rev"], "name": "One"})).status_code == 200
    rejected = await client.put(path, json={"_rev": saved["_rev"], "name": "Two"})
    assert rejected.status_code == 409
    assert set(rejected.json()) == {"detail"}
    assert (await client.get(path)).json()["name"] == "One"
    assert (await client.put(path, json={"name": "Three"})).status_code == 200


async def test_deleting_is_204_without_a_body(serve: Serve) -> None:
    """After an agent has been deleted, every route returns 404 for it."""
    client = serve(agents)
    saved = (await client.post("/agents", json=AGENT)).json()
    path = f"/agents/{saved['_id']}"
    response = await client.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    for response in (await client.get(path), await client.delete(path), await client.put(path, json={"name": "x"})):
        assert response.status_code == 404
        assert response.json() == {"detail": "There is no such agent."}


async def test_warnings_name_the_line(serve: Serve) -> None:
    """Code that will not run is saved, and the response warns about the line. Changes of other fields repeat the
    warning."""
    client = serve(agents)
    response = await client.post("/agents", json={**AGENT, "code": f"import requests\n{CODE}"})
    assert response.status_code == 201
    (warning,) = response.json()["warnings"]
    assert set(warning) == {"line", "message"}
    assert warning["line"] == 1
    assert "requests" in warning["message"]
    path = f"/agents/{response.json()['_id']}"
    assert "warnings" not in (await client.get(path)).json()
    assert (await client.put(path, json={"name": "x"})).json()["warnings"] == [warning]
    assert (await client.put(path, json={"code": CODE})).json()["warnings"] == []


async def test_changing_another_users_shared_agent_is_403(serve: Serve, database: Database) -> None:
    """Another user's shared agent can be read but not changed. Another user's private agent is unknown."""
    client = serve(agents)
    shared = await save(database, Caller(uid="other"), visibility="shared")
    private = await save(database, Caller(uid="other"))
    assert (await client.get(f"/agents/{shared.id}")).status_code == 200
    for response in (
        await client.put(f"/agents/{shared.id}", json={"name": "x"}),
        await client.delete(f"/agents/{shared.id}"),
    ):
        assert response.status_code == 403
        assert set(response.json()) == {"detail"}
    assert (await client.get(f"/agents/{private.id}")).status_code == 404
    assert [agent["_id"] for agent in (await client.get("/agents")).json()] == [shared.id]


async def test_agents_are_listed_in_pages(serve: Serve) -> None:
    """A header has the token of the next page. The last page and an unlimited list have no such header."""
    client = serve(agents)
    for number in range(5):
        await client.post("/agents", json={**AGENT, "name": str(number)})
    full_list = await client.get("/agents")
    names = [agent["name"] for agent in full_list.json()]
    assert names == ["4", "3", "2", "1", "0"]
    assert "x-next-page-token" not in full_list.headers
    paged: list[str] = []
    after: dict[str, str] = {}
    for length in (2, 2, 1):
        page = await client.get("/agents", params={"limit": "2", **after})
        assert len(page.json()) == length
        paged += [agent["name"] for agent in page.json()]
        after = {"pageToken": page.headers.get("x-next-page-token", "")}
    assert after == {"pageToken": ""}
    assert paged == names


@pytest.mark.parametrize("prefix", ["/api/agents", "/agents", ""])
@pytest.mark.parametrize("end", ["", "/"])
async def test_every_route_works_at_every_path(serve: Serve, prefix: str, end: str) -> None:
    """Hosting's prefix, the function's name and a trailing slash are optional in the path."""
    client = serve(agents)
    root = f"{prefix}{end}" or "/"
    created = await client.post(root, json=AGENT)
    assert created.status_code == 201
    one = f"{prefix}/{created.json()['_id']}{end}"
    assert (await client.get(one)).status_code == 200
    assert (await client.put(one, json={"name": "New"})).status_code == 200
    assert [agent["name"] for agent in (await client.get(root)).json()] == ["New"]
    run = {"code": CODE, "inputDict": {"inputText": "x"}, "tools": {}}
    outcome = await client.post(f"{prefix}/run-code{end}", json=run)
    assert outcome.json()["result"] == {"outputText": "x"}
    written = await client.post(f"{prefix}/generate-code{end}", json={})
    assert written.status_code == 422
    assert {problem["loc"][1] for problem in written.json()["detail"]} == {"description", "modelConfig"}
    assert (await client.delete(one)).status_code == 204


async def test_a_deleted_agent_is_no_longer_published(serve: Serve) -> None:
    """As soon as an agent is deleted, calls of its public name get a 404."""
    client = serve(agents)
    deployments_client = serve(deployments)
    saved = (await client.post("/agents", json={**AGENT, "friendlyName": "echo"})).json()
    await deployments_client.post(f"/agents/{saved['_id']}/deploy")
    assert (await deployments_client.post("/rest/echo", json={"inputText": "x"})).status_code == 200
    await client.delete(f"/agents/{saved['_id']}")
    assert (await deployments_client.post("/rest/echo", json={"inputText": "x"})).status_code == 404
    assert (await deployments_client.get("/deployments")).json() == []
