"""Tests the suite's task queue through `shared.tasks`."""

import httpx
import pytest

from local_platform.suite import Suite
from shared.settings import Settings
from shared.tasks import QueueRefused, TaskQueue, task_queue

pytestmark = pytest.mark.e2e


@pytest.fixture
async def queue(local_suite: Suite) -> TaskQueue:
    return task_queue(Settings.from_environ(local_suite.env))


async def test_a_task_enqueued_twice_is_accepted_once(local_suite: Suite, queue: TaskQueue) -> None:
    """Enqueuing the same task again is not an error, and adds no task to the queue."""
    before = count_added_tasks(local_suite)
    for _ in range(2):
        await queue.enqueue("unknown", {"ticket_id": "00000000-0000-4000-8000-000000000000"})
    assert count_added_tasks(local_suite) == before + 1


def count_added_tasks(suite: Suite) -> int:
    """Returns the number of tasks that the queue accepted in the last five minutes."""
    statistics = httpx.get(f"http://{suite.env['CLOUD_TASKS_EMULATOR_HOST']}/queueStats", trust_env=False).json()
    (queue,) = statistics.values()
    return round(queue["tasksAdded"] * 5)  # the emulator reports the average per minute


@pytest.mark.parametrize("change", [{"worker_queue": "unknown"}, {"cloud_tasks_emulator_host": "127.0.0.1:1"}])
async def test_a_missing_queue_is_refused(local_suite: Suite, change: dict[str, str]) -> None:
    """If the queue is unknown or the server cannot be reached, `enqueue` raises `QueueRefused`."""
    settings = Settings.from_environ(local_suite.env).model_copy(update=change)
    with pytest.raises(QueueRefused):
        await task_queue(settings).enqueue("unknown", {"ticket_id": "x"})
