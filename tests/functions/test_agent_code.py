"""Running and writing agent code, over HTTP: shapes and codes."""

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
from tests.services.publishing import ASK

CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}\n"
TASK = "Shouts what it is told."
ASKED = write_request(TASK, None, None, {})
NAME_ASKED = write_naming_request(ASKED)
NAMED = Answer(json.dumps({"friendly_name": "shout_it", "docstring": "Shouts."}))
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


async def without_money(database: Database) -> None:
    now = datetime.now(UTC)
    account = Account(uid="local-dev-user", allowance=5, remaining=0, created_at=now, updated_at=now)
    await store_account(database, account)


@pytest.mark.parametrize("field", ["inputDict", "input_dict"])
async def test_code_that_runs_is_answered_with_its_result(serve: Serve, field: str) -> None:
    """200; `error` null; what it printed, line by line; how long it took."""
    code = (
        "import asyncio\nasync def run(input_dict, tools):\n    print('a', input_dict, '\\nb')\n"
        "    await asyncio.sleep(0.05)\n    return [tools, None, 1.5]"
    )
    response = await serve(agents).post(
        "/agents/run-code", json={"code": code, field: {"x": 1}, "tools": {"https://x.example/mcp": ["t"]}}
    )
    assert response.status_code == 200
    answer = response.json()
    assert list(answer) == ["result", "error", "logs", "durationMs", "engine"]
    assert answer["result"] == [{"https://x.example/mcp": ["t"]}, None, 1.5]
    assert answer["error"] is None
    assert answer["logs"] == ["a {'x': 1} ", "b"]
    assert isinstance(answer["durationMs"], int)
    assert answer["durationMs"] >= 50


@pytest.mark.parametrize("result", ["{}", "[]", "''", "None", "0", "True", "{'a': [None, {'b': 'é😀'}]}"])
async def test_any_json_is_a_result(serve: Serve, result: str) -> None:
    """Of whatever kind; input and tools may be left out, or null."""
    code = f"async def run(input_dict, tools):\n    return {result}"
    for body in ({"code": code}, {"code": code, "inputDict": None, "tools": None, "gofannonAgents": None}):
        response = await serve(agents).post("/agents/run-code", json=body)
        assert response.status_code == 200
        assert response.json()["result"] == eval(result)  # noqa: S307 - a literal of the test's own


