"""Tests that all log lines of a chat, including the worker's and the sweep's, have the id and trace of its request."""

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
    """Returns the messages of the log lines that belong to the request with the id `followed`."""
    own_lines = [line for line in lines if line[LABELS_FIELD] == {"request_id": "followed"}]
    assert all(line[TRACE_FIELD].endswith(f"/traces/{TRACE}") for line in own_lines)
    return [line["message"] for line in own_lines]


async def deliver(serve: Serve, tasks: CloudTasksServer) -> int:
    """Delivers the newest task as Cloud Tasks does, and returns the response's status."""
    http = list(tasks.tasks.values())[-1].http_request
    return (await serve(worker).post("/", content=http.body, headers=dict(http.headers))).status_code


async def test_the_workers_lines_have_the_requests_id(
    serve: Serve, cloud_tasks: CloudTasksServer, model_server: ModelServer, lines: Lines
) -> None:
    """The worker's lines for a chat, including those of a retry, have the id and the trace of the submitting
    request."""
    model_server.script("hi", Fail(503), Answer("hello"))
    assert (await serve(chat).post("/chat", json=BODY, headers=HEADERS)).status_code == 200
    assert messages_of_request(lines()) == ["POST /chat 200"]
    assert await deliver(serve, cloud_tasks) == 425
    first, *_, last = messages_of_request(lines())
    assert first.startswith("A call to openai/gpt-4.1-mini failed")
    assert last == "POST / 425"
    assert await deliver(serve, cloud_tasks) == 204
    assert messages_of_request(lines()) == ["Charged", "POST / 204"]


async def test_a_swept_chat_has_the_original_requests_id(
    serve: Serve, cloud_tasks: CloudTasksServer, database: Database, lines: Lines
) -> None:
    """The sweep requeues a ticket whose task was lost, with the id and the trace of the original request."""
    ticket_id = (await serve(chat).post("/chat", json=BODY, headers=HEADERS)).json()["ticket_id"]
    cloud_tasks.reset()

    async def backdate(transaction: Transaction) -> None:
        ticket = await database.tickets.get(ticket_id, transaction)
        assert ticket is not None
        then = datetime.now(UTC) - timedelta(minutes=10)
        database.tickets.put(ticket.model_copy(update={"updated_at": then}), transaction)

    await database.transaction(backdate)
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
