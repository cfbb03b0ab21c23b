"""Tests the routes of webhooks, and the worker's task for a delivery."""

from typing import Any

import httpx
import pytest

import functions.schedules.main as schedules
import functions.worker.main as worker
from shared import clock
from shared.models.delivery import DeliveryStatus
from shared.settings import Settings
from shared.store import Database
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.served_here import serve_here
from tests.doubles.webhook_receiver import WebhookReceiver
from tests.functions.conftest import AuthHeaders, Serve
from tests.services.webhooks.hooks import Hooks, make_run

BODY: dict[str, Any] = {"url": "https://hooks.example/", "events": ["run.completed"]}


@pytest.fixture
async def client(serve: Serve) -> httpx.AsyncClient:
    return serve(schedules, app_env="firebase")


async def test_a_webhook_from_its_creation_to_its_deletion(
    client: httpx.AsyncClient, auth_headers: AuthHeaders
) -> None:
    """Each route, with its status and its fields."""
    client.headers.update(auth_headers("user"))
    response = await client.post("/webhooks", json=BODY)
    assert response.status_code == 201
    created = response.json()
    secret = created.pop("secret")
    path = f"/webhooks/{created['_id']}"
    assert created == {
        **BODY,
        "_id": created["_id"],
        "_rev": created["_rev"],
        "enabled": True,
        "createdAt": created["createdAt"],
        "updatedAt": created["createdAt"],
        "lastStatus": None,
        "lastError": None,
        "failingSince": None,
        "disabledReason": None,
    }
    assert (await client.get(path)).json() == created
    assert (await client.get("/webhooks")).json() == [created]
    response = await client.put(path, json={"_rev": created["_rev"], "events": ["run.failed"]})
    assert (response.status_code, response.json()["events"]) == (200, ["run.failed"])
    assert (await client.put(path, json={"_rev": created["_rev"]})).status_code == 409
    response = await client.post(f"{path}/secret")
    assert response.status_code == 201
    assert response.json().keys() == {"secret", "previousValidUntil"}
    assert response.json()["secret"] != secret
    response = await client.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    assert (await client.get(path)).status_code == 404


async def test_pages_are_linked(client: httpx.AsyncClient, auth_headers: AuthHeaders) -> None:
    """`X-Next-Page-Token` leads to the next page."""
    client.headers.update(auth_headers("user"))
    for _ in range(2):
        await client.post("/webhooks", json=BODY)
    first = await client.get("/webhooks", params={"limit": 1})
    second = await client.get("/webhooks", params={"limit": 1, "pageToken": first.headers["x-next-page-token"]})
    assert first.json()[0]["_id"] != second.json()[0]["_id"]


@pytest.mark.parametrize("role", ["other", "admin", "nobody"])
async def test_others_have_no_access(client: httpx.AsyncClient, auth_headers: AuthHeaders, role: str) -> None:
    """Without a token, the response is 401; to another user and an administrator, the webhook does not exist."""
    created = (await client.post("/webhooks", json=BODY, headers=auth_headers("user"))).json()
    headers, expected = auth_headers(role), 401 if role == "nobody" else 404
    path = f"/webhooks/{created['_id']}"
    for method, url, body in (
        ("GET", path, None),
        ("PUT", path, {"enabled": False}),
        ("POST", f"{path}/secret", None),
        ("DELETE", path, None),
    ):
        response = await client.request(method, url, json=body, headers=headers)
        assert (response.status_code, set(response.json())) == (expected, {"detail"}), (method, url)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"url": "ftp://hooks.example/"}, "url"),
        ({"url": "https://a:b@hooks.example/"}, "url"),
        ({"url": "https://a.example/" + 2000 * "x"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["run.born"]}, "events"),
        ({"url": None}, "url"),
    ],
)
async def test_invalid_fields_get_422(
    client: httpx.AsyncClient, auth_headers: AuthHeaders, change: dict[str, Any], field: str
) -> None:
    """The error names the field."""
    response = await client.post("/webhooks", json={**BODY, **change}, headers=auth_headers("user"))
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][:2] == ["body", field]


async def test_the_worker_delivers(
    serve: Serve, database: Database, settings: Settings, cloud_tasks: CloudTasksServer
) -> None:
    """A task with the id of a delivery sends it, and gets 204; one that comes seconds too early gets 425."""
    receiver = WebhookReceiver()
    async with serve_here(receiver.app) as address:
        allowed = {"outbound_allowed_hosts": (address.removeprefix("http://"),)}
        hooks = Hooks(database, settings.model_copy(update=allowed), cloud_tasks, address)
        webhook = await hooks.create()
        await hooks.announce(make_run().fail("No.", clock.now()))
        (delivery,) = await hooks.deliveries()
        receiver.script(500)
        client = serve(worker, **allowed)
        assert (await client.post("/", json={"delivery_id": delivery.id})).status_code == 204
        response = await client.post("/", json={"delivery_id": delivery.id})
        assert (response.status_code, int(response.headers["retry-after"]) <= 5) == (425, True)
    assert receiver.received[0].verify(webhook.secret)["type"] == "run.failed"
    (delivery,) = await hooks.deliveries()
    assert delivery.status is DeliveryStatus.PENDING


@pytest.mark.parametrize("task", [{"delivery_id": "a/b"}, {"delivery_id": ""}, {"delivery_id": "d", "ticket_id": "t"}])
async def test_an_invalid_task_is_422(serve: Serve, task: dict[str, str]) -> None:
    """A task has either a valid ticket id or a valid delivery id."""
    assert (await serve(worker).post("/", json=task)).status_code == 422


async def test_an_unknown_delivery_is_204(serve: Serve) -> None:
    """The queue drops the task of a delivery that does not exist."""
    assert (await serve(worker).post("/", json={"delivery_id": "unknown"})).status_code == 204
