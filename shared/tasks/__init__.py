"""The queue that delivers accepted work to the worker function at least once, in any order, with retries."""

from typing import Protocol

from shared.settings import Settings
from shared.trace import current_request


class QueueRefused(Exception):
    """The queue did not confirm that it accepted the task. It may still have accepted it."""


def task_name(ticket_id: str, number: int) -> str:
    """Returns the name of a ticket's task with this number.

    It begins with the random part, because Cloud Tasks is slower if many task names share a prefix.
    https://cloud.google.com/tasks/docs/creating-http-target-tasks
    """
    return f"{ticket_id}-{number}"


class TaskQueue(Protocol):
    """Accepts each named task once: enqueueing it again does nothing and is not an error."""

    async def enqueue(self, name: str, payload: dict[str, str]) -> None:
        """Enqueues `payload`. It should contain only ids, since Firestore's rules do not protect a queue's contents.

        `name` consists of letters, digits, hyphens and underscores, and is unique to the work. Does not wait for the
        work. The task carries the id and the trace of the current request. Raises `QueueRefused`.
        """
        ...


class InspectableQueue(TaskQueue, Protocol):
    """A queue that may know whether it still has a task."""

    async def has(self, name: str) -> bool | None:
        """Returns whether the queue still has the task, waiting or being worked on; None if it does not know."""
        ...


def task_headers() -> dict[str, str]:
    """Returns a task's headers: its content type, and the current request, which the worker's log lines then name."""
    request = current_request.get()
    return {"Content-Type": "application/json", **(request.headers if request else {})}


def task_queue(settings: Settings) -> InspectableQueue:
    """Returns the queue of this deployment: the Emulator Suite's if that is running, else Cloud Tasks.

    Only the one in use is imported, because both cost start-up time.
    """
    if settings.cloud_tasks_emulator_host:
        from shared.tasks.emulator import EmulatorTaskQueue

        return EmulatorTaskQueue(settings)
    from shared.tasks.cloud import CloudTaskQueue

    return CloudTaskQueue(settings)
