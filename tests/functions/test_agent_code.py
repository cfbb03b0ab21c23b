"""Tests running and generating agent code over HTTP: shapes and status codes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

import functions.agents.main as agents
from shared.models.account import Account
from shared.services.generation.code_prompt import write_naming_request, write_request
from shared.store import Database
from tests.database_data import store_account
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.functions.conftest import Serve
from tests.services.harness import MODEL
from tests.services.publishing import MODEL_CALLER

CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}\n"
TASK = "Shouts its input."
PROMPT = write_request(TASK, None, None, {})
NAMING_PROMPT = write_naming_request(PROMPT)
NAME_ANSWER = Answer(json.dumps({"friendly_name": "shout_it", "docstring": "Shouts."}))
COMPOSER = {"provider": "openai", "model": MODEL, "parameters": {"max_tokens": 2000}}
REQUEST: dict[str, Any] = {
    "tools": {},
    "description": TASK,
    "inputSchema": None,
    "outputSchema": None,
    "modelConfig": COMPOSER,
}
FAILING = """
class Shop:
    def price(self, name):
        print("looking for", name)
        raise ValueError("no " + name)


async def run(input_dict, tools):
    print("é", 1)
    return Shop().price(input_dict["name"])
"""


async def spend_allowance(database: Database) -> None:
    now = datetime.now(UTC)
    account = Account(uid="local-dev-user", allowance=5, remaining=0, created_at=now, updated_at=now)
    await store_account(database, account)


@pytest.mark.parametrize("field", ["inputDict", "input_dict"])
async def test_running_code_returns_its_result(serve: Serve, field: str) -> None:
    """The response to a successful run has the result, the lines of output, the duration, and null as `error`."""
    code = (
        "import asyncio\nasync def run(input_dict, tools):\n    print('a', input_dict, '\\nb')\n"
        "    await asyncio.sleep(0.05)\n    return [tools, None, 1.5]"
    )
    response = await serve(agents).post(
        "/agents/run-code", json={"code": code, field: {"x": 1}, "tools": {"https://x.example/mcp": ["t"]}}
    )
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["result", "error", "logs", "durationMs", "engine"]
    assert body["result"] == [{"https://x.example/mcp": ["t"]}, None, 1.5]
    assert body["error"] is None
    assert body["logs"] == ["a {'x': 1} ", "b"]
    assert isinstance(body["durationMs"], int)
    assert body["durationMs"] >= 50


@pytest.mark.parametrize("result", ["{}", "[]", "''", "None", "0", "True", "{'a': [None, {'b': 'é😀'}]}"])
async def test_a_result_can_be_any_json(serve: Serve, result: str) -> None:
    """The result can be any JSON value. The input and the tools can be missing or null."""
    code = f"async def run(input_dict, tools):\n    return {result}"
    for body in ({"code": code}, {"code": code, "inputDict": None, "tools": None, "gofannonAgents": None}):
        response = await serve(agents).post("/agents/run-code", json=body)
        assert response.status_code == 200
        assert response.json()["result"] == eval(result)  # noqa: S307 - a literal from this test


async def test_failing_code_is_400_with_a_traceback(serve: Serve) -> None:
    """The response to a failed run has the error, the output before it, and a traceback with only the agent's lines."""
    response = await serve(agents).post(
        "/agents/run-code", json={"code": FAILING, "inputDict": {"name": "tea"}, "tools": {}}
    )
    assert response.status_code == 400
    assert response.json() == {
        "detail": "The code failed: ValueError: no tea",
        "error": "ValueError: no tea",
        "logs": ["é 1", "looking for tea"],
        "traceback": (
            "Traceback (most recent call last):\n"
            '  File "agent.py", line 10, in run\n    return Shop().price(input_dict["name"])\n'
            '  File "agent.py", line 5, in price\n    raise ValueError("no " + name)\n'
            "ValueError: no tea"
        ),
        "engine": "python",
    }


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("", "run"),
        ("x = 1", "run"),
        ("async def run(", "SyntaxError: "),
        ("import requests\nasync def run(input_dict, tools):\n    return 1", "requests"),
        ("async def run(input_dict, tools):\n    raise ValueError('no')", "ValueError: no"),
        ("async def run(input_dict, tools):\n    return {1, 2}", "TypeError: "),
        ("async def run(input_dict, tools):\n    return float('nan')", "TypeError: "),
        ("async def run(input_dict, tools):\n    return open('/etc/passwd').read()", "Error: "),
    ],
)
async def test_all_errors_in_code_have_the_same_shape(serve: Serve, code: str, error: str) -> None:
    """The errors for empty or invalid code, a missing `run`, an exception, and a non-JSON result have the same
    shape."""
    response = await serve(agents).post("/agents/run-code", json={"code": code, "inputDict": {}, "tools": {}})
    assert response.status_code == 400
    body = response.json()
    assert list(body) == ["detail", "error", "logs", "traceback", "engine"]
    assert error in body["error"]
    assert body["detail"] == f"The code failed: {body['error']}"
    assert body["logs"] == []
    assert "site-packages" not in body["traceback"]


