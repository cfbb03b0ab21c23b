"""The suite's task queue, as `shared.tasks` speaks to it."""

import httpx
import pytest

from local_platform.suite import Suite
from shared.settings import Settings
from shared.tasks import QueueRefused, TaskQueue, task_queue

pytestmark = pytest.mark.e2e


@pytest.fixture
async def queue(local_suite: Suite) -> TaskQueue:
    return task_queue(Settings.from_environ(local_suite.env))


async def test_a_task_handed_in_twice_is_taken_once(local_suite: Suite, queue: TaskQueue) -> None:
    """The second is no error, and is not dispatched."""
    before = added(local_suite)
    for _ in range(2):
        await queue.enqueue("nobody", {"ticket_id": "00000000-0000-4000-8000-000000000000"})
    assert added(local_suite) == before + 1


def added(suite: Suite) -> int:
    """How many tasks the queue has taken within five minutes."""
    statistics = httpx.get(f"http://{suite.env['CLOUD_TASKS_EMULATOR_HOST']}/queueStats", trust_env=False).json()
    (queue,) = statistics.values()
    return round(queue["tasksAdded"] * 5)  # it tells a minute's share


@pytest.mark.parametrize("change", [{"worker_queue": "nobody"}, {"cloud_tasks_emulator_host": "127.0.0.1:1"}])
async def test_a_queue_that_is_not_there_refuses(local_suite: Suite, change: dict[str, str]) -> None:
    """As `QueueRefused`, whatever the reason."""
    settings = Settings.from_environ(local_suite.env).model_copy(update=change)
    with pytest.raises(QueueRefused):
        await task_queue(settings).enqueue("nobody", {"ticket_id": "x"})
