"""A user whom an administrator has disabled: refused in every function, and so is whoever calls the user's agents."""

from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import SecretStr

import functions.admin.main as admin
import functions.agents.main as agents
import functions.chat.main as chat
import functions.demos.main as demos
import functions.deployments.main as deployments
import functions.logs.main as logs
import functions.mcp.main as mcp
import functions.meta.main as meta
import functions.providers.main as providers
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
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import ModelServer
from tests.functions.conftest import Serve, Whom
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
WRITING = {"tools": {}, "description": "d", "inputSchema": {}, "outputSchema": {}, "modelConfig": MODEL}
TICKET = "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10"
REQUESTS: list[tuple[ModuleType, str, str, Any]] = [
    (users, "GET", "/users/me", None),
    (users, "PUT", "/users/me/monthly-allowance", {"monthlyAllowance": 1}),
    (users, "PUT", "/users/me/allowance-reset-date", {"allowanceResetDate": 0}),
    (users, "PUT", "/users/me/spend-remaining", {"spendRemaining": 1}),
    (users, "POST", "/users/me/usage", {"responseCost": 1}),
    (users, "POST", "/users/me/reset-allowance", None),
    (chat, "POST", "/chat", CHAT),
    (chat, "POST", "/chat", FREE),
    (chat, "GET", f"/chat/{TICKET}", None),
    (providers, "GET", "/providers", None),
    (providers, "GET", "/providers/openai/models", None),
    (sessions, "POST", "/sessions/s/config", MODEL),
    (sessions, "GET", "/sessions/s/config", None),
    (sessions, "DELETE", "/sessions/s", None),
    (agents, "POST", "/agents", AGENT),
    (agents, "GET", "/agents", None),
    (agents, "GET", "/agents/a", None),
    (agents, "PUT", "/agents/a", {"name": "b"}),
    (agents, "DELETE", "/agents/a", None),
    (agents, "POST", "/agents/run-code", {"code": ECHO, "inputDict": {"inputText": ""}, "tools": {}}),
    (agents, "POST", "/agents/generate-code", WRITING),
    (deployments, "POST", "/agents/a/deploy", None),
    (deployments, "DELETE", "/agents/a/undeploy", None),
    (deployments, "GET", "/agents/a/deployment", None),
    (deployments, "GET", "/deployments", None),
    (demos, "POST", "/demos", DEMO),
    (demos, "GET", "/demos", None),
    (demos, "GET", "/demos/d", None),
    (demos, "GET", "/demos/d/page", None),
    (demos, "DELETE", "/demos/d", None),
    (mcp, "POST", "/mcp/tools", {"mcp_url": "https://example.com/mcp"}),
    (specs, "POST", "/specs/fetch", {"url": "https://example.com/openapi.json"}),
    (logs, "POST", "/log/client", {"eventType": "e", "message": "m", "level": "INFO"}),
    (admin, "GET", "/admin/users", None),
]
IN_A_TRANSACTION = {
    "functions.users.main": {"me", "set_monthly_allowance", "set_allowance_reset_date", "set_spend_remaining"}
    | {"report_usage", "reset_allowance"},
    "functions.chat.main": {"submit"},
}
"""Routes whose transaction reads the account, which then refuses by itself."""


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    disabled_users._remembered.clear()  # pyright: ignore[reportPrivateUsage]


