"""Chat, the caller's side: real Firestore, real gRPC to a scripted Cloud Tasks."""

import asyncio
import json

import grpc
import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, TicketStatus
from shared.models.errors import BadRequest, NotFound, Unavailable
from shared.services.chat.submission import ChatService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import QueueRefused, task_queue
from tests.doubles.cloud_tasks import CloudTasksServer


def request(**fields: object) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1-mini", **fields}
    return ChatRequest.model_validate(body)


@pytest.fixture
async def chat(database: Database, settings: Settings, catalog: Catalog) -> ChatService:
    return ChatService(database, task_queue(settings), catalog, settings)


async def test_an_accepted_chat_is_stored_and_queued(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """Both before the answer: a look-up finds it at once, and the queue has its id and nothing else."""
    accepted = await chat.submit(caller, request())
    found = await chat.look_up(caller, accepted.ticket_id)
    assert (found.status, found.result, found.error, found.completed_at) == (TicketStatus.PENDING, None, None, None)
    assert await database.tickets.get_request(accepted.ticket_id) == request()
    ((name, task),) = cloud_tasks.tasks.items()
    assert name.endswith(f"/tasks/{accepted.ticket_id}-1")
    assert json.loads(task.http_request.body) == {"ticket_id": accepted.ticket_id}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"provider": "nobody"}, "nobody"),
        ({"provider": "anthropic", "model": "claude-opus-4-5"}, "ANTHROPIC_API_KEY"),
        ({"model": "gpt-nothing"}, "gpt-nothing"),
        ({"parameters": {"temperature": 3}}, "temperature"),
        ({"parameters": {"api_base": "http://evil.example"}}, "api_base"),
        ({"builtInTools": ["time_travel"]}, "time_travel"),
        ({"parameters": {"reasoning_effort": "low"}}, "reasoning_effort"),
        ({"parameters": {"stop": ["a", "b", "c", "d", "e"]}}, "at most 4"),
        ({"parameters": {"presence_penalty": 1}, "builtInTools": ["web_search"]}, "cannot be combined"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "no text"),
        ({"provider": "gofannon", "model": "some-agent"}, "gofannon"),
    ],
)
async def test_a_chat_that_cannot_be_served_is_refused_at_once(
    chat: ChatService, caller: Caller, cloud_tasks: CloudTasksServer, fields: dict[str, object], words: str
) -> None:
    """The error names what is wrong; nothing is queued."""
    with pytest.raises(BadRequest, match=words):
        await chat.submit(caller, request(**fields))
    assert not cloud_tasks.tasks


class WatchedQueue:
    """Hands tasks on, and remembers the names."""

    def __init__(self, settings: Settings) -> None:
        self._queue = task_queue(settings)
        self.ids: list[str] = []

    async def enqueue(self, name: str, payload: dict[str, str]) -> None:
        self.ids.append(payload["ticket_id"])
        await self._queue.enqueue(name, payload)


async def test_a_chat_that_the_queue_refuses_ends_failed(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """The caller is to try again, and the ticket does not stay pending."""
    queue = WatchedQueue(settings)
    chat = ChatService(database, queue, catalog, settings)
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(Unavailable):
        await chat.submit(caller, request())
    found = await chat.look_up(caller, queue.ids[0])
    assert found.status is TicketStatus.FAILED
    assert found.error
    assert found.completed_at


async def test_a_chat_that_a_worker_has_begun_counts_as_accepted(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller
) -> None:
    """The queue took the task, its answer was lost, and the worker was quicker: the caller gets the ticket."""

    class TakesAndFails:
        async def enqueue(self, name: str, payload: dict[str, str]) -> None:
            await take(database, payload["ticket_id"])
            raise QueueRefused("the answer was lost")

    accepted = await ChatService(database, TakesAndFails(), catalog, settings).submit(caller, request())
    chat = ChatService(database, task_queue(settings), catalog, settings)
    assert (await chat.look_up(caller, accepted.ticket_id)).status is TicketStatus.PROCESSING


async def take(database: Database, ticket_id: str) -> None:
    from datetime import UTC, datetime

    from shared.store import Transaction

    async def lease(transaction: Transaction) -> None:
        ticket = await database.tickets.get(ticket_id, transaction)
        assert ticket is not None
        database.tickets.put(ticket.lease_to("worker", datetime.now(UTC), 60), transaction)

    await database.transaction(lease)


async def test_another_users_ticket_looks_unknown(chat: ChatService, caller: Caller) -> None:
    """The same error, word for word."""
    accepted = await chat.submit(caller, request())
    with pytest.raises(NotFound) as elses:
        await chat.look_up(Caller(uid="somebody-else"), accepted.ticket_id)
    with pytest.raises(NotFound) as none:
        await chat.look_up(caller, "00000000-0000-4000-8000-000000000000")
    assert elses.value.message == none.value.message


@pytest.mark.parametrize(
    "odd", ["", ".", "..", "__x__", "a/b", "x" * 2000, "\x00", "ü", "00000000-0000-4000-8000-00000000000G"]
)
async def test_an_invalid_ticket_id_is_not_found(chat: ChatService, caller: Caller, odd: str) -> None:
    """No error of the database shows."""
    with pytest.raises(NotFound):
        await chat.look_up(caller, odd)


async def test_many_chats_at_once_are_all_accepted(
    chat: ChatService, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """Fifty, each with a ticket and a task of its own."""
    accepted = await asyncio.gather(*(chat.submit(caller, request()) for _ in range(50)))
    assert len({ticket.ticket_id for ticket in accepted}) == len(cloud_tasks.tasks) == 50
