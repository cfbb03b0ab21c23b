"""Tests the life of an agent in the whole suite, from its generation to its deletion."""

import json
from typing import Any

import httpx
import pytest

from local_platform.suite import Suite
from shared.services.generation.code_prompt import write_naming_request, write_request
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import Answer, ModelServer
from tests.e2e.conftest import Connect
from tests.e2e.test_authentication import sign_up

pytestmark = pytest.mark.e2e

MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}


def build_code(mcp_url: str, api_address: str) -> str:
    return f"""async def run(input_dict, tools):
    total = await mcpc["{mcp_url}"].call(tool_name="add", a=len(input_dict["inputText"]), b=1)
    echo = (await http_client.get("{api_address}/echo", params={{"n": total}})).json()
    content, thoughts = await call_llm(
        provider="openai", model="gpt-4.1-mini", parameters={{"max_tokens": 50}},
        messages=[{{"role": "user", "content": input_dict["inputText"]}}],
    )
    print("called the model")
    return {{"outputText": content, "total": total, "query": echo["query"]}}
"""


@pytest.mark.timeout(300)
def test_an_agents_whole_life(
    firebase_suite: Suite, connect: Connect, model_server: ModelServer, api_server: ApiServer, mcp_server: McpServer
) -> None:
    """An agent is generated, run, saved, published, called, used in a chat, and deleted, with real ID tokens."""
    mine = connect(firebase_suite.url, sign_up(firebase_suite))
    other = connect(firebase_suite.url, sign_up(firebase_suite))
    anonymous = connect(firebase_suite.url)
    task = "Adds up and asks."
    written_code = build_code(mcp_server.url, api_server.address)
    schema = {"inputText": "string"}

    written = generate(mine.client, model_server, task, schema, mcp_server.url, written_code)
    assert (written["code"], written["friendlyName"], written["docstring"]) == (written_code, "add_and_ask", "Doc.")

    tools = {mcp_server.url: ["add"]}
    outcome = mine.client.post(
        "/api/agents/run-code", json={"code": written["code"], "inputDict": {"inputText": "hey"}, "tools": tools}
    )
    expected = {"outputText": "You said: hey", "total": 4, "query": [["n", "4"]]}
    assert (outcome.status_code, outcome.json()["result"], outcome.json()["logs"]) == (
        200,
        expected,
        ["called the model"],
    )

    body = {
        "name": "Adder",
        "description": task,
        "code": written["code"],
        "docstring": written["docstring"],
        "friendlyName": written["friendlyName"],
        "tools": tools,
        "inputSchema": schema,
        "invokableModels": [MODEL],
    }
    saved = mine.client.post("/api/agents", json=body)
    assert (saved.status_code, saved.json()["warnings"]) == (201, [])
    agent_id = saved.json()["_id"]
    assert other.client.get(f"/api/agents/{agent_id}").status_code == 404
    assert anonymous.client.post("/api/rest/add_and_ask", json={"inputText": "hey"}).status_code == 404

    deployed = mine.client.post(f"/api/agents/{agent_id}/deploy")
    assert (deployed.status_code, deployed.json()["endpoint"]) == (201, "/rest/add_and_ask")
    assert mine.client.get(f"/agents/{agent_id}/deployment").json()["is_deployed"] is True
    assert [api["friendlyName"] for api in mine.client.get("/api/deployments").json()] == ["add_and_ask"]
    assert other.client.get("/api/deployments").json() == []

    called = anonymous.client.post("/api/rest/add_and_ask", json={"inputText": "hey"})
    assert (called.status_code, called.json()) == (200, expected)
    assert anonymous.client.post("/rest/add_and_ask", json={"inputText": 5}).status_code == 422

    assert list(mine.client.get("/api/providers/gofannon").json()["models"]) == ["add_and_ask"]
    assert "gofannon" not in other.client.get("/api/providers").json()
    ticket = mine.finished(mine.ticket("hey", provider="gofannon", model="add_and_ask"))
    assert (ticket["status"], ticket["result"]["content"]) == ("completed", "You said: hey")
    assert ticket["result"]["thoughts"] == expected
    assert other.chat("hey", provider="gofannon", model="add_and_ask").status_code == 400

    usage = mine.client.get("/api/users/me").json()["usageInfo"]
    # Nine charges: three failed attempts and a failed name, the code, its name, a run, an anonymous call, and a chat.
    assert len(usage["usage"]) == 9
    assert usage["spendRemaining"] == pytest.approx(100 - sum(entry["responseCost"] for entry in usage["usage"]))

    assert mine.client.delete(f"/api/agents/{agent_id}/undeploy").status_code == 204
    assert anonymous.client.post("/api/rest/add_and_ask", json={"inputText": "hey"}).status_code == 404
    assert mine.client.delete(f"/agents/{agent_id}").status_code == 204
    assert mine.client.get(f"/agents/{agent_id}").status_code == 404


def generate(
    client: httpx.Client, model_server: ModelServer, task: str, schema: dict[str, Any], url: str, code: str
) -> dict[str, Any]:
    """Generates code twice. The first request fails, but reveals the prompt with the tools' docs. The second
    succeeds."""
    body = {"description": task, "tools": {url: ["add"]}, "inputSchema": schema, "modelConfig": MODEL}
    assert client.post("/api/agents/generate-code", json=body).status_code == 502
    prompts = [call.body["messages"][1]["content"] for call in model_server.calls if len(call.body["messages"]) == 2]
    prompt = next(text for text in prompts if "Adds two numbers." in text)
    model_server.script(prompt, Answer(f"Here:\n```python\n{code}```"))
    naming_answer = Answer('{"friendly_name": "add_and_ask", "docstring": "Doc."}')
    model_server.script(write_naming_request(write_request(task, schema, None, {})), naming_answer)
    response = client.post("/api/agents/generate-code", json=body)
    assert response.status_code == 200, response.text
    written: dict[str, Any] = response.json()
    return written


@pytest.mark.timeout(300)
def test_an_agent_calls_the_small_local_model(local_suite: Suite, connect: Connect) -> None:
    """A chat with an agent that calls a model on this machine works without any test double."""
    service = connect(local_suite.url)
    if "local" not in service.client.get("/api/providers").json():
        pytest.skip("the small local model is not installed")
    program = """
async def run(input_dict, tools):
    content, _ = await call_llm(provider="local", model="smollm2-135m-instruct",
        messages=input_dict["inputText"], parameters={"temperature": 0, "max_tokens": 40})
    return {"outputText": content}
"""
    body = {"name": "Oracle", "code": program, "friendlyName": "oracle"}
    agent_id = service.client.post("/api/agents", json=body).json()["_id"]
    assert service.client.post(f"/api/agents/{agent_id}/deploy").status_code == 201
    ticket = service.finished(service.ticket("What is the capital of Germany?", provider="gofannon", model="oracle"))
    assert ticket["status"] == "completed", json.dumps(ticket)
    assert "Berlin" in ticket["result"]["content"]
    assert ticket["result"]["cost"] == 0
