"""Queues deliveries that are overdue, as a part of the sweep: their task was lost, or the process that held them died.

The Emulator Suite's queue does not keep tasks for later, so there the sweep queues all but the first retries.
"""

from datetime import timedelta

from shared import clock
from shared.log import get_logger
from shared.store import Database
from shared.tasks import QueueRefused, TaskQueue, delivery_task_name

_log = get_logger("sweep")
_OVERDUE = timedelta(seconds=60)
"""The time that a delivery's own task has before the sweep adds another one."""
_SECONDS_BETWEEN_TASKS = 600
"""How often the sweep adds a task for the same delivery. More tasks do not help a slow queue."""


async def queue_overdue_deliveries(database: Database, queue: TaskQueue, max_deliveries: int) -> list[str]:
    """Queues up to `max_deliveries`, the most overdue first. Returns the outcome of each: "notified" or "left".

    One read for each. Concurrent sweeps create tasks with the same names, of which the queue accepts only one.
    """
    now = clock.now()
    async with database.raising_unavailable():
        overdue = await database.deliveries.list_due(now - _OVERDUE, max_deliveries)
    outcomes: list[str] = []
    for delivery in overdue:
        name = delivery_task_name(delivery.id, f"sweep-{int(now.timestamp()) // _SECONDS_BETWEEN_TASKS}")
        try:
            await queue.enqueue(name, {"delivery_id": delivery.id})
        except QueueRefused as error:
            _log.error("The queue refused a delivery: %s", error, extra={"fields": {"delivery": delivery.id}})
            outcomes.append("left")
        else:
            outcomes.append("notified")
    return outcomes
