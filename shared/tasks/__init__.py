"""The queue that brings accepted work to the worker function: at least once, in no order, with retries."""

from typing import Protocol

from shared.settings import Settings
from shared.trace import current_request


class QueueRefused(Exception):
    """The queue did not take the task, as far as can be known. It may have taken it all the same."""


def task_name(ticket_id: str, number: int) -> str:
    """The name of a ticket's task of this number.

    It begins with what is random: Cloud Tasks stores tasks by their names, and is slower where all begin alike.
    https://cloud.google.com/tasks/docs/creating-http-target-tasks
    """
    return f"{ticket_id}-{number}"


class TaskQueue(Protocol):
    """A named task is taken once: handing it in again changes nothing and is no error."""

    async def enqueue(self, name: str, payload: dict[str, str]) -> None:
        """Hands in `payload`, which should hold ids alone: it is kept by the queue, outside of Firestore's rules.

        `name`: letters, digits, hyphens, underscores; unique to the work. Does not wait for the work. The task carries
        the id and the trace of the current request. Raises `QueueRefused`.
        """
        ...


class InspectableQueue(TaskQueue, Protocol):
    """A queue that may know what became of a task."""

    async def has(self, name: str) -> bool | None:
        """Whether the queue still has the task, waiting or being worked on; None where it cannot say."""
        ...


def task_headers() -> dict[str, str]:
    """The headers of a task: what it is, and for whose request, so that the worker's lines are found with it."""
    request = current_request.get()
    return {"Content-Type": "application/json", **(request.headers if request else {})}


def task_queue(settings: Settings) -> InspectableQueue:
    """The queue of this deployment: the Emulator Suite's where that is running, else Cloud Tasks.

    Each is imported only when it is the one, since both cost start-up time.
    """
    if settings.cloud_tasks_emulator_host:
        from shared.tasks.emulator import EmulatorTaskQueue

        return EmulatorTaskQueue(settings)
    from shared.tasks.cloud import CloudTaskQueue

    return CloudTaskQueue(settings)