async def disable(serve: Serve, uid: str, disabled: bool = True) -> None:
    """As an administrator does."""
    client = serve(admin, app_env="local", admin_panel_enabled=True, admin_password=SecretStr("pw"))
    answer = await client.put(f"/admin/users/{uid}", json={"disabled": disabled}, headers={"X-Admin-Password": "pw"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["disabled"] is disabled


@pytest.mark.parametrize(("module", "method", "path", "body"), REQUESTS)
async def test_a_disabled_user_is_refused(
    serve: Serve, as_whom: Whom, database: Database, module: ModuleType, method: str, path: str, body: Any
) -> None:
    """403 with a clear sentence, whatever is asked for, and nothing happens; not before, and not after."""
    client = serve(module, app_env="firebase")
    who = as_whom("admin" if module is admin else "user")
    uid = "boss" if module is admin else "mine"
    before = await client.get(path, headers=who) if method == "GET" else None
    await disable(serve, uid)
    account = await database.accounts.get(uid)
    answer = await client.request(method, path, json=body, headers=who)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Your account is disabled. Ask an administrator."})
    assert await database.accounts.get(uid) == account
    if before is not None:
        assert before.status_code != 403
        await disable(serve, uid, False)
        assert (await client.get(path, headers=who)).status_code == before.status_code


async def test_others_go_on(serve: Serve, as_whom: Whom) -> None:
    """With their tokens, and without one where none is needed."""
    await disable(serve, "mine")
    assert (await serve(users, app_env="firebase").get("/users/me", headers=as_whom("other"))).status_code == 200
    line = {"eventType": "e", "message": "m", "level": "INFO"}
    assert (await serve(logs, app_env="firebase").post("/log/client", json=line)).status_code == 202


def test_every_route_that_takes_a_token_refuses_disabled_users() -> None:
    """A new one does as well, or is one of those whose transaction does."""
    modules = (users, chat, providers, sessions, agents, deployments, demos, mcp, specs, logs, meta)
    for module in modules:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            calls = set(_calls(route.dependant))
            takes = {authentication._current_caller, authentication._caller_if_any} & calls  # pyright: ignore[reportPrivateUsage]
            refuses = {active_callers._active_caller, active_callers._active_caller_if_any} & calls  # pyright: ignore[reportPrivateUsage]
            in_a_transaction = route.endpoint.__name__ in IN_A_TRANSACTION.get(module.__name__, set())
            assert bool(takes) == (bool(refuses) or in_a_transaction), f"{module.__name__}: {route.path}"


def _calls(dependant: Dependant) -> list[Any]:
    return [dependant.call, *(call for inner in dependant.dependencies for call in _calls(inner))]


async def published(serve: Serve, headers: dict[str, str], **fields: Any) -> str:
    """The id of an agent that is saved and deployed."""
    made = await serve(agents, app_env="firebase").post("/agents", json={**AGENT, **fields}, headers=headers)
    assert made.status_code == 201, made.text
    deployed = await serve(deployments, app_env="firebase").post(
        f"/agents/{made.json()['_id']}/deploy", headers=headers
    )
    assert deployed.status_code == 201, deployed.text
    id_: str = made.json()["_id"]
    return id_


OWNER = {"detail": "This agent cannot be called because its owner's account is disabled."}


async def test_a_disabled_users_agent_is_not_called(serve: Serve, as_whom: Whom) -> None:
    """By name, by anybody: 403; when the user is back, it is there as it was."""
    await published(serve, as_whom("user"))
    client = serve(deployments, app_env="firebase")
    assert (await client.post("/rest/echo", json={"inputText": "a"})).json() == {"outputText": "a"}
    await disable(serve, "mine")
    answer = await client.post("/rest/echo", json={"inputText": "a"})
    assert (answer.status_code, answer.json()) == (403, OWNER)
    await disable(serve, "mine", False)
    assert (await client.post("/rest/echo", json={"inputText": "a"})).status_code == 200


async def test_a_disabled_users_agent_is_not_chatted_with(serve: Serve, as_whom: Whom) -> None:
    """403 at once."""
    await published(serve, as_whom("user"))
    await disable(serve, "mine")
    body = {**CHAT, "provider": "gofannon", "model": "echo"}
    answer = await serve(chat, app_env="firebase").post("/chat", json=body, headers=as_whom("other"))
    assert (answer.status_code, answer.json()) == (403, OWNER)


async def test_a_chat_with_an_agent_whose_owner_was_disabled_meanwhile_ends(
    serve: Serve, as_whom: Whom, cloud_tasks: CloudTasksServer
) -> None:
    """With the reason, and nothing is charged."""
    await published(serve, as_whom("user"))
    client = serve(chat, app_env="firebase")
    body = {**CHAT, "provider": "gofannon", "model": "echo"}
    accepted = await client.post("/chat", json=body, headers=as_whom("other"))
    assert accepted.status_code == 200, accepted.text
    await disable(serve, "mine")
    await deliver(serve, cloud_tasks)
    ticket = (await client.get(f"/chat/{accepted.json()['ticket_id']}", headers=as_whom("other"))).json()
    assert (ticket["status"], ticket["error"]) == ("failed", OWNER["detail"])


async def test_an_agent_of_a_disabled_user_is_not_called_by_others_agents(serve: Serve, as_whom: Whom) -> None:
    """The call fails in the code of whoever called it."""
    id_ = await published(serve, as_whom("user"))
    body = {"code": CALLS_ECHO, "inputDict": {"inputText": "a"}, "tools": {}, "gofannonAgents": [id_]}
    client = serve(agents, app_env="firebase")
    good = await client.post("/agents/run-code", json=body, headers=as_whom("other"))
    assert good.json()["result"] == {"outputText": "a"}
    await disable(serve, "mine")
    bad = await client.post("/agents/run-code", json=body, headers=as_whom("other"))
    assert bad.status_code == 400
    assert OWNER["detail"] in bad.json()["error"]


async def test_a_waiting_ticket_of_a_disabled_user_ends_and_costs_nothing(
    serve: Serve,
    as_whom: Whom,
    database: Database,
    settings: Settings,
    catalog: Catalog,
    cloud_tasks: CloudTasksServer,
    model_server: ModelServer,
) -> None:
    """No model is called, the hold is released, and the ticket says why."""
    client = serve(chat, app_env="firebase")
    accepted = await client.post("/chat", json=CHAT, headers=as_whom("user"))
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
    assert (account.held, account.remaining, await harness.charged("mine")) == (0, 100_000_000, [])
    assert not model_server.calls


async def deliver(serve: Serve, cloud_tasks: CloudTasksServer) -> None:
    """What waits in the queue, as the queue does."""
    client: httpx.AsyncClient = serve(worker, app_env="firebase")
    for task in list(cloud_tasks.tasks.values()):
        headers = {"Content-Type": "application/json"}
        assert (await client.post("/", content=task.http_request.body, headers=headers)).status_code == 204


async def test_what_is_remembered_counts_for_seconds(
    serve: Serve, as_whom: Whom, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process that was not the one to disable the user: then a read, and 403; and no read in between."""
    now = 1000.0
    monkeypatch.setattr(disabled_users.time, "monotonic", lambda: now)
    service = disabled_users.StandingService(database)
    assert not await service.is_disabled("mine")
    await disable(serve, "mine")
    service.remember("mine", False)
    now += disabled_users.REMEMBERED_SECONDS - 0.1
    assert not await service.is_disabled("mine")
    now += 0.2
    assert await service.is_disabled("mine")
    assert disabled_users.REMEMBERED_SECONDS <= 10


async def test_a_shared_demo_of_a_disabled_user_opens_for_nobody_but_administrators(
    serve: Serve, as_whom: Whom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page runs a stranger's script in everybody's browser; it opens again when the user is let in again."""
    monkeypatch.setattr(disabled_users, "REMEMBERED_SECONDS", -1)
    client = serve(demos, app_env="firebase")
    created = await client.post("/demos", json={**DEMO, "visibility": "shared"}, headers=as_whom("user"))
    page = f"/demos/{created.json()['_id']}/page"
    boss = serve(admin, app_env="firebase")

    async def statuses() -> list[int]:
        return [(await client.get(page, headers=as_whom(who))).status_code for who in ("nobody", "other", "admin")]

    assert await statuses() == [200, 200, 200]
    await boss.put("/admin/users/mine", json={"disabled": True}, headers=as_whom("admin"))
    assert await statuses() == [404, 404, 200]
    await boss.put("/admin/users/mine", json={"disabled": False}, headers=as_whom("admin"))
    assert await statuses() == [200, 200, 200]
