"""The Emulator Suite's task queue, which supports only a part of the REST interface, and no gRPC.

firebase-admin also supports this queue, but cannot read its response for a task with a name. Here all tasks have names.
"""

import base64
import json
from datetime import datetime, timedelta

import httpx

from shared import clock
from shared.per_loop import per_loop
from shared.settings import Settings
from shared.tasks import QueueRefused, task_headers

_MAX_EARLY = timedelta(seconds=30)
"""How much too early a task may be delivered. The worker waits that long. The sweep runs every half minute."""


@per_loop
def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=10, trust_env=False)


class EmulatorTaskQueue:
    """Sends tasks to an empty address, which means the function that the suite created the queue for."""

    def __init__(self, settings: Settings) -> None:
        project, location = settings.google_cloud_project, settings.worker_location
        queue = f"projects/{project}/locations/{location}/queues/{settings.worker_queue}"
        self._queue = queue
        self._url = f"http://{settings.cloud_tasks_emulator_host}/{queue}/tasks"
        self._deadline = f"{settings.worker_timeout_seconds}s"

    async def enqueue(self, name: str, payload: dict[str, str], at: datetime | None = None) -> None:
        """See `TaskQueue`."""
        if at is not None and at - clock.now() > _MAX_EARLY:
            return
        task = {
            "name": f"{self._queue}/tasks/{name}",
            "dispatchDeadline": self._deadline,
            "httpRequest": {
                "url": "",
                "headers": task_headers(),
                "body": base64.b64encode(json.dumps(payload).encode()).decode(),
            },
        }
        try:
            response = await _client().post(self._url, json={"task": task})
        except httpx.HTTPError as error:
            raise QueueRefused(f"Tasks emulator: {type(error).__name__}") from error
        if response.is_error and response.status_code != 409:
            raise QueueRefused(f"Tasks emulator: {response.status_code} {response.text[:200]}")

    async def has(self, name: str) -> bool | None:
        """Returns None, because the emulator does not report its tasks."""
        return None
