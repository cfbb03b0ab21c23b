"""Log lines of a chat have the id and trace of its request, from the request to the worker and the sweep."""

from datetime import UTC, datetime, timedelta
from typing import Any

import functions.chat.main as chat
import functions.sweep.main as sweep
import functions.worker.main as worker
from shared.log import LABELS_FIELD, TRACE_FIELD
from shared.store import Database, Transaction
from tests.conftest import Lines
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.functions.conftest import Serve
from tests.functions.test_chat import BODY

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{SPAN}-01", "X-Request-Id": "followed"}


def messages_of_request(lines: list[dict[str, Any]]) -> list[str]:
    """Returns the messages of the followed request's lines."""
    own = [line for line in lines if line[LABELS_FIELD] == {"request_id": "followed"}]
    assert all(line[TRACE_FIELD].endswith(f"/traces/{TRACE}") for line in own)
    return [line["message"] for line in own]


async def deliver(serve: Serve, tasks: CloudTasksServer) -> int:
    """Delivers the newest task as Cloud Tasks does, and returns the response's status."""
    http = list(tasks.tasks.values())[-1].http_request
    return (await serve(worker).post("/", content=http.body, headers=dict(http.headers))).status_code


async def test_a_chat_is_followed_to_the_worker(
    serve: Serve, cloud_tasks: CloudTasksServer, model_server: ModelServer, lines: Lines
) -> None:
    """All its lines, including those of a retry, have the id and the trace of the request that submitted it."""
    model_server.script("hi", Fail(503), Answer("hello"))
    assert (await serve(chat).post("/chat", json=BODY, headers=HEADERS)).status_code == 200
    assert messages_of_request(lines()) == ["POST /chat 200"]
    assert await deliver(serve, cloud_tasks) == 425
    first, *_, last = messages_of_request(lines())
    assert first.startswith("A call to openai/gpt-4.1-mini failed")
    assert last == "POST / 425"
    assert await deliver(serve, cloud_tasks) == 204
    assert messages_of_request(lines()) == ["Charged", "POST / 204"]


async def test_a_chat_is_followed_through_the_sweep(
    serve: Serve, cloud_tasks: CloudTasksServer, database: Database, lines: Lines
) -> None:
    """The sweep requeues a ticket whose task was lost, with the id and the trace of the original request."""
    ticket_id = (await serve(chat).post("/chat", json=BODY, headers=HEADERS)).json()["ticket_id"]
    cloud_tasks.reset()

    async def age(transaction: Transaction) -> None:
        ticket = await database.tickets.get(ticket_id, transaction)
        assert ticket is not None
        then = datetime.now(UTC) - timedelta(minutes=10)
        database.tickets.put(ticket.model_copy(update={"updated_at": then}), transaction)

    await database.transaction(age)
    assert (await serve(sweep).post("/")).json()["requeued"] == 1
    assert messages_of_request(lines()) == ["POST /chat 200", "A ticket was swept: requeued"]
    assert await deliver(serve, cloud_tasks) == 204
    assert messages_of_request(lines()) == ["Charged", "POST / 204"]


async def test_the_queue_contains_no_message_or_secret(serve: Serve, cloud_tasks: CloudTasksServer) -> None:
    """A task contains only the ticket's id, and headers that identify the request."""
    headers = {**HEADERS, "Authorization": "Bearer my-secret"}
    await serve(chat).post("/chat", json=BODY, headers=headers)
    (task,) = cloud_tasks.tasks.values()
    assert set(task.http_request.headers) == {"Content-Type", "X-Request-Id", "traceparent"}
    assert "my-secret" not in str(task)
