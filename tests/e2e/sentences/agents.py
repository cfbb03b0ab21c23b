"""Checks for the sentences about agents and their deployments."""

from typing import Any

from shared.models.wire import JsonObject
from shared.services.generation.code_prompt import write_naming_request, write_request
from tests.doubles.model_server import Answer
from tests.e2e.sentences.context import MODEL, CheckContext, fresh, ok, prompt_for

ECHO = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText']}\n"
TEXT_IN: JsonObject = {"inputText": "string"}
TEXT_OUT: JsonObject = {"outputText": "string"}


def new_agent(**fields: Any) -> dict[str, Any]:
    return {"name": "Echo", "description": "Repeats its input.", "code": ECHO, "friendlyName": fresh("echo"), **fields}


def full_agent(context: CheckContext) -> dict[str, Any]:
    """Returns an agent with every field in the specification."""
    return new_agent(
        tools={context.mcp_server.url: ["add"]},
        swaggerSpecs=[{"name": "Items", "content": "openapi: 3.1.0\ninfo: {title: Items, version: '1'}\npaths: {}\n"}],
        inputSchema=TEXT_IN,
        outputSchema=TEXT_OUT,
        invokableModels=[{**MODEL, "parameters": {}}],
        composerThoughts={"why": "because"},
        composerModelConfig={**MODEL, "parameters": {}},
    )


def save(context: CheckContext, **fields: Any) -> dict[str, Any]:
    agent: dict[str, Any] = ok(context.mine.post("/agents", json=new_agent(**fields)), 201)
    return agent


def publish(context: CheckContext, **fields: Any) -> dict[str, Any]:
    agent = save(context, **fields)
    ok(context.mine.post(f"/agents/{agent['_id']}/deploy"), 201)
    return agent


def is_stored(sent: Any, stored: Any) -> bool:
    """Returns whether everything that was sent is stored. The stored value can have additional fields with defaults."""
    if isinstance(sent, dict):
        return isinstance(stored, dict) and all(name in stored and is_stored(sent[name], stored[name]) for name in sent)
    if isinstance(sent, list):
        return len(sent) == len(stored) and all(map(is_stored, sent, stored))
    return bool(sent == stored)


def accepts_an_agent(context: CheckContext) -> None:
    body = full_agent(context)
    assert is_stored(body, ok(context.mine.post("/agents", json=body), 201))
    minimal = {name: body[name] for name in ("name", "description", "code")}
    ok(context.mine.post("/agents", json=minimal), 201)
    for missing in ("name", "code"):
        ok(context.mine.post("/agents", json={name: value for name, value in minimal.items() if name != missing}), 422)


def stores_an_agent(context: CheckContext) -> None:
    body = full_agent(context)
    saved = ok(context.mine.post("/agents", json=body), 201)
    assert saved["_id"]
    assert saved["_rev"]
    stored = ok(context.mine.get(f"/agents/{saved['_id']}"))
    assert is_stored(body, stored)
    assert (stored["_id"], stored["_rev"]) == (saved["_id"], saved["_rev"])


def lists_agents(context: CheckContext) -> None:
    ids = {save(context)["_id"], save(context)["_id"]}
    assert ids <= {agent["_id"] for agent in ok(context.mine.get("/agents"))}


def one_agent(context: CheckContext) -> None:
    agent = save(context, name="One")
    agent_read = ok(context.mine.get(f"/agents/{agent['_id']}"))
    assert (agent_read["_id"], agent_read["name"]) == (agent["_id"], "One")


def accepts_any_field_of_an_agent(context: CheckContext) -> None:
    agent = save(context)
    for name, value in full_agent(context).items():
        changed = ok(context.mine.put(f"/agents/{agent['_id']}", json={name: value}))
        assert is_stored(value, changed[name])


def merges_an_agent(context: CheckContext) -> None:
    agent = save(context)
    changed = ok(context.mine.put(f"/agents/{agent['_id']}", json={"description": "New."}))
    changed_names = {"description", "updatedAt", "_rev", "warnings", "engine"}
    assert {name: value for name, value in changed.items() if name not in changed_names} == {
        name: value for name, value in agent.items() if name not in changed_names
    }
    assert changed["description"] == "New."
    assert changed["createdAt"] == agent["createdAt"]
    assert changed["_rev"] != agent["_rev"]
    assert ok(context.mine.get(f"/agents/{agent['_id']}"))["description"] == "New."


def deletes_an_agent(context: CheckContext) -> None:
    agent = save(context)
    response = context.mine.delete(f"/agents/{agent['_id']}")
    assert (response.status_code, response.content) == (204, b"")
    ok(context.mine.get(f"/agents/{agent['_id']}"), 404)


def generate_code(context: CheckContext, **fields: Any) -> dict[str, Any]:
    """Generates code twice. The first request fails, but reveals the prompt. The model's script answers the second
    one."""
    task = fresh("Repeats its input")
    body = {"description": task, "tools": {}, "inputSchema": TEXT_IN, "outputSchema": TEXT_OUT, "modelConfig": MODEL}
    prompt = prompt_for(context, "/agents/generate-code", {**body, **fields}, task)
    context.model_server.script(prompt, Answer(f"```python\n{ECHO}```"))
    naming_answer = Answer('{"friendly_name": "repeat_input", "docstring": "Repeats its input."}')
    context.model_server.script(write_naming_request(write_request(task, TEXT_IN, TEXT_OUT, {})), naming_answer)
    written: dict[str, Any] = ok(context.mine.post("/agents/generate-code", json={**body, **fields}))
    return {**written, "prompt": prompt}


