"""Chats are submitted and looked up, with the Firestore emulator and a scripted Cloud Tasks server over gRPC."""

import asyncio
import json
from datetime import datetime

import grpc
import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.errors import BadRequest, Unavailable
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import QueueRefused, task_queue
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.chat.keyed_chats import chat_request, take


async def test_an_accepted_chat_is_stored_and_queued(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """When the response is sent, the chat can be looked up, and the queued task contains only its id."""
    accepted = await chat.submit(caller, chat_request())
    found = await TicketService(database).look_up(caller, accepted.ticket_id)
    assert (found.status, found.result, found.error, found.completed_at) == (TicketStatus.PENDING, None, None, None)
    assert await database.tickets.get_request(accepted.ticket_id) == chat_request()
    ((name, task),) = cloud_tasks.tasks.items()
    assert name.endswith(f"/tasks/{accepted.ticket_id}-1")
    assert json.loads(task.http_request.body) == {"ticket_id": accepted.ticket_id}


@pytest.mark.parametrize(
    ("fields", "pattern"),
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
async def test_a_chat_that_cannot_be_served_is_rejected_immediately(
    chat: ChatService, caller: Caller, cloud_tasks: CloudTasksServer, fields: dict[str, object], pattern: str
) -> None:
    """The error names the invalid part of the request, and nothing is queued."""
    with pytest.raises(BadRequest, match=pattern):
        await chat.submit(caller, chat_request(**fields))
    assert not cloud_tasks.tasks


class RecordingQueue:
    """Passes tasks on, and records the ids of their tickets."""

    def __init__(self, settings: Settings) -> None:
        self._queue = task_queue(settings)
        self.ids: list[str] = []

    async def enqueue(self, name: str, payload: dict[str, str], at: datetime | None = None) -> None:
        self.ids.append(payload["ticket_id"])
        await self._queue.enqueue(name, payload)


async def test_a_chat_that_the_queue_rejects_fails(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """The caller gets 503, and the ticket does not stay pending."""
    queue = RecordingQueue(settings)
    chat = ChatService(database, queue, catalog, settings)
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(Unavailable):
        await chat.submit(caller, chat_request())
    found = await TicketService(database).look_up(caller, queue.ids[0])
    assert found.status is TicketStatus.FAILED
    assert found.error
    assert found.completed_at


async def test_a_chat_that_a_worker_has_begun_counts_as_accepted(
    chat: ChatService, database: Database, settings: Settings, catalog: Catalog, caller: Caller
) -> None:
    """If a worker has begun the chat although the queue reported an error, the caller gets the ticket."""

    class BegunAndFailingQueue:
        async def enqueue(self, name: str, payload: dict[str, str], at: datetime | None = None) -> None:
            await take(database, payload["ticket_id"])
            raise QueueRefused("the response was lost")

    accepted = await ChatService(database, BegunAndFailingQueue(), catalog, settings).submit(caller, chat_request())
    assert (await TicketService(database).look_up(caller, accepted.ticket_id)).status is TicketStatus.PROCESSING


async def test_concurrent_chats_are_all_accepted(
    chat: ChatService, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """Each of fifty concurrent chats gets a ticket and a task."""
    accepted = await asyncio.gather(*(chat.submit(caller, chat_request()) for _ in range(50)))
    assert len({ticket.ticket_id for ticket in accepted}) == len(cloud_tasks.tasks) == 50
