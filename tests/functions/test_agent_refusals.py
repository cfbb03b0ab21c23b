"""Tests which requests the agent routes refuse, and with which status codes."""

from typing import Any

import pytest

import functions.agents.main as agents
from tests.functions.conftest import Serve

CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText']}"
AGENT: dict[str, Any] = {"name": "Echo", "description": "Repeats its input.", "code": CODE}


async def test_an_invalid_friendly_name_is_explained(serve: Serve) -> None:
    """The error describes a valid friendly name in plain English instead of quoting the regular expression."""
    response = await serve(agents).post("/agents", json={**AGENT, "friendlyName": "my agent"})
    (problem,) = response.json()["detail"]
    assert (problem["type"], problem["input"]) == ("string_pattern_mismatch", "my agent")
    assert problem["msg"] == (
        "A friendly name consists of letters (A to Z), digits, _ and -, begins with a letter or a digit, and has at "
        "most 100 characters"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": None},
        {"name": "x" * 201},
        {"description": None},
        {"description": "x" * 100_001},
        {"code": None},
        {"code": 5},
        {"friendlyName": ""},
        {"friendlyName": "a b"},
        {"friendlyName": "a/b"},
        {"friendlyName": "é"},
        {"friendlyName": "-a"},
        {"friendlyName": "a\n"},
        {"friendlyName": "x" * 101},
        {"tools": []},
        {"tools": {"https://x.example": "all"}},
        {"swaggerSpecs": [{"name": "s"}]},
        {"swaggerSpecs": [{"name": "", "content": ""}]},
        {"swaggerSpecs": [{"name": "s", "content": ""}] * 51},
        {"inputSchema": "string"},
        {"inputSchema": []},
        {"outputSchema": 1},
        {"invokableModels": [{"provider": "openai"}]},
        {"gofannonAgents": "x"},
        {"gofannonAgents": ["x"] * 101},
        {"composerModelConfig": "gpt"},
        {"visibility": "public"},
        {"visibility": None},
    ],
)
async def test_an_invalid_field_is_422(serve: Serve, change: dict[str, Any]) -> None:
    """If a field is invalid when an agent is saved or changed, the error names the field, and nothing is stored."""
    client = serve(agents)
    saved = (await client.post("/agents", json=AGENT)).json()
    path = f"/agents/{saved['_id']}"
    for response in (
        await client.post("/agents", json={**AGENT, **change}),
        await client.put(path, json=change),
    ):
        assert response.status_code == 422
        (problem,) = response.json()["detail"][:1]
        assert set(problem) == {"type", "loc", "msg", "input"}
        assert problem["loc"][:2] == ["body", *change]
    (only,) = (await client.get("/agents")).json()
    assert only["_rev"] == saved["_rev"]


INVALID_BODIES = [b"", b"{", b"[]", b'"x"', b"null", b'{"name": NaN}', b'{"name": "\\ud800"}', b"\xff", b"[" * 100_000]


@pytest.mark.parametrize("body", INVALID_BODIES, ids=lambda body: repr(body[:20]))
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/agents"), ("PUT", "/agents/x"), ("POST", "/agents/run-code"), ("POST", "/agents/generate-code")],
)
async def test_a_body_that_is_not_a_json_object_is_422(serve: Serve, method: str, path: str, body: bytes) -> None:
    """A body that is empty, malformed, or JSON other than an object is refused."""
    headers = {"Content-Type": "application/json"}
    response = await serve(agents).request(method, path, content=body, headers=headers)
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], list)


async def test_an_invalid_schema_is_400(serve: Serve) -> None:
    """The error for an invalid schema names the schema, and nothing is saved."""
    client = serve(agents)
    for name in ("inputSchema", "outputSchema"):
        response = await client.post("/agents", json={**AGENT, name: {"a": 5}})
        assert response.status_code == 400
        assert name in response.json()["detail"]
    assert (await client.get("/agents")).json() == []


async def test_an_agent_that_is_too_large_is_413(serve: Serve) -> None:
    """The error states the size of the agent or, if the body is too long to be read, the size of the body."""
    client = serve(agents)
    for length, text in ((1_050_000, "The agent is 1050"), (2_200_000, "The request body has at least")):
        response = await client.post("/agents", json={**AGENT, "docstring": "x" * length})
        assert response.status_code == 413
        assert text in response.json()["detail"]
        assert "the limit is" in response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": -1}, 422),
        ({"limit": 1001}, 422),
        ({"limit": "many"}, 422),
        ({"limit": 1}, 200),
        ({"limit": 1000}, 200),
        ({"pageToken": "x"}, 400),
        ({"pageToken": ""}, 400),
        ({"pageToken": "x" * 5001}, 422),
    ],
)
async def test_page_parameters(serve: Serve, query: dict[str, Any], status: int) -> None:
    """A limit out of range gets a 422, and a page token that the service did not issue gets a 400."""
    assert (await serve(agents).get("/agents", params=query)).status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/agents"), ("DELETE", "/agents"), ("POST", "/agents/x"), ("PUT", "/agents/run-code/x")],
)
async def test_an_unknown_route_gets_a_json_error(serve: Serve, method: str, path: str) -> None:
    """An unknown path gets a 404, and a method that the path does not support gets a 405."""
    response = await serve(agents).request(method, path)
    assert response.status_code in (404, 405)
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("agent_id", ["unknown", "%2e%2e", "%00", "__x__", "a%2Fb", "%ff", "😀", "x" * 2000])
async def test_an_unknown_agent_is_404(serve: Serve, agent_id: str) -> None:
    """Every route returns 404 for an unknown id, which can contain any characters."""
    client = serve(agents)
    for response in (
        await client.get(f"/agents/{agent_id}"),
        await client.put(f"/agents/{agent_id}", json={"name": "x"}),
        await client.delete(f"/agents/{agent_id}"),
    ):
        assert response.status_code == 404
        assert set(response.json()) == {"detail"}


async def test_the_name_of_a_route_is_not_an_agent_id(serve: Serve) -> None:
    """There are no agents with the ids `run-code` and `generate-code`."""
    client = serve(agents)
    for name in ("run-code", "generate-code"):
        assert (await client.get(f"/agents/{name}")).status_code == 404
