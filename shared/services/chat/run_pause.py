"""Puts a run aside, and schedules its continuation. Until then, it has no worker, no turn and no task."""

from datetime import datetime

from shared.log import get_logger
from shared.models.question import Question
from shared.models.ticket import Ticket
from shared.tasks import QueueRefused, TaskQueue, task_name
from shared.trace import on_behalf_of

_log = get_logger("runs")


class RunSuspended(Exception):
    """The run was put aside. `wake_at`: when it continues, None if only an answer continues it. `questions`: see
    `Ticket`.
    """

    def __init__(self, wake_at: datetime | None, questions: list[Question]) -> None:
        super().__init__(wake_at)
        self.wake_at = wake_at
        self.questions = questions


async def enqueue_wake_up(queue: TaskQueue, ticket: Ticket, at: datetime | None) -> None:
    """Queues the task of a run that continues at this time, or now. If the queue refuses it, the sweep does so."""
    with on_behalf_of(ticket.request_id, ticket.traceparent):
        try:
            await queue.enqueue(task_name(ticket.id, ticket.tasks), {"ticket_id": ticket.id}, at)
        except QueueRefused as error:
            _log.error("The queue refused a run's wake-up: %s", error, extra={"fields": {"ticket": ticket.id}})
