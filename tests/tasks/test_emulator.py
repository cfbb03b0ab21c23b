"""The Emulator Suite's own task queue, which delivers to an HTTP server of the test's."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.settings import Settings
from shared.tasks import QueueRefused, task_queue
from shared.trace import RequestContext, current_request, new_trace
from tests.doubles.api_server import ApiServer

SCRIPT = Path(__file__).parents[1] / "doubles" / "tasks_emulator.js"


@pytest.fixture(scope="module")
def tasks_host() -> Iterator[str]:
    with subprocess.Popen(["node", SCRIPT], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit()
        yield f"127.0.0.1:{port}"
        process.kill()


@pytest.fixture
def queue_settings(tasks_host: str, api_server: ApiServer, project: str) -> Settings:
    """Of a queue that delivers to `/echo`."""
    queue = f"http://{tasks_host}/projects/{project}/locations/us-central1/queues/worker"
    made = httpx.post(queue, json={"defaultUri": f"{api_server.address}/echo"}, trust_env=False)
    assert made.status_code == 200
    return Settings(google_cloud_project=project, cloud_tasks_emulator_host=tasks_host)


async def test_a_task_is_delivered_with_whose_request_it_is_for(
    queue_settings: Settings, api_server: ApiServer
) -> None:
    """The payload as JSON, and the request's id and trace in headers, once, however often it is handed in."""
    request = RequestContext("my-id", new_trace(), "p", lambda: ("POST", "/chat"))
    token = current_request.set(request)
    try:
        for _ in range(2):
            await task_queue(queue_settings).enqueue("7", {"ticket_id": "7"})
    finally:
        current_request.reset(token)
    async with asyncio.timeout(20):
        while not api_server.calls:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.05)
    (call,) = api_server.calls
    assert json.loads(call.body) == {"ticket_id": "7"}
    assert call.headers["content-type"] == "application/json"
    assert call.headers["x-request-id"] == "my-id"
    assert call.headers["traceparent"] == request.trace.traceparent


async def test_a_queue_that_is_not_there_refuses(queue_settings: Settings) -> None:
    """By name, or with all of its server."""
    for change in ({"worker_queue": "nobody"}, {"cloud_tasks_emulator_host": "127.0.0.1:1"}):
        with pytest.raises(QueueRefused):
            await task_queue(queue_settings.model_copy(update=change)).enqueue("7", {"ticket_id": "7"})
