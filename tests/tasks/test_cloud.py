"""Cloud Tasks, over real gRPC to a server of the test's own."""

import json
from datetime import timedelta

import grpc
import pytest

from shared.settings import Settings
from shared.tasks import QueueRefused, task_name, task_queue
from shared.trace import RequestContext, current_request, new_trace
from tests.doubles.cloud_tasks import CloudTasksServer

PAYLOAD = {"ticket_id": "7"}


def settings(server: CloudTasksServer, **fields: object) -> Settings:
    return Settings.model_validate(
        {
            "google_cloud_project": "p",
            "cloud_tasks_endpoint": server.endpoint,
            "worker_service_account": "w@p",
            **fields,
        }
    )


async def test_a_task_is_sent_to_the_worker_with_its_identity(cloud_tasks: CloudTasksServer) -> None:
    """Named after the work, as JSON, to the function's address, with an OIDC token, for as long as the worker has."""
    await task_queue(settings(cloud_tasks)).enqueue("7", PAYLOAD)
    (name, task), *more = cloud_tasks.tasks.items()
    assert not more
    assert name == "projects/p/locations/us-central1/queues/worker/tasks/7"
    assert task.http_request.url == "https://us-central1-p.cloudfunctions.net/worker"
    assert task.http_request.oidc_token.service_account_email == "w@p"
    assert task.http_request.oidc_token.audience == task.http_request.url
    assert json.loads(task.http_request.body) == PAYLOAD
    assert task.http_request.headers["Content-Type"] == "application/json"
    assert task.dispatch_deadline == timedelta(seconds=540)


async def test_the_workers_address_can_be_set(cloud_tasks: CloudTasksServer) -> None:
    """`WORKER_URL` wins over the derived one, as address and as audience."""
    await task_queue(settings(cloud_tasks, worker_url="https://worker.example/")).enqueue("7", PAYLOAD)
    (task,) = cloud_tasks.tasks.values()
    assert task.http_request.url == task.http_request.oidc_token.audience == "https://worker.example/"


async def test_a_task_handed_in_twice_is_taken_once(cloud_tasks: CloudTasksServer) -> None:
    """The second is no error."""
    queue = task_queue(settings(cloud_tasks))
    await queue.enqueue("7", PAYLOAD)
    await queue.enqueue("7", PAYLOAD)
    assert len(cloud_tasks.tasks) == 1


async def test_a_passing_fault_is_tried_again(cloud_tasks: CloudTasksServer) -> None:
    """The name makes that safe."""
    cloud_tasks.fail_next(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)
    await task_queue(settings(cloud_tasks)).enqueue("7", PAYLOAD)
    assert (cloud_tasks.attempts, len(cloud_tasks.tasks)) == (3, 1)


async def test_a_task_taken_behind_a_fault_is_not_doubled(cloud_tasks: CloudTasksServer) -> None:
    """The answer was lost, the task was not: the second try meets it."""
    cloud_tasks.fail_next(grpc.StatusCode.UNAVAILABLE, store_anyway=True)
    await task_queue(settings(cloud_tasks)).enqueue("7", PAYLOAD)
    assert (cloud_tasks.attempts, len(cloud_tasks.tasks)) == (2, 1)


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED]
)
async def test_a_refusal_is_raised_at_once(cloud_tasks: CloudTasksServer, code: grpc.StatusCode) -> None:
    """What trying again does not heal is not tried again."""
    cloud_tasks.fail_next(code)
    with pytest.raises(QueueRefused):
        await task_queue(settings(cloud_tasks)).enqueue("7", PAYLOAD)
    assert cloud_tasks.attempts == 1


async def test_a_task_carries_whose_request_it_is_for(cloud_tasks: CloudTasksServer) -> None:
    """Its id and its trace, in headers: the payload stays what it is."""
    request = RequestContext("my-id", new_trace(), "p", lambda: ("POST", "/chat"))
    token = current_request.set(request)
    try:
        await task_queue(settings(cloud_tasks)).enqueue("7", PAYLOAD)
    finally:
        current_request.reset(token)
    (task,) = cloud_tasks.tasks.values()
    assert json.loads(task.http_request.body) == PAYLOAD
    assert dict(task.http_request.headers) == {
        "Content-Type": "application/json",
        "X-Request-Id": "my-id",
        "traceparent": request.trace.traceparent,
    }


async def test_it_knows_which_tasks_it_has(cloud_tasks: CloudTasksServer) -> None:
    """One that waits is there; one that is done, or was never made, is not; without permission, it is unknown."""
    queue = task_queue(settings(cloud_tasks))
    await queue.enqueue("7", PAYLOAD)
    assert await queue.has("7") is True
    assert await queue.has("8") is False
    cloud_tasks.done("7")
    assert await queue.has("7") is False
    cloud_tasks.can_look_up = False
    assert await queue.has("7") is None


def test_names_begin_with_what_is_random() -> None:
    """Each task of a ticket has its own."""
    assert task_name("0b6f0d0e-5d0b", 3) == "0b6f0d0e-5d0b-3"