def accepts_a_description_of_code(context: CheckContext) -> None:
    spec = {"name": "Items", "content": f"openapi: 3.1.0\ninfo: {{title: {fresh('Items')}, version: '1'}}\npaths: {{}}"}
    tools = {context.mcp_server.url: ["add"]}
    written = generate_code(context, tools=tools, swaggerSpecs=[spec], invokableModels=[MODEL])
    assert "Adds two numbers." in written["prompt"]
    assert "gpt-4.1-mini" in written["prompt"]
    ok(context.mine.post("/agents/generate-code", json={"tools": {}}), 422)


def returns_code(context: CheckContext) -> None:
    written = generate_code(context)
    assert (written["code"], written["friendlyName"]) == (ECHO, "repeat_input")
    assert written["docstring"] == "Repeats its input."
    assert "thoughts" in written


def accepts_code_to_run(context: CheckContext) -> None:
    other = publish(context, inputSchema=TEXT_IN)
    code = (
        "async def run(input_dict, tools):\n"
        f"    total = await mcpc['{context.mcp_server.url}'].call(tool_name='add', a=1, b=2)\n"
        f"    reply = await gofannon_client.call(agent_name='{other['friendlyName']}', input_dict=input_dict)\n"
        "    return [total, reply['outputText']]\n"
    )
    tools = {context.mcp_server.url: ["add"]}
    body = {"code": code, "inputDict": {"inputText": "hey"}, "tools": tools, "gofannonAgents": [other["_id"]]}
    assert ok(context.mine.post("/agents/run-code", json=body))["result"] == [3, "hey"]
    ok(context.mine.post("/agents/run-code", json={"inputDict": {}}), 422)


def runs_in_a_sandbox(context: CheckContext) -> None:
    forbidden = (
        "open('/etc/passwd').read()",
        "__import__('os').environ['FIRESTORE_EMULATOR_HOST']",
        "__import__('subprocess').run('id')",
    )
    for attempt in forbidden:
        code = f"async def run(input_dict, tools):\n    return str({attempt})\n"
        ok(context.mine.post("/agents/run-code", json={"code": code, "inputDict": {}, "tools": {}}), 400)
    code = "async def run(input_dict, tools):\n    return sum(input_dict['numbers'])\n"
    body = {"code": code, "inputDict": {"numbers": [1, 2, 3]}, "tools": {}}
    assert ok(context.mine.post("/agents/run-code", json=body))["result"] == 6


def runs_code_or_explains_the_failure(context: CheckContext) -> None:
    body = {"code": ECHO, "inputDict": {"inputText": "hey"}, "tools": {}}
    ran = ok(context.mine.post("/agents/run-code", json=body))
    assert (ran["result"], ran["error"]) == ({"outputText": "hey"}, None)
    body["code"] = "async def run(input_dict, tools):\n    print('looking')\n    raise ValueError('no tea')\n"
    failed = ok(context.mine.post("/agents/run-code", json=body), 400)
    assert (failed["error"], failed["logs"]) == ("ValueError: no tea", ["looking"])
    assert "line 3" in failed["traceback"]


def deploys(context: CheckContext) -> None:
    agent = save(context)
    deployed = ok(context.mine.post(f"/agents/{agent['_id']}/deploy"), 201)
    assert deployed["endpoint"] == f"/rest/{agent['friendlyName']}"
    assert deployed["message"]
    assert ok(context.anonymous.post(deployed["endpoint"], json={"inputText": "hey"})) == {"outputText": "hey"}


def undeploys(context: CheckContext) -> None:
    agent = publish(context)
    response = context.mine.delete(f"/agents/{agent['_id']}/undeploy")
    assert (response.status_code, response.content) == (204, b"")
    ok(context.anonymous.post(f"/rest/{agent['friendlyName']}", json={"inputText": "hey"}), 404)


def describes_a_deployment(context: CheckContext) -> None:
    agent = save(context)
    ok(context.mine.get(f"/agents/{agent['_id']}/deployment"), 404)
    ok(context.mine.post(f"/agents/{agent['_id']}/deploy"), 201)
    deployment = ok(context.mine.get(f"/agents/{agent['_id']}/deployment"))
    assert (deployment["is_deployed"], deployment["friendly_name"]) == (True, agent["friendlyName"])


def lists_deployments(context: CheckContext) -> None:
    agent = publish(context, inputSchema=TEXT_IN, outputSchema=TEXT_OUT)
    (api,) = (api for api in ok(context.mine.get("/deployments")) if api["agentId"] == agent["_id"])
    deployed = {"friendlyName": agent["friendlyName"], "description": "Repeats its input."}
    assert is_stored({**deployed, "inputSchema": TEXT_IN, "outputSchema": TEXT_OUT}, api)


def calls_by_name(context: CheckContext) -> None:
    agent = publish(context, inputSchema=TEXT_IN, code="async def run(input_dict, tools):\n    return input_dict\n")
    body = {"inputText": "hey", "more": [1, None, {"a": "ü"}]}
    assert ok(context.anonymous.post(f"/rest/{agent['friendlyName']}", json=body)) == body
    ok(context.anonymous.post(f"/rest/{agent['friendlyName']}", json={"inputText": 5}), 422)
    ok(context.anonymous.post(f"/rest/{fresh('unknown')}", json=body), 404)
