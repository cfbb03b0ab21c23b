"""The worker's route, as the queue calls it."""

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


async def stored_ticket(database: Database) -> str:
    now = datetime.now(UTC)
    ticket = Ticket(id=str(uuid4()), owner="u", provider="openai", model="gpt-4.1-mini", created_at=now, updated_at=now)
    messages = [{"role": "user", "content": "hi"}]
    body = {"messages": messages, "provider": ticket.provider, "model": ticket.model}
    await store(database, ticket, ChatRequest.model_validate(body))
    return ticket.id


async def test_a_task_that_is_done_is_204(serve: Serve, database: Database) -> None:
    """So that the queue drops it."""
    ticket_id = await stored_ticket(database)
    response = await serve(worker).post("/", json={"ticket_id": ticket_id})
    assert (response.status_code, response.content) == (204, b"")
    ticket = await database.tickets.get(ticket_id)
    assert ticket is not None
    assert ticket.result is not None


async def test_a_task_that_should_come_again_is_425(
    serve: Serve, database: Database, model_server: ModelServer
) -> None:
    """Neither 429 nor 503, which would slow the whole queue; with the time that the provider asked for."""
    model_server.script("hi", Fail(429, headers={"Retry-After": "9"}))
    response = await serve(worker).post("/", json={"ticket_id": await stored_ticket(database)})
    assert (response.status_code, response.headers["retry-after"]) == (425, "9")


async def test_a_ticket_whose_caller_was_refused_is_withdrawn(
    serve: Serve, database: Database, model_server: ModelServer
) -> None:
    """It ends, and no model is called, however often the task comes."""
    ticket_id = await stored_ticket(database)
    for _ in range(2):
        response = await serve(worker).post("/", json={"ticket_id": ticket_id, "withdraw": "yes"})
        assert response.status_code == 204
    assert (await serve(worker).post("/", json={"ticket_id": ticket_id})).status_code == 204
    ticket = await database.tickets.get(ticket_id)
    assert ticket is not None
    assert (ticket.status, ticket.attempts) == (TicketStatus.FAILED, 0)
    assert model_server.calls == []


async def test_a_task_that_names_no_ticket_is_422(serve: Serve) -> None:
    """It was not made by us."""
    assert (await serve(worker).post("/", json={})).status_code == 422


NO_IDS = ["", ".", "..", "a/b", "u1/usage/x", "/", "__x__", "x" * 1501, "tickets/../users/u1", "\0", "a\0b"]


@pytest.mark.parametrize("ticket_id", [*NO_IDS, 7, None, ["x"]])
async def test_what_cannot_be_a_tickets_id_is_422(serve: Serve, ticket_id: Any) -> None:
    """And never another document's path."""
    response = await serve(worker).post("/", json={"ticket_id": ticket_id})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "ticket_id"]


@pytest.mark.parametrize("ticket_id", ["unknown", "ü", "a b", "..."])
async def test_a_ticket_that_is_gone_is_done_with(serve: Serve, ticket_id: str) -> None:
    """Its task is not to come again."""
    assert (await serve(worker).post("/", json={"ticket_id": ticket_id})).status_code == 204


@pytest.mark.parametrize("id_", NO_IDS)
async def test_no_store_takes_a_path_for_an_id(database: Database, id_: str) -> None:
    """Wherever an id comes from."""
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


@pytest.mark.parametrize(("module", "audience", "done"), [(worker, "worker", 204), (sweep, "sweep", 200)])
async def test_in_a_deployment_only_its_own_service_is_let_in(
    serve: Serve, google: GoogleCertificates, key: Key, project: str, module: ModuleType, audience: str, done: int
) -> None:
    """The queue's account to the worker, and the scheduler's to the sweep; neither to the other's, nobody else."""
    account, other = "invoker@p.example", "other@p.example"
    named = {"worker_service_account": account, "sweep_service_account": account}
    client = serve(module, app_env="firebase", k_service=audience, **named)
    address = f"https://us-central1-{project}.cloudfunctions.net/{audience}"

    async def status(token: str | None) -> int:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = await client.post("/", json={"ticket_id": "unknown"}, headers=headers)
        assert answer.status_code < 300 or set(answer.json()) == {"detail"}
        return answer.status_code

    assert await status(None) == 401
    assert await status("nonsense") == 401
    assert await status(Key("key-1").token(account, address)) == 401
    assert await status(key.token(other, address)) == 403
    assert await status(key.token(account, address + "r")) == 403
    good = key.token(account, address)
    assert await status(good) == done
    assert await status(f"{good.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE") == done
    assert await status(key.token(account, address, exp=1)) == 401
    local = serve(module, functions_emulator=True, **named)
    assert (await local.post("/", json={"ticket_id": "unknown"})).status_code == done


async def test_the_worker_asks_for_no_id_token(serve: Serve, database: Database) -> None:
    """Where no account is named, as with `APP_ENV=firebase` in the emulator suite, whose queue sends none."""
    ticket_id = await stored_ticket(database)
    response = await serve(worker, app_env="firebase").post("/", json={"ticket_id": ticket_id})
    assert response.status_code == 204
