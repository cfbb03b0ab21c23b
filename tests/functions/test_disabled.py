"""Tests that every function refuses a disabled user's requests, and calls of a disabled user's agents."""

from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import SecretStr

import functions.admin.main as admin
import functions.agents.main as agents
import functions.api_keys.main as api_keys
import functions.chat.main as chat
import functions.demos.main as demos
import functions.deployments.main as deployments
import functions.logs.main as logs
import functions.mcp.main as mcp
import functions.meta.main as meta
import functions.openai.main as openai
import functions.providers.main as providers
import functions.runs.main as runs
import functions.schedules.main as schedules
import functions.sessions.main as sessions
import functions.specs.main as specs
import functions.users.main as users
import functions.worker.main as worker
from shared.llm.catalog import Catalog
from shared.models.chat import TicketStatus
from shared.services.accounts import disabled_users
from shared.settings import Settings
from shared.store import Database
from shared.web import active_callers, authentication
from tests.contract.answer_check import error_field
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import ModelServer
from tests.functions.conftest import AuthHeaders, Serve
from tests.services.harness import Harness

MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}
CHAT = {**MODEL, "messages": [{"role": "user", "content": "hi"}]}
FREE = {**CHAT, "provider": "local", "model": "smollm2-135m-instruct"}
ECHO = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText']}\n"
CALLS_ECHO = """
async def run(input_dict, tools):
    return await gofannon_client.call(agent_name="Echo", input_dict=input_dict)
"""
AGENT = {"name": "Echo", "description": "", "code": ECHO, "friendlyName": "echo", "visibility": "shared"}
DEMO = {
    "name": "Page",
    "userPrompt": "p",
    "selectedApis": [],
    "modelConfig": {**MODEL, "parameters": {}},
    "generatedCode": {"html": "", "css": "", "js": ""},
}
GENERATION = {"tools": {}, "description": "d", "inputSchema": {}, "outputSchema": {}, "modelConfig": MODEL}
TICKET = "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10"
RESPONSE = f"resp_{TICKET.replace('-', '')}"
REQUESTS: list[tuple[ModuleType, str, str, Any]] = [
    (api_keys, "GET", "/users/me/keys", None),
    (api_keys, "POST", "/users/me/keys", {"name": "k"}),
    (api_keys, "DELETE", "/users/me/keys/k", None),
    (users, "GET", "/users/me", None),
    (users, "PUT", "/users/me/monthly-allowance", {"monthlyAllowance": 1}),
    (users, "PUT", "/users/me/allowance-reset-date", {"allowanceResetDate": 0}),
    (users, "PUT", "/users/me/spend-remaining", {"spendRemaining": 1}),
    (users, "POST", "/users/me/usage", {"responseCost": 1}),
    (users, "POST", "/users/me/reset-allowance", None),
    (chat, "POST", "/chat", CHAT),
    (chat, "POST", "/chat", FREE),
    (chat, "GET", "/chat", None),
    (chat, "GET", f"/chat/{TICKET}", None),
    (chat, "DELETE", f"/chat/{TICKET}", None),
    (chat, "POST", f"/chat/{TICKET}/cancel", None),
    (chat, "GET", f"/chat/{TICKET}/events", None),
    (openai, "GET", "/v1/models", None),
    (openai, "GET", "/v1/models/openai/gpt-4.1-mini", None),
    (openai, "POST", "/v1/chat/completions", {"model": "openai/gpt-4.1-mini", "messages": CHAT["messages"]}),
    (openai, "POST", "/v1/responses", {"model": "openai/gpt-4.1-mini", "input": "hi"}),
    (openai, "GET", f"/v1/responses/{RESPONSE}", None),
    (openai, "GET", f"/v1/responses/{RESPONSE}/input_items", None),
    (openai, "POST", f"/v1/responses/{RESPONSE}/cancel", None),
    (openai, "DELETE", f"/v1/responses/{RESPONSE}", None),
    (runs, "POST", "/runs", {"agentId": "a"}),
    (runs, "GET", "/runs", None),
    (runs, "GET", f"/runs/{TICKET}", None),
    (runs, "GET", f"/runs/{TICKET}/steps", None),
    (runs, "GET", f"/runs/{TICKET}/events", None),
    (runs, "POST", f"/runs/{TICKET}/cancel", None),
    (runs, "POST", f"/runs/{TICKET}/answer", {"answer": 1}),
    (providers, "GET", "/providers", None),
    (providers, "GET", "/providers/openai/models", None),
    (schedules, "POST", "/schedules", {"agentId": "a", "cron": "* * * * *"}),
    (schedules, "GET", "/schedules", None),
    (schedules, "GET", "/schedules/s", None),
    (schedules, "PUT", "/schedules/s", {"enabled": False}),
    (schedules, "DELETE", "/schedules/s", None),
    (sessions, "POST", "/sessions/s/config", MODEL),
    (sessions, "GET", "/sessions/s/config", None),
    (sessions, "DELETE", "/sessions/s", None),
    (agents, "POST", "/agents", AGENT),
    (agents, "GET", "/agents", None),
    (agents, "GET", "/agents/a", None),
    (agents, "PUT", "/agents/a", {"name": "b"}),
    (agents, "DELETE", "/agents/a", None),
    (agents, "POST", "/agents/run-code", {"code": ECHO, "inputDict": {"inputText": ""}, "tools": {}}),
    (agents, "POST", "/agents/generate-code", GENERATION),
    (deployments, "POST", "/agents/a/deploy", None),
    (deployments, "DELETE", "/agents/a/undeploy", None),
    (deployments, "GET", "/agents/a/deployment", None),
    (deployments, "GET", "/deployments", None),
    (demos, "POST", "/demos", DEMO),
    (demos, "GET", "/demos", None),
    (demos, "GET", "/demos/d", None),
    (demos, "GET", "/demos/d/page", None),
    (demos, "DELETE", "/demos/d", None),
    (schedules, "POST", "/webhooks", {"url": "https://hooks.example/", "events": ["run.completed"]}),
    (schedules, "GET", "/webhooks", None),
    (schedules, "GET", "/webhooks/w", None),
    (schedules, "PUT", "/webhooks/w", {"enabled": False}),
    (schedules, "POST", "/webhooks/w/secret", None),
    (schedules, "DELETE", "/webhooks/w", None),
    (mcp, "POST", "/mcp/tools", {"mcp_url": "https://example.com/mcp"}),
    (mcp, "POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
    (specs, "POST", "/specs/fetch", {"url": "https://example.com/openapi.json"}),
    (logs, "POST", "/log/client", {"eventType": "e", "message": "m", "level": "INFO"}),
    (admin, "GET", "/admin/users", None),
]
IN_A_TRANSACTION = {
    "functions.users.main": {"me", "set_monthly_allowance", "set_allowance_reset_date", "set_spend_remaining"}
    | {"report_usage", "reset_allowance"},
    "functions.chat.main": {"submit"},
    "functions.openai.main": {"complete", "respond"},
}
"""The routes that check whether the user is disabled in their transaction, which reads the account anyway."""


@pytest.fixture(autouse=True)
def clear_cache() -> None:
    disabled_users._remembered.clear()  # pyright: ignore[reportPrivateUsage]


async def disable(serve: Serve, uid: str, disabled: bool = True) -> None:
    """Disables or enables a user through the administrators' API."""
    client = serve(admin, app_env="local", admin_panel_enabled=True, admin_password=SecretStr("pw"))
    response = await client.put(f"/admin/users/{uid}", json={"disabled": disabled}, headers={"X-Admin-Password": "pw"})
    assert response.status_code == 200, response.text
    assert response.json()["disabled"] is disabled


@pytest.mark.parametrize(("module", "method", "path", "body"), REQUESTS)
async def test_a_disabled_user_is_refused(
    serve: Serve, auth_headers: AuthHeaders, database: Database, module: ModuleType, method: str, path: str, body: Any
) -> None:
    """Every request of a disabled user gets a 403 with a clear message, and changes nothing, until the user is
    enabled."""
    client = serve(module, app_env="firebase")
    who = auth_headers("admin" if module is admin else "user")
    uid = "boss" if module is admin else "mine"
    before = await client.get(path, headers=who) if method == "GET" else None
    await disable(serve, uid)
    account = await database.accounts.get(uid)
    response = await client.request(method, path, json=body, headers=who)
    problem = response.json()[error_field(path)]
    message = problem["message"] if isinstance(problem, dict) else problem  # pyright: ignore[reportUnknownVariableType]
    assert (response.status_code, message) == (403, "Your account is disabled. Ask an administrator.")
    assert await database.accounts.get(uid) == account
    if before is not None:
        assert before.status_code != 403
        await disable(serve, uid, False)
        assert (await client.get(path, headers=who)).status_code == before.status_code


async def test_other_callers_are_not_affected(serve: Serve, auth_headers: AuthHeaders) -> None:
    """Disabling a user does not affect other users, nor routes that need no token."""
    await disable(serve, "mine")
    assert (await serve(users, app_env="firebase").get("/users/me", headers=auth_headers("other"))).status_code == 200
    line = {"eventType": "e", "message": "m", "level": "INFO"}
    assert (await serve(logs, app_env="firebase").post("/log/client", json=line)).status_code == 202


def test_every_route_that_takes_a_token_refuses_disabled_users() -> None:
    """Every route with a caller refuses disabled users, through its dependency or in its transaction."""
    modules = (
        users,
        api_keys,
        chat,
        openai,
        runs,
        providers,
        schedules,
        sessions,
        agents,
        deployments,
        demos,
        mcp,
        specs,
        logs,
        meta,
    )
    for module in modules:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            calls = set(_calls(route.dependant))
            accepts_token = {authentication._current_caller, authentication._caller_if_any} & calls  # pyright: ignore[reportPrivateUsage]
            refuses = {active_callers._active_caller, active_callers._active_caller_if_any} & calls  # pyright: ignore[reportPrivateUsage]
            in_a_transaction = route.endpoint.__name__ in IN_A_TRANSACTION.get(module.__name__, set())
            assert bool(accepts_token) == (bool(refuses) or in_a_transaction), f"{module.__name__}: {route.path}"


def _calls(dependant: Dependant) -> list[Any]:
    return [dependant.call, *(call for inner in dependant.dependencies for call in _calls(inner))]


async def publish(serve: Serve, headers: dict[str, str], **fields: Any) -> str:
    """Saves and deploys an agent, and returns its id."""
    created_agent = await serve(agents, app_env="firebase").post("/agents", json={**AGENT, **fields}, headers=headers)
    assert created_agent.status_code == 201, created_agent.text
    deployed = await serve(deployments, app_env="firebase").post(
        f"/agents/{created_agent.json()['_id']}/deploy", headers=headers
    )
    assert deployed.status_code == 201, deployed.text
    id_: str = created_agent.json()["_id"]
    return id_


OWNER_DISABLED = {"detail": "This agent cannot be called because its owner's account is disabled."}


async def test_a_disabled_users_agent_cannot_be_called(serve: Serve, auth_headers: AuthHeaders) -> None:
    """Calls of a disabled user's agent get a 403. When the user is enabled again, the agent works as before."""
    await publish(serve, auth_headers("user"))
    client = serve(deployments, app_env="firebase")
    assert (await client.post("/rest/echo", json={"inputText": "a"})).json() == {"outputText": "a"}
    await disable(serve, "mine")
    response = await client.post("/rest/echo", json={"inputText": "a"})
    assert (response.status_code, response.json()) == (403, OWNER_DISABLED)
    await disable(serve, "mine", False)
    assert (await client.post("/rest/echo", json={"inputText": "a"})).status_code == 200


async def test_a_chat_with_a_disabled_users_agent_is_refused(serve: Serve, auth_headers: AuthHeaders) -> None:
    """A chat with a disabled user's agent is refused with a 403 when it is sent."""
    await publish(serve, auth_headers("user"))
    await disable(serve, "mine")
    body = {**CHAT, "provider": "gofannon", "model": "echo"}
    response = await serve(chat, app_env="firebase").post("/chat", json=body, headers=auth_headers("other"))
    assert (response.status_code, response.json()) == (403, OWNER_DISABLED)


async def test_a_pending_chat_with_a_disabled_users_agent_fails(
    serve: Serve, auth_headers: AuthHeaders, cloud_tasks: CloudTasksServer
) -> None:
    """If the owner of the agent is disabled while a chat is pending, the ticket fails with the reason."""
    await publish(serve, auth_headers("user"))
    client = serve(chat, app_env="firebase")
    body = {**CHAT, "provider": "gofannon", "model": "echo"}
    accepted = await client.post("/chat", json=body, headers=auth_headers("other"))
    assert accepted.status_code == 200, accepted.text
    await disable(serve, "mine")
    await deliver(serve, cloud_tasks)
    ticket = (await client.get(f"/chat/{accepted.json()['ticket_id']}", headers=auth_headers("other"))).json()
    assert (ticket["status"], ticket["error"]) == ("failed", OWNER_DISABLED["detail"])


async def test_other_agents_cannot_call_a_disabled_users_agent(serve: Serve, auth_headers: AuthHeaders) -> None:
    """If an agent calls a disabled user's agent, the call raises an error in the calling agent's code."""
    id_ = await publish(serve, auth_headers("user"))
    body = {"code": CALLS_ECHO, "inputDict": {"inputText": "a"}, "tools": {}, "gofannonAgents": [id_]}
    client = serve(agents, app_env="firebase")
    good = await client.post("/agents/run-code", json=body, headers=auth_headers("other"))
    assert good.json()["result"] == {"outputText": "a"}
    await disable(serve, "mine")
    bad = await client.post("/agents/run-code", json=body, headers=auth_headers("other"))
    assert bad.status_code == 400
    assert OWNER_DISABLED["detail"] in bad.json()["error"]


async def test_a_pending_ticket_of_a_disabled_user_fails_free_of_charge(
    serve: Serve,
    auth_headers: AuthHeaders,
    database: Database,
    settings: Settings,
    catalog: Catalog,
    cloud_tasks: CloudTasksServer,
    model_server: ModelServer,
) -> None:
    """A disabled user's pending ticket fails with the reason. No model is called, and its hold is released."""
    client = serve(chat, app_env="firebase")
    accepted = await client.post("/chat", json=CHAT, headers=auth_headers("user"))
    assert accepted.status_code == 200, accepted.text
    await disable(serve, "mine")
    disabled_users._remembered[(settings.google_cloud_project, "mine")] = (False, float("inf"))  # pyright: ignore[reportPrivateUsage]
    await deliver(serve, cloud_tasks)
    ticket = await database.tickets.get(accepted.json()["ticket_id"])
    assert ticket is not None
    assert (ticket.status, ticket.error) == (
        TicketStatus.FAILED,
        "The account is disabled, so the chat was not answered.",
    )
    harness = Harness(settings, catalog)
    account = await harness.account("mine")
    assert (account.held, account.remaining, await harness.get_charges("mine")) == (0, 100_000_000, [])
    assert not model_server.calls


async def deliver(serve: Serve, cloud_tasks: CloudTasksServer) -> None:
    """Delivers all queued tasks to the worker."""
    client: httpx.AsyncClient = serve(worker, app_env="firebase")
    for task in list(cloud_tasks.tasks.values()):
        headers = {"Content-Type": "application/json"}
        assert (await client.post("/", content=task.http_request.body, headers=headers)).status_code == 204


async def test_a_users_standing_is_cached_for_some_seconds(
    serve: Serve, auth_headers: AuthHeaders, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process in which the user was not disabled notices the change when its cache expires."""
    now = 1000.0
    monkeypatch.setattr(disabled_users.time, "monotonic", lambda: now)
    service = disabled_users.DisabledUserService(database)
    assert not await service.is_disabled("mine")
    await disable(serve, "mine")
    service.remember("mine", False)
    now += disabled_users.REMEMBERED_SECONDS - 0.1
    assert not await service.is_disabled("mine")
    now += 0.2
    assert await service.is_disabled("mine")
    assert disabled_users.REMEMBERED_SECONDS <= 10


async def test_only_administrators_can_open_a_disabled_users_shared_demo(
    serve: Serve, auth_headers: AuthHeaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only administrators can open a disabled user's shared demo, because it would run the user's script in other
    users' browsers. When the user is enabled again, anyone can open it."""
    monkeypatch.setattr(disabled_users, "REMEMBERED_SECONDS", -1)
    client = serve(demos, app_env="firebase")
    created = await client.post("/demos", json={**DEMO, "visibility": "shared"}, headers=auth_headers("user"))
    page = f"/demos/{created.json()['_id']}/page"
    boss = serve(admin, app_env="firebase")

    async def statuses() -> list[int]:
        return [
            (await client.get(page, headers=auth_headers(who))).status_code for who in ("anonymous", "other", "admin")
        ]

    assert await statuses() == [200, 200, 200]
    await boss.put("/admin/users/mine", json={"disabled": True}, headers=auth_headers("admin"))
    assert await statuses() == [404, 404, 200]
    await boss.put("/admin/users/mine", json={"disabled": False}, headers=auth_headers("admin"))
    assert await statuses() == [200, 200, 200]