@pytest.mark.parametrize(
    "change",
    [
        {"code": None},
        {"code": 5},
        {"inputDict": "x"},
        {"inputDict": [1]},
        {"tools": ["x"]},
        {"gofannonAgents": "x"},
        {"invokableModels": {}},
    ],
)
async def test_an_invalid_request_is_422(serve: Serve, change: dict[str, Any]) -> None:
    """The error for an invalid request names the invalid field, and no code runs."""
    body = {"code": "async def run(i, t):\n    return 1", "inputDict": {}, "tools": {}, **change}
    response = await serve(agents).post("/agents/run-code", json=body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", *change]


async def test_running_code_without_allowance_is_402(
    serve: Serve, database: Database, model_server: ModelServer
) -> None:
    """A run without allowance fails with 402 only if it calls a model that costs money."""
    await spend_allowance(database)
    client = serve(agents)
    response = await client.post(
        "/agents/run-code", json={"code": MODEL_CALLER, "inputDict": {"inputText": "hi"}, "tools": {}}
    )
    assert response.status_code == 402
    assert set(response.json()) == {"detail"}
    assert model_server.calls == []
    free = {"code": "async def run(input_dict, tools):\n    return 1", "inputDict": {}, "tools": {}}
    assert (await client.post("/agents/run-code", json=free)).status_code == 200


@pytest.mark.timeout(30)
async def test_a_run_that_takes_too_long_is_400(serve: Serve) -> None:
    """A run that takes longer than `RUN_TIMEOUT_SECONDS` fails with a `TimeoutError`."""
    code = "async def run(input_dict, tools):\n    await asyncio.sleep(30)"
    response = await serve(agents, run_timeout_seconds=0.5).post("/agents/run-code", json={"code": code})
    assert response.status_code == 400
    assert "TimeoutError" in response.json()["error"]


@pytest.mark.parametrize(("config", "tools"), [("modelConfig", "builtInTools"), ("model_config", "built_in_tools")])
async def test_generated_code_has_the_documented_shape(
    serve: Serve, model_server: ModelServer, config: str, tools: str
) -> None:
    """The response has the code without Markdown fences, a name, a docstring and thoughts. Both spellings are
    accepted."""
    model_server.script(PROMPT, Answer(f"```python\n{CODE}```", reasoning="Upper case it is."))
    model_server.script(NAMING_PROMPT, NAME_ANSWER)
    body = {"tools": {}, "description": TASK, config: COMPOSER, tools: []}
    response = await serve(agents).post("/agents/generate-code", json=body)
    assert response.status_code == 200
    assert response.json() == {
        "code": CODE,
        "friendlyName": "shout_it",
        "docstring": "Shouts.",
        "thoughts": {"reasoning": "Upper case it is."},
    }


async def test_generated_code_runs(serve: Serve, model_server: ModelServer) -> None:
    """Generated code runs unchanged, and is saved unchanged, without warnings."""
    client = serve(agents)
    model_server.script(PROMPT, Answer(CODE))
    model_server.script(NAMING_PROMPT, NAME_ANSWER)
    written = (await client.post("/agents/generate-code", json=REQUEST)).json()
    assert written["thoughts"] is None
    run = {"code": written["code"], "inputDict": {"inputText": "hi"}, "tools": {}}
    assert (await client.post("/agents/run-code", json=run)).json()["result"] == {"outputText": "HI"}
    saved = await client.post("/agents", json={"name": written["friendlyName"], "description": TASK, **written})
    assert saved.status_code == 201
    assert (saved.json()["warnings"], saved.json()["friendlyName"]) == ([], "shout_it")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"description": ""}, 422),
        ({"description": None}, 422),
        ({"modelConfig": None}, 422),
        ({"modelConfig": {"provider": "openai"}}, 422),
        ({"tools": []}, 422),
        ({"inputSchema": "x"}, 422),
        ({"swaggerSpecs": [{"name": "s"}]}, 422),
        ({"modelConfig": {"provider": "unknown", "model": "m"}}, 400),
        ({"modelConfig": {"provider": "anthropic", "model": "claude-sonnet-4-5"}}, 400),
        ({"swaggerSpecs": [{"name": "s", "content": "<html>"}]}, 400),
        ({"gofannonAgents": ["unknown"]}, 400),
        ({"builtInTools": ["time_travel"]}, 400),
        ({"tools": {"http://10.0.0.1/mcp": ["a"]}}, 400),
    ],
)
async def test_a_bad_request_is_refused_before_a_model_is_called(
    serve: Serve, model_server: ModelServer, change: dict[str, Any], status: int
) -> None:
    """A malformed request gets a 422, and one that names something unknown or unusable a 400. No model is called."""
    response = await serve(agents).post("/agents/generate-code", json={**REQUEST, **change})
    assert response.status_code == status
    assert set(response.json()) == {"detail"}
    assert model_server.calls == []


