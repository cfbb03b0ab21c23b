"""Checks what API keys open: every route, for callers with keys of every kind."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.cloud.firestore_v1.base_query import FieldFilter

from contract.functions import functions
from shared import clock
from shared.models.api_key import ApiKey, CreateKeyRequest, Scope
from shared.models.caller import LOCAL_USER, Caller
from shared.models.money import PICOS_PER_MICRO
from shared.services.api_keys.key_text import make_key_text
from shared.services.api_keys.keys import ApiKeyService
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.web.key_access import SCOPES, scopes_of
from tests.contract.answer_check import stored_document
from tests.contract.test_document import examples_of
from tests.functions.conftest import AuthHeaders, Serve
from tests.functions.test_answers_in_common import example, fill_path
from tests.services.publishing import publish

MODULES = {function.name: function.module for function in functions()}
USER = "mine"
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, item in stored_document()["paths"].items()
    for method, operation in item.items()
    if any("IdToken" in scheme for scheme in operation.get("security", []))
]
CALLERS_VERIFIED = [each for each in OPERATIONS if each.id != "deployments_call"]  # `test_rest_policies` tests this one
ASK_A_MODEL = {"openai_complete", "openai_respond"}
"""Operations that call a model in their examples. With the scope for runs, they call only agents."""
all_operations = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)


@dataclass
class Keys:
    """Creates keys, and sends requests with them."""

    database: Database
    settings: Settings
    serve: Serve

    async def create(self, uid: str = USER, **fields: object) -> str:
        request = CreateKeyRequest.model_validate({"name": "k", **fields})
        return (await ApiKeyService(self.database, self.settings).create(Caller(uid), request)).key

    async def send(self, key: str, path: str, method: str, operation: dict[str, Any]) -> httpx.Response:
        client = self.serve(MODULES[operation["tags"][0]], app_env="firebase", admin_panel_enabled=True)
        body = example(operation)
        return await client.request(method, fill_path(path), json=body, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def keys(database: Database, settings: Settings, serve: Serve, auth_headers: AuthHeaders) -> Keys:
    del auth_headers  # connects to no Auth
    return Keys(database, settings.model_copy(update={"sign_in_check_seconds": 0}), serve)


@pytest.mark.parametrize(("path", "method", "operation"), CALLERS_VERIFIED)
async def test_a_key_opens_the_routes_of_its_scopes(
    keys: Keys, path: str, method: str, operation: dict[str, Any]
) -> None:
    """A key with one of a route's scopes is let in like the user's ID token; a key without them gets 403."""
    opening = scopes_of(path)
    if operation["operationId"] in ASK_A_MODEL:
        opening = frozenset({Scope.CHAT})
    for scope in opening:
        response = await keys.send(await keys.create(scopes=[scope]), path, method, operation)
        assert response.status_code != 401, response.text
        assert "needs the scope" not in response.text
    if others := set(Scope) - opening:
        response = await keys.send(await keys.create(scopes=sorted(others)), path, method, operation)
        assert response.status_code == 403, response.text


@all_operations
async def test_keys_that_are_not_valid_open_nothing(
    keys: Keys, path: str, method: str, operation: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An expired, a revoked, an unknown and a mistyped key get 401 on every route that needs a caller."""
    expired = await keys.create(expiresAt=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    revoked = await keys.create()
    await ApiKeyService(keys.database, keys.settings).revoke(Caller(USER), revoked[4:16])
    now = clock.time()
    monkeypatch.setattr(clock, "time", lambda: now + 3600)
    optional = {} in operation["security"]
    for key in (expired, revoked, make_key_text().text, expired[:-1]):
        response = await keys.send(key, path, method, operation)
        assert (response.status_code == 401) or optional, response.text
        assert key not in response.text


def test_every_route_has_scopes_or_is_closed_to_keys() -> None:
    """Only key management and the admin panel are closed to keys, and no prefix is listed for nothing."""
    paths = [path for path, _, _ in (parameters.values for parameters in OPERATIONS)]
    closed = {str(path) for path in paths if not scopes_of(str(path))}
    assert all(path.startswith(("/users/me/keys", "/admin")) for path in closed)
    all_paths = [*stored_document()["paths"]]
    for prefix, _ in SCOPES:
        assert any(path == prefix or path.startswith(f"{prefix}/") for path in all_paths), prefix


async def test_a_key_acts_for_its_user_only(keys: Keys, auth_headers: AuthHeaders) -> None:
    """With another user's key, a ticket does not exist."""
    (submit,) = (each.values for each in OPERATIONS if each.id == "chat_submit")
    ticket_id = (await keys.send(await keys.create(), *submit)).json()["ticket_id"]  # pyright: ignore[reportArgumentType]
    client = keys.serve(MODULES["chat"], app_env="firebase")
    mine, others = await keys.create(), await keys.create("other")
    for key, status in ((mine, 200), (others, 404)):
        response = await client.get(f"/chat/{ticket_id}", headers={"Authorization": f"Bearer {key}"})
        assert response.status_code == status
    assert (await client.get(f"/chat/{ticket_id}", headers=auth_headers("user"))).status_code == 200


async def test_an_administrators_key_is_no_administrator(keys: Keys) -> None:
    """The claims of a user's ID token do not pass to the user's keys."""
    client = keys.serve(MODULES["admin"], app_env="firebase", admin_panel_enabled=True)
    response = await client.get("/admin/users", headers={"Authorization": f"Bearer {await keys.create('boss')}"})
    assert response.status_code == 403


async def spend(database: Database, key: ApiKey, micros: int) -> None:
    """Records that the key has spent this amount in the current period."""

    async def write(transaction: Transaction) -> None:
        period = key.open_period(clock.now())
        await database.key_periods.get(period.id, transaction)
        database.key_periods.put(period.settle(0, micros * PICOS_PER_MICRO), transaction)

    await database.transaction(write)


async def test_a_spent_key_gets_402_where_it_would_spend(keys: Keys, database: Database) -> None:
    """A key that has spent its budget still reads, but makes no call that costs something."""
    text = await keys.create(budget={"amount": 0.01, "period": "month"})
    key = await database.api_keys.get(text[4:16])
    assert key is not None
    await spend(database, key, 10_000)
    headers = {"Authorization": f"Bearer {text}"}
    chat = {"provider": "openai", "model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]}
    client = keys.serve(MODULES["chat"], app_env="firebase")
    response = await client.post("/chat", json=chat, headers=headers)
    assert (response.status_code, "spent its budget for the month" in response.json()["detail"]) == (402, True)
    assert (await client.get("/chat", headers=headers)).json() == []
    code = "async def run(input_dict, tools):\n    return await call_llm('openai', 'gpt-4.1-mini', 'hi')\n"
    agents = keys.serve(MODULES["agents"], app_env="firebase")
    run = {"code": code, "inputDict": {}, "tools": {}}
    assert (await agents.post("/agents/run-code", json=run, headers=headers)).status_code == 402


async def test_a_key_works_where_authentication_is_bypassed(keys: Keys) -> None:
    """Locally, a key is verified, so that its scopes and its budget can be tried. Other tokens are ignored."""
    key = await keys.create(LOCAL_USER, scopes=["chat"])
    client = keys.serve(MODULES["agents"])
    for token, status in ((key, 403), (make_key_text().text, 401), ("fba_wrong", 401), ("sk-anything", 200)):
        response = await client.get("/agents", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status


async def test_requests_are_logged_with_the_keys_id(keys: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    """The access log has the id of the key, and never the key."""
    key = await keys.create()
    client = keys.serve(MODULES["chat"], app_env="firebase")
    await client.get("/chat", headers={"Authorization": f"Bearer {key}"})
    lines = capsys.readouterr().out
    assert f'"key": "{key[4:16]}"' in lines or f'"key":"{key[4:16]}"' in lines
    assert key[16:] not in lines


NOT_OWNED = ("friendly_name", "provider", "model", "session_id", "user_id")
"""Parameters of paths that lead to what is not one user's only, or, for sessions, to what each user names."""
OWNED_OPERATIONS = [
    each
    for each in OPERATIONS
    if "{" in str(each.values[0]) and not any(f"{{{name}}}" in str(each.values[0]) for name in NOT_OWNED)
]


async def create_everything(keys: Keys) -> dict[str, str]:
    """Creates one of everything that belongs to the user, with a key. Returns the ids by their names in paths."""
    headers = {"Authorization": f"Bearer {await keys.create()}"}

    async def send(function: str, path: str, body: Any) -> Any:
        client = keys.serve(MODULES[function], app_env="firebase")
        response = await client.post(path, json=body, headers=headers)
        assert response.is_success, response.text
        return response.json()

    agent_id = (await publish(keys.database, Caller(USER), "greeter")).id
    message = {"role": "user", "content": "hi"}
    chat = {"provider": "openai", "model": "gpt-4.1-mini", "messages": [message]}
    background = {"model": "openai/gpt-4.1-mini", "input": "hi", "background": True}
    demo = examples_of({"$ref": "#/components/schemas/CreateDemoRequest"})[0]
    webhook = {"url": "https://hooks.example/", "events": ["run.completed"]}
    return {
        "agent_id": agent_id,
        "demo_id": (await send("demos", "/demos", demo))["_id"],
        "key_id": (await ApiKeyService(keys.database, keys.settings).list(Caller(USER), 1)).items[0].id,
        "response_id": (await send("openai", "/v1/responses", background))["id"],
        "run_id": (await send("runs", "/runs", {"agentId": agent_id, "input": {"inputText": "hi"}}))["run_id"],
        "schedule_id": (await send("schedules", "/schedules", {"agentId": agent_id, "cron": "0 8 * * *"}))["_id"],
        "ticket_id": (await send("chat", "/chat", chat))["ticket_id"],
        "webhook_id": (await send("schedules", "/webhooks", webhook))["_id"],
    }


async def test_another_users_key_opens_nothing_of_mine(keys: Keys, database: Database) -> None:
    """On every route that leads to something of one user, another user's key gets 404, or 403, and changes nothing."""
    ids = await create_everything(keys)
    key = await keys.create("other")
    before = await read_all(database)
    for parameters in OWNED_OPERATIONS:
        path, method, operation = parameters.values
        client = keys.serve(MODULES[operation["tags"][0]], app_env="firebase")  # pyright: ignore[reportArgumentType, reportCallIssue, reportIndexIssue]
        response = await client.request(
            str(method),
            fill_path(str(path), **ids),
            json=example(operation),  # pyright: ignore[reportArgumentType]
            headers={"Authorization": f"Bearer {key}"},
        )
        assert response.status_code in (403, 404), (method, path, response.text)
    assert await read_all(database) == before


async def read_all(database: Database) -> dict[str, Any]:
    """Returns the stored documents of the user, by collection and id."""
    client = database._client  # pyright: ignore[reportPrivateUsage]
    found: dict[str, Any] = {}
    for name in ("agents", "demos", "deployments", "requests", "schedules", "tickets", "webhooks"):
        for document in await client.collection(name).where(filter=FieldFilter("owner", "==", USER)).get():
            found[f"{name}/{document.id}"] = document.to_dict()
    return found


SPENDING = {
    "/chat": ("chat", {"provider": "openai", "model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]}),
    "/v1/chat/completions": (
        "openai",
        {"model": "openai/gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]},
    ),
    "/v1/responses": ("openai", {"model": "openai/gpt-4.1-mini", "input": "hi", "background": True}),
    "/v1/responses#agent": ("openai", {"model": "gofannon/greeter", "input": "hi", "background": True}),
    "/runs": ("runs", {"friendlyName": "greeter", "input": {"inputText": "hi"}}),
}


@pytest.mark.parametrize("path", SPENDING)
async def test_a_spent_key_is_refused_at_every_door(keys: Keys, database: Database, path: str) -> None:
    """Whatever would spend something gets 402 with a spent key, in the form of its door."""
    await publish(database, Caller(USER), "greeter")
    text = await keys.create(budget={"amount": 0.01, "period": "day"})
    key = await database.api_keys.get(text[4:16])
    assert key is not None
    await spend(database, key, 10_000)
    function, body = SPENDING[path]
    client = keys.serve(MODULES[function], app_env="firebase")
    response = await client.post(path.partition("#")[0], json=body, headers={"Authorization": f"Bearer {text}"})
    assert response.status_code == 402, response.text
    assert "spent its budget for the day" in response.text
    assert await database.tickets.page(USER, 10) == ([], None)


async def test_chats_and_runs_have_separate_scopes(keys: Keys, database: Database) -> None:
    """A key for chats neither sees nor cancels runs, and a key for runs neither chats nor their responses."""
    ids = await create_everything(keys)
    for_chats, for_runs = await keys.create(scopes=["chat"]), await keys.create(scopes=["run"])
    chat, openai = (keys.serve(MODULES[name], app_env="firebase") for name in ("chat", "openai"))
    runs_of_chats = {"Authorization": f"Bearer {for_chats}"}
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", "")):
        response = await chat.request(method, f"/chat/{ids['run_id']}{path}", headers=runs_of_chats)
        assert (response.status_code, "needs the scope 'run'" in response.text) == (403, True), path
    listed = {ticket["ticket_id"] for ticket in (await chat.get("/chat", headers=runs_of_chats)).json()}
    assert ids["ticket_id"] in listed
    assert ids["run_id"] not in listed
    for method, path in (("GET", ""), ("GET", "/input_items"), ("POST", "/cancel"), ("DELETE", "")):
        url = f"/v1/responses/{ids['response_id']}{path}"
        response = await openai.request(method, url, headers={"Authorization": f"Bearer {for_runs}"})
        assert (response.status_code, "needs the scope 'chat'" in response.text) == (403, True), path
    run = await database.tickets.get(ids["run_id"])
    assert run is not None
    assert run.cancel_requested_at is None
