"""The worker's route, as the queue calls it."""

from datetime import UTC, datetime
from uuid import uuid4

import functions.worker.main as worker
from shared.models.chat import ChatRequest, TicketStatus
from shared.models.ticket import Ticket
from shared.store import Database
from tests.doubles.model_server import Fail, ModelServer
from tests.functions.conftest import Serve
from tests.stored import store


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


async def test_the_worker_asks_for_no_id_token(serve: Serve, database: Database) -> None:
    """In Firebase the queue's service account is let in by the platform, not by the code."""
    ticket_id = await stored_ticket(database)
    response = await serve(worker, app_env="firebase").post("/", json={"ticket_id": ticket_id})
    assert response.status_code == 204