async def test_code_that_fails_is_400_with_its_own_lines(serve: Serve) -> None:
    """The error's type and message, what was printed before it, and a traceback of the agent's lines alone."""
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
async def test_whatever_is_wrong_with_code_has_one_shape(serve: Serve, code: str, error: str) -> None:
    """No code, no Python, no `run`, an exception, a result that is no JSON."""
    response = await serve(agents).post("/agents/run-code", json={"code": code, "inputDict": {}, "tools": {}})
    assert response.status_code == 400
    answer = response.json()
    assert list(answer) == ["detail", "error", "logs", "traceback", "engine"]
    assert error in answer["error"]
    assert answer["detail"] == f"The code failed: {answer['error']}"
    assert answer["logs"] == []
    assert "site-packages" not in answer["traceback"]


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
async def test_a_request_that_does_not_validate_is_422(serve: Serve, change: dict[str, Any]) -> None:
    """By its place; nothing runs."""
    body = {"code": "async def run(i, t):\n    return 1", "inputDict": {}, "tools": {}, **change}
    response = await serve(agents).post("/agents/run-code", json=body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", *change]


async def test_running_code_without_money_is_402(serve: Serve, database: Database, model_server: ModelServer) -> None:
    """When it calls a model that costs something, and only then."""
    await without_money(database)
    client = serve(agents)
    response = await client.post("/agents/run-code", json={"code": ASK, "inputDict": {"inputText": "hi"}, "tools": {}})
    assert response.status_code == 402
    assert set(response.json()) == {"detail"}
    assert model_server.calls == []
    free = {"code": "async def run(input_dict, tools):\n    return 1", "inputDict": {}, "tools": {}}
    assert (await client.post("/agents/run-code", json=free)).status_code == 200


@pytest.mark.timeout(30)
async def test_a_run_takes_no_longer_than_a_request_may(serve: Serve) -> None:
    """400, and what its time was."""
    code = "async def run(input_dict, tools):\n    await asyncio.sleep(30)"
    response = await serve(agents, run_timeout_seconds=0.5).post("/agents/run-code", json={"code": code})
    assert response.status_code == 400
    assert "TimeoutError" in response.json()["error"]


@pytest.mark.parametrize(("config", "tools"), [("modelConfig", "builtInTools"), ("model_config", "built_in_tools")])
async def test_written_code_has_the_contracts_shape(
    serve: Serve, model_server: ModelServer, config: str, tools: str
) -> None:
    """200: code without fences, a name, a docstring, what the model thought. Either spelling."""
    model_server.script(ASKED, Answer(f"```python\n{CODE}```", reasoning="Upper case it is."))
    model_server.script(NAME_ASKED, NAMED)
    body = {"tools": {}, "description": TASK, config: COMPOSER, tools: []}
    response = await serve(agents).post("/agents/generate-code", json=body)
    assert response.status_code == 200
    assert response.json() == {
        "code": CODE,
        "friendlyName": "shout_it",
        "docstring": "Shouts.",
        "thoughts": {"reasoning": "Upper case it is."},
    }


async def test_written_code_runs(serve: Serve, model_server: ModelServer) -> None:
    """What was written is run as it is, and saved as it is, without warnings."""
    client = serve(agents)
    model_server.script(ASKED, Answer(CODE))
    model_server.script(NAME_ASKED, NAMED)
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
        ({"modelConfig": {"provider": "nobody", "model": "m"}}, 400),
        ({"modelConfig": {"provider": "anthropic", "model": "claude-sonnet-4-5"}}, 400),
        ({"swaggerSpecs": [{"name": "s", "content": "<html>"}]}, 400),
        ({"gofannonAgents": ["unknown"]}, 400),
        ({"builtInTools": ["time_travel"]}, 400),
        ({"tools": {"http://10.0.0.1/mcp": ["a"]}}, 400),
    ],
)
async def test_what_cannot_be_written_is_told_before_a_model_is_asked(
    serve: Serve, model_server: ModelServer, change: dict[str, Any], status: int
) -> None:
    """422 for what does not validate, 400 for what cannot be used."""
    response = await serve(agents).post("/agents/generate-code", json={**REQUEST, **change})
    assert response.status_code == status
    assert set(response.json()) == {"detail"}
    assert model_server.calls == []


async def test_writing_without_money_is_402(serve: Serve, database: Database, model_server: ModelServer) -> None:
    """Before a model is asked."""
    await without_money(database)
    response = await serve(agents).post("/agents/generate-code", json=REQUEST)
    assert response.status_code == 402
    assert model_server.calls == []


async def test_a_model_that_fails_or_writes_no_code_is_502(serve: Serve, model_server: ModelServer) -> None:
    """With the reason; never a traceback of ours."""
    client = serve(agents)
    model_server.script(ASKED, Fail(400, "no such thing"))
    failed = await client.post("/agents/generate-code", json=REQUEST)
    model_server.script(ASKED, Answer("I had rather not."))
    useless = await client.post("/agents/generate-code", json=REQUEST)
    for response in (failed, useless):
        assert response.status_code == 502
        assert set(response.json()) == {"detail"}
    assert "3 attempts" in useless.json()["detail"]


async def test_a_model_that_is_too_slow_is_504(serve: Serve, model_server: ModelServer) -> None:
    """Within the time that a request has."""
    client = serve(agents)
    await client.post("/agents/generate-code", json=REQUEST)  # the model library is imported now
    model_server.script(ASKED, Answer(CODE, delay=5))
    slow = serve(agents, run_timeout_seconds=0.7)
    response = await slow.post("/agents/generate-code", json=REQUEST)
    assert response.status_code == 504
    assert set(response.json()) == {"detail"}


async def test_tools_are_fetched_when_code_is_written_and_called_when_it_runs(
    serve: Serve, mcp_server: McpServer, api_server: ApiServer, model_server: ModelServer
) -> None:
    """Over HTTP, as they are named in `tools`; no others."""
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