async def test_generating_without_allowance_is_402(serve: Serve, database: Database, model_server: ModelServer) -> None:
    """Without allowance, a request to generate code is refused before a model is called."""
    await spend_allowance(database)
    response = await serve(agents).post("/agents/generate-code", json=REQUEST)
    assert response.status_code == 402
    assert model_server.calls == []


async def test_a_model_that_fails_or_returns_no_code_is_502(serve: Serve, model_server: ModelServer) -> None:
    """If the model fails or returns no code, the error states the reason, without a traceback of the service."""
    client = serve(agents)
    model_server.script(PROMPT, Fail(400, "no such thing"))
    failed = await client.post("/agents/generate-code", json=REQUEST)
    model_server.script(PROMPT, Answer("I would rather not."))
    useless = await client.post("/agents/generate-code", json=REQUEST)
    for response in (failed, useless):
        assert response.status_code == 502
        assert set(response.json()) == {"detail"}
    assert "3 attempts" in useless.json()["detail"]


async def test_a_model_that_is_too_slow_is_504(serve: Serve, model_server: ModelServer) -> None:
    """Code generation fails with 504 when its time limit is reached."""
    client = serve(agents)
    await client.post("/agents/generate-code", json=REQUEST)  # imports the model library
    model_server.script(PROMPT, Answer(CODE, delay=5))
    slow = serve(agents, run_timeout_seconds=0.7)
    response = await slow.post("/agents/generate-code", json=REQUEST)
    assert response.status_code == 504
    assert set(response.json()) == {"detail"}


async def test_tools_are_used_when_code_is_generated_and_when_it_runs(
    serve: Serve, mcp_server: McpServer, api_server: ApiServer, model_server: ModelServer
) -> None:
    """Only the MCP servers and tools in `tools` are used."""
    client = serve(agents, outbound_allowed_hosts=(mcp_server.host, api_server.host))
    code = (
        "async def run(input_dict, tools):\n"
        f"    return await mcpc[{mcp_server.url!r}].call(tool_name='add', a=input_dict['a'], b=2)"
    )
    body = {"code": code, "inputDict": {"a": 1}, "tools": {mcp_server.url: ["add"]}}
    response = await client.post("/agents/run-code", json=body)
    assert response.status_code == 200
    assert response.json()["result"] == 3
    assert (await client.post("/agents/run-code", json={**body, "tools": {}})).status_code == 400
    written = await client.post("/agents/generate-code", json={**REQUEST, "tools": {mcp_server.url: ["fly"]}})
    assert written.status_code == 400
    assert "fly" in written.json()["detail"]
