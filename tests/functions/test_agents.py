"""The agent routes: shapes, codes, both spellings, every way."""

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
AGENT: dict[str, Any] = {"name": "Echo", "description": "Says it again.", "code": CODE}
FULL: dict[str, Any] = {
    "name": "天気 ☀",
    "description": "Tells the weather.",
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
STAMPS = ["_id", "_rev", "createdAt", "updatedAt"]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


async def test_a_saved_agent_has_the_contracts_shape(serve: Serve) -> None:
    """201; camelCase, with `_id` and `_rev`; every field as it was sent; `warnings` beside it, and never stored."""
    client = serve(agents)
    response = await client.post("/agents", json=FULL)
    assert response.status_code == 201
    saved = response.json()
    assert list(saved) == [*FULL, *STAMPS, "warnings", "engine"]
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


async def test_what_is_left_out_has_a_value(serve: Serve) -> None:
    """Lists and maps are empty, what is optional is null, an agent is private; null is as good as leaving out."""
    client = serve(agents)
    empty = dict.fromkeys(("docstring", "friendlyName", "inputSchema", "outputSchema"))
    nothing = dict.fromkeys(("tools", "swaggerSpecs", "invokableModels", "gofannonAgents", "composerThoughts"))
    for body in ({"name": "n", "code": CODE}, {"name": "n", "code": CODE, **empty, **nothing}):
        response = await client.post("/agents", json=body)
        assert response.status_code == 201
        saved = {name: value for name, value in response.json().items() if name not in (*STAMPS, "warnings", "engine")}
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


async def test_both_spellings_are_taken(serve: Serve) -> None:
    """camelCase and snake_case, on saving and on changing; the answer is camelCase; unknown fields are ignored."""
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


async def test_a_change_is_answered_with_the_agent(serve: Serve) -> None:
    """200; what was not sent stays, and so do `_id` and `createdAt`; `_rev` and `updatedAt` are new."""
    client = serve(agents)
    saved = (await client.post("/agents", json=FULL)).json()
    response = await client.put(f"/agents/{saved['_id']}", json={"description": "New."})
    assert response.status_code == 200
    changed = response.json()
    assert list(changed) == list(saved)
    different = {name for name in saved if changed[name] != saved[name]}
    assert different == {"description", "_rev", "updatedAt"}
    assert changed["updatedAt"] > saved["updatedAt"]


async def test_what_callers_cannot_set_is_ignored(serve: Serve) -> None:
    """`_id`, owner and times are the service's, on saving and on changing."""
    client = serve(agents)
    mine = {"_id": "mine", "_rev": "x", "owner": "o", "createdAt": "2000-01-01T00:00:00Z", "deployedAs": "x"}
    saved = (await client.post("/agents", json={**AGENT, **mine})).json()
    assert saved["_id"] != "mine"
    assert not saved["createdAt"].startswith("2000")
    changed = (await client.put(f"/agents/{saved['_id']}", json={**mine, "_rev": saved["_rev"]})).json()
    assert (changed["_id"], changed["createdAt"]) == (saved["_id"], saved["createdAt"])


async def test_a_whole_agent_can_be_sent_back(serve: Serve) -> None:
    """As it was answered, changed or not: what frontends do."""
    client = serve(agents)
    saved = (await client.post("/agents", json=FULL)).json()
    response = await client.put(f"/agents/{saved['_id']}", json={**saved, "name": "New"})
    assert response.status_code == 200
    assert {name: response.json()[name] for name in FULL} == {**FULL, "name": "New"}


async def test_a_stale_revision_is_409(serve: Serve) -> None:
    """And changes nothing; without one the change is made."""
    client = serve(agents)
    saved = (await client.post("/agents", json=AGENT)).json()
    path = f"/agents/{saved['_id']}"
    assert (await client.put(path, json={"_rev": saved["_rev"], "name": "One"})).status_code == 200
    stale = await client.put(path, json={"_rev": saved["_rev"], "name": "Two"})
    assert stale.status_code == 409
    assert set(stale.json()) == {"detail"}
    assert (await client.get(path)).json()["name"] == "One"
    assert (await client.put(path, json={"name": "Three"})).status_code == 200


async def test_deleting_is_204_without_a_body(serve: Serve) -> None:
    """After it the agent is unknown, and so it is the second time."""
    client = serve(agents)
    saved = (await client.post("/agents", json=AGENT)).json()
    path = f"/agents/{saved['_id']}"
    response = await client.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    for again in (await client.get(path), await client.delete(path), await client.put(path, json={"name": "x"})):
        assert again.status_code == 404
        assert again.json() == {"detail": "There is no such agent."}


async def test_warnings_name_the_line(serve: Serve) -> None:
    """Code that will not run is saved all the same; a change that leaves the code alone tells of it, too."""
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


async def test_somebody_elses_shared_agent_is_403_to_change(serve: Serve, database: Database) -> None:
    """It can be read; what is private cannot."""
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


async def test_pages_of_agents(serve: Serve) -> None:
    """A list; with a limit, the next page's token in a header; the last has none."""
    client = serve(agents)
    for number in range(5):
        await client.post("/agents", json={**AGENT, "name": str(number)})
    whole = await client.get("/agents")
    names = [agent["name"] for agent in whole.json()]
    assert names == ["4", "3", "2", "1", "0"]
    assert "x-next-page-token" not in whole.headers
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
async def test_every_route_answers_by_every_way(serve: Serve, prefix: str, end: str) -> None:
    """Through Hosting, bare, and with the function's name stripped; with a slash at the end or without."""
    client = serve(agents)
    root = f"{prefix}{end}" or "/"
    created = await client.post(root, json=AGENT)
    assert created.status_code == 201
    one = f"{prefix}/{created.json()['_id']}{end}"
    assert (await client.get(one)).status_code == 200
    assert (await client.put(one, json={"name": "New"})).status_code == 200
    assert [agent["name"] for agent in (await client.get(root)).json()] == ["New"]
    run = {"code": CODE, "inputDict": {"inputText": "x"}, "tools": {}}
    ran = await client.post(f"{prefix}/run-code{end}", json=run)
    assert ran.json()["result"] == {"outputText": "x"}
    written = await client.post(f"{prefix}/generate-code{end}", json={})
    assert written.status_code == 422
    assert {problem["loc"][1] for problem in written.json()["detail"]} == {"description", "modelConfig"}
    assert (await client.delete(one)).status_code == 204


async def test_a_deleted_agent_is_no_longer_published(serve: Serve) -> None:
    """Its name is unknown at once."""
    client = serve(agents)
    other = serve(deployments)
    saved = (await client.post("/agents", json={**AGENT, "friendlyName": "echo"})).json()
    await other.post(f"/agents/{saved['_id']}/deploy")
    assert (await other.post("/rest/echo", json={"inputText": "x"})).status_code == 200
    await client.delete(f"/agents/{saved['_id']}")
    assert (await other.post("/rest/echo", json={"inputText": "x"})).status_code == 404
    assert (await other.get("/deployments")).json() == []
