"""Checks of the sentences about OpenAPI documents, MCP servers and demos."""

import json
from typing import Any

from tests.doubles.mcp_server import TOKEN
from tests.doubles.model_server import Answer
from tests.e2e.sentences.agents import TEXT_IN, publish, same
from tests.e2e.sentences.world import MODEL, World, fresh, ok, prompt_for

PAGE = {"html": "<p>Hello</p>", "css": "p { color: teal; }", "js": ""}


def takes_a_url(world: World) -> None:
    ok(world.mine.post("/specs/fetch", json={"url": f"{world.api_server.address}/openapi.json"}))
    for wrong in ({}, {"url": 5}):
        ok(world.mine.post("/specs/fetch", json=wrong), 422)


def fetches_a_spec(world: World) -> None:
    swagger = b"swagger: '2.0'\ninfo: {title: Old, version: '1'}\npaths: {}\n"
    world.api_server.documents["old.yaml"] = (swagger, {"Content-Type": "text/yaml"})
    found = ok(world.mine.post("/specs/fetch", json={"url": f"{world.api_server.address}/openapi.json"}))
    assert json.loads(found["content"])["info"]["title"] == "Items"
    found = ok(world.mine.post("/specs/fetch", json={"url": f"{world.api_server.address}/documents/old.yaml"}))
    assert found["content"] == swagger.decode()


def takes_an_mcp_server(world: World) -> None:
    ok(world.mine.post("/mcp/tools", json={"mcp_url": world.mcp_server.url}))
    private = {"mcp_url": world.mcp_server.private_url}
    ok(world.mine.post("/mcp/tools", json={**private, "auth_token": TOKEN}))
    assert world.mine.post("/mcp/tools", json=private).is_error
    ok(world.mine.post("/mcp/tools", json={}), 422)


def lists_tools(world: World) -> None:
    answer = ok(world.mine.post("/mcp/tools", json={"mcp_url": world.mcp_server.url}))
    assert set(answer) == {"mcp_url", "tools"}
    assert answer["mcp_url"] == world.mcp_server.url
    (add,) = (tool for tool in answer["tools"] if tool["name"] == "add")
    assert add["description"] == "Adds two numbers."
    assert set(add["inputSchema"]["properties"]) == {"a", "b"}


def new_demo(world: World, **fields: Any) -> dict[str, Any]:
    agent = publish(world, inputSchema=TEXT_IN)
    apis = [api for api in ok(world.mine.get("/deployments")) if api["agentId"] == agent["_id"]]
    demo = {"name": "Hello", "description": "Greets.", "selectedApis": apis, "modelConfig": MODEL}
    return {**demo, "userPrompt": "A page.", "generatedCode": PAGE, "composerThoughts": "hm", **fields}


def save(world: World, **fields: Any) -> dict[str, Any]:
    demo: dict[str, Any] = ok(world.mine.post("/demos", json=new_demo(world, **fields)), 201)
    return demo


def writes_a_page(world: World, **more: Any) -> dict[str, Any]:
    """The first attempt fails and reveals the prompt; the script answers the second."""
    wish = fresh("A page that greets")
    apis = new_demo(world)["selectedApis"]
    body = {"userPrompt": wish, "selectedApis": apis, "modelConfig": MODEL, **more}
    prompt = prompt_for(world, "/demos/generate-code", body, wish)
    assert apis[0]["friendlyName"] in prompt
    world.model_server.script(prompt, Answer(json.dumps(PAGE)))
    page: dict[str, Any] = ok(world.mine.post("/demos/generate-code", json=body))
    return page


def takes_a_wish(world: World) -> None:
    writes_a_page(world, builtInTools=[])
    ok(world.mine.post("/demos/generate-code", json={"selectedApis": [], "modelConfig": MODEL}), 422)


def answers_with_a_page(world: World) -> None:
    page = writes_a_page(world)
    assert {name: page[name] for name in PAGE} == PAGE
    assert set(page) == {"html", "css", "js", "thoughts"}


def takes_a_demo(world: World) -> None:
    body = new_demo(world)
    ok(world.mine.post("/demos", json=body), 201)
    optional = ("description", "composerThoughts")
    ok(world.mine.post("/demos", json={name: value for name, value in body.items() if name not in optional}), 201)
    for missing in ("name", "selectedApis", "modelConfig", "userPrompt", "generatedCode"):
        ok(world.mine.post("/demos", json={name: value for name, value in body.items() if name != missing}), 422)


def keeps_a_demo(world: World) -> None:
    body = new_demo(world)
    saved = ok(world.mine.post("/demos", json=body), 201)
    assert same(body, saved)
    assert ok(world.mine.get(f"/demos/{saved['_id']}")) == saved


def lists_demos(world: World) -> None:
    ids = {save(world)["_id"], save(world)["_id"]}
    assert ids <= {demo["_id"] for demo in ok(world.mine.get("/demos"))}


def one_demo(world: World) -> None:
    demo = save(world, name="One")
    assert ok(world.mine.get(f"/demos/{demo['_id']}"))["name"] == "One"


def replaces_a_demo(world: World) -> None:
    demo = save(world)
    body = new_demo(world, name="Other", generatedCode={**PAGE, "html": "<p>Bye</p>"})
    del body["description"]
    replaced = ok(world.mine.put(f"/demos/{demo['_id']}", json=body))
    assert same(body, replaced)
    assert replaced["description"] is None
    assert (replaced["_id"], replaced["createdAt"]) == (demo["_id"], demo["createdAt"])
    ok(world.mine.put(f"/demos/{demo['_id']}", json={"name": "Only a name"}), 422)


def deletes_a_demo(world: World) -> None:
    demo = save(world)
    answer = world.mine.delete(f"/demos/{demo['_id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    ok(world.mine.get(f"/demos/{demo['_id']}"), 404)
