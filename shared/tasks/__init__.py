"""The queue that delivers accepted work to the worker function at least once, in any order, with retries."""

from datetime import datetime
from typing import Protocol

from shared.late_imports import import_late
from shared.settings import Settings
from shared.trace import current_request


class QueueRefused(Exception):
    """The queue did not confirm that it accepted the task. It may still have accepted it."""


def task_name(ticket_id: str, number: int) -> str:
    """Returns the name of a ticket's task with this number.

    The name begins with its random part, because Cloud Tasks is slower if many names share a prefix. See
    https://cloud.google.com/tasks/docs/creating-http-target-tasks.
    """
    return f"{ticket_id}-{number}"


def delivery_task_name(delivery_id: str, purpose: str) -> str:
    """Returns the name of a delivery's task. See `task_name`: the prefix that all deliveries' ids share is left out."""
    return f"{delivery_id.rpartition('_')[2]}-{purpose}"


class TaskQueue(Protocol):
    """Accepts a task of each name once. Enqueueing it again does nothing and is not an error."""

    async def enqueue(self, name: str, payload: dict[str, str], at: datetime | None = None) -> None:
        """Enqueues `payload`, which should contain only ids, since Firestore's rules do not protect a queue's contents.

        The task is delivered as soon as possible or, if `at` is given, not before then; that may be 30 days ahead. The
        Emulator Suite's queue knows no times: there, a task for a later time is dropped, and the sweep takes its place.
        `name` consists of letters, digits, hyphens and underscores, and is unique to the task. Does not wait until the
        task is done. The task carries the id and the trace of the current request. Raises `QueueRefused`.
        """
        ...


class InspectableQueue(TaskQueue, Protocol):
    """A queue that may be able to tell whether it still has a task."""

    async def has(self, name: str) -> bool | None:
        """Returns whether the queue still has the task, waiting or in progress; None if the queue cannot tell."""
        ...


def task_headers() -> dict[str, str]:
    """Returns a task's headers: its content type, and the current request's id and trace for the worker's log."""
    request = current_request.get()
    return {"Content-Type": "application/json", **(request.headers if request else {})}


def task_queue(settings: Settings) -> InspectableQueue:
    """Returns the queue of this deployment: the Emulator Suite's if that is running, otherwise Cloud Tasks."""
    return _LateQueue(settings)


class _LateQueue:
    """Imports the queue's library when the queue is first used, as most requests only look something up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def enqueue(self, name: str, payload: dict[str, str], at: datetime | None = None) -> None:
        """See `TaskQueue`."""
        await (await self._load()).enqueue(name, payload, at)

    async def has(self, name: str) -> bool | None:
        """See `InspectableQueue`."""
        return await (await self._load()).has(name)

    async def _load(self) -> InspectableQueue:
        queue: InspectableQueue
        if self._settings.cloud_tasks_emulator_host:
            queue = (await import_late("shared.tasks.emulator")).EmulatorTaskQueue(self._settings)
        else:
            queue = (await import_late("shared.tasks.cloud")).CloudTaskQueue(self._settings)
        return queue
