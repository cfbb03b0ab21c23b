"""The queue that delivers accepted work to the worker function: at least once, in any order, with retries."""

from typing import Protocol

from shared.settings import Settings
from shared.trace import current_request


class QueueRefused(Exception):
    """The queue did not accept the task, as far as we know. It may have accepted it all the same."""


def task_name(ticket_id: str, number: int) -> str:
    """The name of a ticket's task of this number.

    It begins with the random part: Cloud Tasks stores tasks by their names, and is slower if all begin alike.
    https://cloud.google.com/tasks/docs/creating-http-target-tasks
    """
    return f"{ticket_id}-{number}"


class TaskQueue(Protocol):
    """Accepts a named task once: enqueueing it again does nothing, and is not an error."""

    async def enqueue(self, name: str, payload: dict[str, str]) -> None:
        """Enqueues `payload`, which should contain ids only: the queue keeps it, outside of Firestore's rules.

        `name`: letters, digits, hyphens, underscores; unique to the work. Does not wait for the work. The task carries
        the id and the trace of the current request. Raises `QueueRefused`.
        """
        ...


class InspectableQueue(TaskQueue, Protocol):
    """A queue that may know whether it still has a task."""

    async def has(self, name: str) -> bool | None:
        """Whether the queue still has the task, waiting or being worked on; None if it does not know."""
        ...


def task_headers() -> dict[str, str]:
    """The headers of a task: its content type, and the current request, so that the worker's log lines name that."""
    request = current_request.get()
    return {"Content-Type": "application/json", **(request.headers if request else {})}


def task_queue(settings: Settings) -> InspectableQueue:
    """The queue of this deployment: the Emulator Suite's where that is running, else Cloud Tasks.

    Only the one in use is imported, as both cost start-up time.
    """
    if settings.cloud_tasks_emulator_host:
        from shared.tasks.emulator import EmulatorTaskQueue

        return EmulatorTaskQueue(settings)
    from shared.tasks.cloud import CloudTaskQueue

    return CloudTaskQueue(settings)
