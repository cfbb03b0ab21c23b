"""Tests that the examples in the OpenAPI document work: each is sent unchanged, except that it names an existing
agent.
"""

from typing import Any

import pytest
from pydantic import SecretStr

from contract.functions import functions
from shared.models.caller import LOCAL_USER, Caller
from shared.store import Database
from tests.contract.answer_check import stored_document
from tests.contract.test_document import examples_of
from tests.functions.conftest import Serve
from tests.services.chat.stored_runs import ask, question
from tests.services.publishing import publish

FUNCTIONS = {function.name: function for function in functions()}
NEED_OTHER_SERVERS = {
    "agents_generate_code",
    "demos_generate_code",
    "mcp_list_tools",
    "openai_complete",
    "openai_respond",
    "specs_fetch",
}
"""The operations whose response depends on a model or a server that the tests do not have."""
BODIES = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, item in stored_document()["paths"].items()
    for method, operation in item.items()
    if "requestBody" in operation
]


@pytest.mark.parametrize(("path", "method", "operation"), BODIES)
async def test_an_example_works(
    serve: Serve,
    database: Database,
    path: str,
    method: str,
    operation: dict[str, Any],
) -> None:
    """Operations that need only this service succeed. The others at least do not reject the example as invalid."""
    agent = await publish(database, Caller(uid=LOCAL_USER), "greeter")
    demos = serve(FUNCTIONS["demos"].module)
    (new_demo,) = examples_of({"$ref": "#/components/schemas/CreateDemoRequest"})
    demo_id = (await demos.post("/demos", json=new_demo)).json()["_id"]
    await serve(FUNCTIONS["users"].module).get("/users/me")
    schedules = serve(FUNCTIONS["schedules"].module)
    new_schedule = {"agentId": agent.id, "cron": "0 8 * * *", "input": {"inputText": "Ada"}}
    schedule_id = (await schedules.post("/schedules", json=new_schedule)).json()["_id"]
    new_webhook = {"url": "https://hooks.example/", "events": ["run.completed"]}
    webhook_id = (await schedules.post("/webhooks", json=new_webhook)).json()["_id"]
    ids = {
        "agent_id": agent.id,
        "demo_id": demo_id,
        "schedule_id": schedule_id,
        "run_id": (await ask(database, question(), owner=LOCAL_USER)).id,
        "session_id": "s",
        "user_id": LOCAL_USER,
        "webhook_id": webhook_id,
    }
    filled_path = path.format(**ids, friendly_name="greeter")
    client = serve(
        FUNCTIONS[operation["tags"][0]].module, admin_panel_enabled=True, admin_password=SecretStr("correct horse")
    )
    (example,) = examples_of(operation["requestBody"]["content"]["application/json"]["schema"])
    example.update({"agentId": agent.id} if "agentId" in example else {})
    response = await client.request(method, filled_path, json=example, headers={"X-Admin-Password": "correct horse"})
    if operation["operationId"] in NEED_OTHER_SERVERS:
        assert response.status_code != 422, response.text
    else:
        assert response.is_success, response.text
