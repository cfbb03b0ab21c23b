"""Tests the worker's route, which the queue calls."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

import functions.sweep.main as sweep
import functions.worker.main as worker
from shared.models.chat import ChatRequest, TicketStatus
from shared.models.ticket import Ticket
from shared.store import Database
from tests.database_data import store
from tests.doubles.google_certificates import GoogleCertificates, Key
from tests.doubles.model_server import Fail, ModelServer
from tests.functions.conftest import Serve


async def store_ticket(database: Database) -> str:
    now = datetime.now(UTC)
    ticket = Ticket(id=str(uuid4()), owner="u", provider="openai", model="gpt-4.1-mini", created_at=now, updated_at=now)
    messages = [{"role": "user", "content": "hi"}]
    body = {"messages": messages, "provider": ticket.provider, "model": ticket.model}
    await store(database, ticket, ChatRequest.model_validate(body))
    return ticket.id


async def test_a_completed_task_is_204(serve: Serve, database: Database) -> None:
    """A completed task gets a 204, which tells the queue to drop it."""
    ticket_id = await store_ticket(database)
    response = await serve(worker).post("/", json={"ticket_id": ticket_id})
    assert (response.status_code, response.content) == (204, b"")
    ticket = await database.tickets.get(ticket_id)
    assert ticket is not None
    assert ticket.result is not None


async def test_a_task_to_be_retried_is_425(serve: Serve, database: Database, model_server: ModelServer) -> None:
    """A task to be retried gets a 425 with the provider's `Retry-After`. A 429 or 503 would slow down the whole
    queue."""
    model_server.script("hi", Fail(429, headers={"Retry-After": "9"}))
    response = await serve(worker).post("/", json={"ticket_id": await store_ticket(database)})
    assert (response.status_code, response.headers["retry-after"]) == (425, "9")


async def test_a_ticket_whose_caller_was_refused_is_withdrawn(
    serve: Serve, database: Database, model_server: ModelServer
) -> None:
    """A withdrawn ticket fails without a model call. Withdrawing it again has no effect."""
    ticket_id = await store_ticket(database)
    for _ in range(2):
        response = await serve(worker).post("/", json={"ticket_id": ticket_id, "withdraw": "yes"})
        assert response.status_code == 204
    assert (await serve(worker).post("/", json={"ticket_id": ticket_id})).status_code == 204
    ticket = await database.tickets.get(ticket_id)
    assert ticket is not None
    assert (ticket.status, ticket.attempts) == (TicketStatus.FAILED, 0)
    assert model_server.calls == []


async def test_a_task_without_a_ticket_is_422(serve: Serve) -> None:
    """A task without a ticket id, which the service never creates, gets a 422."""
    assert (await serve(worker).post("/", json={})).status_code == 422


INVALID_IDS = ["", ".", "..", "a/b", "u1/usage/x", "/", "__x__", "x" * 1501, "tickets/../users/u1", "\0", "a\0b"]


@pytest.mark.parametrize("ticket_id", [*INVALID_IDS, 7, None, ["x"]])
async def test_an_invalid_ticket_id_is_422(serve: Serve, ticket_id: Any) -> None:
    """A ticket id that could be interpreted as the path of another document gets a 422."""
    response = await serve(worker).post("/", json={"ticket_id": ticket_id})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "ticket_id"]


@pytest.mark.parametrize("ticket_id", ["unknown", "ü", "a b", "..."])
async def test_a_task_with_an_unknown_ticket_is_204(serve: Serve, ticket_id: str) -> None:
    """A task with an unknown ticket gets a 204, so the queue drops it."""
    assert (await serve(worker).post("/", json={"ticket_id": ticket_id})).status_code == 204


@pytest.mark.parametrize("id_", INVALID_IDS)
async def test_no_store_accepts_a_path_as_an_id(database: Database, id_: str) -> None:
    """Every store returns None for an id that is a path or otherwise invalid."""
    assert await database.tickets.get(id_) is None
    assert await database.tickets.get_request(id_) is None
    assert await database.accounts.get(id_) is None
    assert await database.agents.get(id_) is None
    assert await database.demos.get(id_) is None
    assert await database.deployments.get(id_) is None


@pytest.fixture(scope="module")
def key() -> Key:
    return Key("key-1")


@pytest.fixture
def google(key: Key, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCertificates]:
    server = GoogleCertificates(key)
    server.start()
    monkeypatch.setattr("shared.web.service_tokens.CERTIFICATES_URL", server.url)
    yield server
    server.stop()


@pytest.mark.parametrize(("module", "audience", "success"), [(worker, "worker", 204), (sweep, "sweep", 200)])
async def test_a_deployed_function_accepts_only_its_callers_service_account(
    serve: Serve, google: GoogleCertificates, key: Key, project: str, module: ModuleType, audience: str, success: int
) -> None:
    """The worker accepts only the queue's service account, and the sweep only the scheduler's. Each accepts only tokens
    that were issued for it."""
    account, other = "invoker@p.example", "other@p.example"
    accounts = {"worker_service_account": account, "sweep_service_account": account}
    client = serve(module, app_env="firebase", k_service=audience, **accounts)
    address = f"https://us-central1-{project}.cloudfunctions.net/{audience}"

    async def status(token: str | None) -> int:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        response = await client.post("/", json={"ticket_id": "unknown"}, headers=headers)
        assert response.status_code < 300 or set(response.json()) == {"detail"}
        return response.status_code

    assert await status(None) == 401
    assert await status("nonsense") == 401
    assert await status(Key("key-1").token(account, address)) == 401
    assert await status(key.token(other, address)) == 403
    assert await status(key.token(account, address + "r")) == 403
    good = key.token(account, address)
    assert await status(good) == success
    assert await status(f"{good.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE") == success
    assert await status(key.token(account, address, exp=1)) == 401
    local = serve(module, functions_emulator=True, **accounts)
    assert (await local.post("/", json={"ticket_id": "unknown"})).status_code == success


async def test_without_an_account_the_worker_requires_no_token(serve: Serve, database: Database) -> None:
    """Without a configured account, the worker accepts tasks without a token, as the emulator suite's queue sends
    them."""
    ticket_id = await store_ticket(database)
    response = await serve(worker, app_env="firebase").post("/", json={"ticket_id": ticket_id})
    assert response.status_code == 204
