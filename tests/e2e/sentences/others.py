"""Checks for the sentences about OpenAPI documents, MCP servers and demos."""

import json
from typing import Any

from tests.doubles.mcp_server import TOKEN
from tests.doubles.model_server import Answer
from tests.e2e.sentences.agents import TEXT_IN, is_stored, publish
from tests.e2e.sentences.context import MODEL, CheckContext, fresh, ok, prompt_for

PAGE = {"html": "<p>Hello</p>", "css": "p { color: teal; }", "js": ""}


def accepts_a_url(context: CheckContext) -> None:
    ok(context.mine.post("/specs/fetch", json={"url": f"{context.api_server.address}/openapi.json"}))
    for invalid in ({}, {"url": 5}):
        ok(context.mine.post("/specs/fetch", json=invalid), 422)


def fetches_a_spec(context: CheckContext) -> None:
    swagger = b"swagger: '2.0'\ninfo: {title: Old, version: '1'}\npaths: {}\n"
    context.api_server.documents["old.yaml"] = (swagger, {"Content-Type": "text/yaml"})
    spec = ok(context.mine.post("/specs/fetch", json={"url": f"{context.api_server.address}/openapi.json"}))
    assert json.loads(spec["content"])["info"]["title"] == "Items"
    spec = ok(context.mine.post("/specs/fetch", json={"url": f"{context.api_server.address}/documents/old.yaml"}))
    assert spec["content"] == swagger.decode()


def accepts_an_mcp_server(context: CheckContext) -> None:
    ok(context.mine.post("/mcp/tools", json={"mcp_url": context.mcp_server.url}))
    private = {"mcp_url": context.mcp_server.private_url}
    ok(context.mine.post("/mcp/tools", json={**private, "auth_token": TOKEN}))
    assert context.mine.post("/mcp/tools", json=private).is_error
    ok(context.mine.post("/mcp/tools", json={}), 422)


def lists_tools(context: CheckContext) -> None:
    tool_list = ok(context.mine.post("/mcp/tools", json={"mcp_url": context.mcp_server.url}))
    assert set(tool_list) == {"mcp_url", "tools"}
    assert tool_list["mcp_url"] == context.mcp_server.url
    (add,) = (tool for tool in tool_list["tools"] if tool["name"] == "add")
    assert add["description"] == "Adds two numbers."
    assert set(add["inputSchema"]["properties"]) == {"a", "b"}


def new_demo(context: CheckContext, **fields: Any) -> dict[str, Any]:
    agent = publish(context, inputSchema=TEXT_IN)
    apis = [api for api in ok(context.mine.get("/deployments")) if api["agentId"] == agent["_id"]]
    demo = {"name": "Hello", "description": "Greets.", "selectedApis": apis, "modelConfig": MODEL}
    return {**demo, "userPrompt": "A page.", "generatedCode": PAGE, "composerThoughts": "hm", **fields}


def save(context: CheckContext, **fields: Any) -> dict[str, Any]:
    demo: dict[str, Any] = ok(context.mine.post("/demos", json=new_demo(context, **fields)), 201)
    return demo


def generate_page(context: CheckContext, **fields: Any) -> dict[str, Any]:
    """Generates a page twice. The first request fails, but reveals the prompt. The model's script answers the
    second."""
    user_prompt = fresh("A page that greets")
    apis = new_demo(context)["selectedApis"]
    body = {"userPrompt": user_prompt, "selectedApis": apis, "modelConfig": MODEL, **fields}
    prompt = prompt_for(context, "/demos/generate-code", body, user_prompt)
    assert apis[0]["friendlyName"] in prompt
    context.model_server.script(prompt, Answer(json.dumps(PAGE)))
    page: dict[str, Any] = ok(context.mine.post("/demos/generate-code", json=body))
    return page


def accepts_a_prompt(context: CheckContext) -> None:
    generate_page(context, builtInTools=[])
    ok(context.mine.post("/demos/generate-code", json={"selectedApis": [], "modelConfig": MODEL}), 422)


def returns_a_page(context: CheckContext) -> None:
    page = generate_page(context)
    assert {name: page[name] for name in PAGE} == PAGE
    assert set(page) == {"html", "css", "js", "thoughts"}


def accepts_a_demo(context: CheckContext) -> None:
    body = new_demo(context)
    ok(context.mine.post("/demos", json=body), 201)
    optional = ("description", "composerThoughts")
    ok(context.mine.post("/demos", json={name: value for name, value in body.items() if name not in optional}), 201)
    for missing in ("name", "selectedApis", "modelConfig", "userPrompt", "generatedCode"):
        ok(context.mine.post("/demos", json={name: value for name, value in body.items() if name != missing}), 422)


def stores_a_demo(context: CheckContext) -> None:
    body = new_demo(context)
    saved = ok(context.mine.post("/demos", json=body), 201)
    assert is_stored(body, saved)
    assert ok(context.mine.get(f"/demos/{saved['_id']}")) == saved


def lists_demos(context: CheckContext) -> None:
    ids = {save(context)["_id"], save(context)["_id"]}
    assert ids <= {demo["_id"] for demo in ok(context.mine.get("/demos"))}


def one_demo(context: CheckContext) -> None:
    demo = save(context, name="One")
    assert ok(context.mine.get(f"/demos/{demo['_id']}"))["name"] == "One"


def replaces_a_demo(context: CheckContext) -> None:
    demo = save(context)
    body = new_demo(context, name="Other", generatedCode={**PAGE, "html": "<p>Bye</p>"})
    del body["description"]
    replaced = ok(context.mine.put(f"/demos/{demo['_id']}", json=body))
    assert is_stored(body, replaced)
    assert replaced["description"] is None
    assert (replaced["_id"], replaced["createdAt"]) == (demo["_id"], demo["createdAt"])
    ok(context.mine.put(f"/demos/{demo['_id']}", json={"name": "Only a name"}), 422)


def deletes_a_demo(context: CheckContext) -> None:
    demo = save(context)
    response = context.mine.delete(f"/demos/{demo['_id']}")
    assert (response.status_code, response.content) == (204, b"")
    ok(context.mine.get(f"/demos/{demo['_id']}"), 404)
