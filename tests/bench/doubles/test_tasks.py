"""The lean Cloud Tasks."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import grpc
import pytest
from google.api_core.exceptions import AlreadyExists
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcAsyncIOTransport

from bench.doubles import tasks
from bench.doubles.tasks import CloudTasks
from tests.bench.answering import Answer, answering

_QUEUE = "projects/demo/locations/us-central1/queues/worker"


@asynccontextmanager
async def _started() -> AsyncGenerator[tuple[CloudTasks, tasks_v2.CloudTasksAsyncClient]]:
    server = CloudTasks()
    channel = grpc.aio.insecure_channel(await server.start())
    yield server, tasks_v2.CloudTasksAsyncClient(transport=CloudTasksGrpcAsyncIOTransport(channel=channel))
    await channel.close()
    await server.stop()


async def _create(client: tasks_v2.CloudTasksAsyncClient, ticket_id: str) -> None:
    request = tasks_v2.HttpRequest(url="http://x/", body=json.dumps({"ticket_id": ticket_id}).encode())
    await client.create_task(
        parent=_QUEUE, task=tasks_v2.Task(name=f"{_QUEUE}/tasks/{ticket_id}", http_request=request)
    )


def _work(*statuses: int) -> tuple[Answer, list[str]]:
    """A worker that answers with these statuses, in order. Also returns the tickets of its requests."""
    waiting, tickets = list(statuses), list[str]()

    def answer(body: bytes) -> bytes:
        tickets.append(json.loads(body)["ticket_id"])
        return f"HTTP/1.1 {waiting.pop(0)} X\r\ncontent-length: 0\r\n\r\n".encode()

    return answer, tickets


async def test_a_task_is_delivered_when_it_arrives() -> None:
    """Its delivery records both times."""
    answer, tickets = _work(204)
    async with answering(answer) as worker, _started() as (server, client):
        await server.deliver_to([worker.port], 10)
        await _create(client, "one")
        (delivery,) = await server.wait_for(1, 5)
    assert tickets == [delivery.ticket_id] == ["one"]
    assert delivery.done is not None
    assert delivery.done >= delivery.accepted


async def test_a_refused_task_is_delivered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until a response is 2xx."""
    monkeypatch.setattr(tasks, "_RETRY_SECONDS", 0.01)
    answer, tickets = _work(425, 503, 204)
    async with answering(answer) as worker, _started() as (server, client):
        await server.deliver_to([worker.port], 10)
        await _create(client, "one")
        (delivery,) = await server.wait_for(1, 5)
    assert tickets == ["one"] * 3
    assert delivery.refusals == [425, 503]


async def test_a_name_is_accepted_once() -> None:
    """As in Cloud Tasks. Without workers, tasks are only counted."""
    async with _started() as (server, client):
        await _create(client, "one")
        with pytest.raises(AlreadyExists):
            await _create(client, "one")
        assert await server.take_count() == 1


async def test_a_missing_task_ends_the_wait() -> None:
    """The error has the number of those that are done."""
    async with _started() as (server, _):
        with pytest.raises(TimeoutError, match="0 of 1 tasks"):
            await server.wait_for(1, 0.05)
