"""The outbox: what happens to a run and the notifications of it are written in the same transaction.

So a notification exists exactly if its event has happened. After the commit, the notifications are queued (`dispatch`).
If the process dies before that, the sweep queues them (`overdue`).
"""

import asyncio
from functools import partial
from uuid import uuid4

from shared.log import get_logger
from shared.models.catalog import GOFANNON
from shared.models.delivery import Delivery
from shared.models.ticket import Ticket
from shared.models.webhook import StoredWebhook, WebhookEvent
from shared.services.webhooks.messages import event_of, write_message
from shared.store import Database, Transaction
from shared.tasks import QueueRefused, TaskQueue, delivery_task_name

_log = get_logger("webhooks")


class Outbox:
    """Announces what happens to runs to the webhooks of their owners."""

    def __init__(self, database: Database, queue: TaskQueue) -> None:
        self._database = database
        self._queue = queue
        self._committed: list[Delivery] = []

    async def announce(self, run: Ticket, transaction: Transaction) -> None:
        """Writes a notification for each webhook that is to know of the run's new state, in which `run` is.

        Does nothing for a chat with a model, and for a state that no webhook is notified of. After the commit, the
        caller must call `dispatch`. One query, with a read for each of the owner's webhooks, at least one; one write
        for each notification.
        """
        event = event_of(run) if run.provider == GOFANNON else None
        if event is None:
            return
        webhooks = await self._database.webhooks.list_of(run.owner)
        body = ""
        for webhook in webhooks:
            if not _is_notified(webhook, event, run):
                continue
            body = body or write_message(event, run)
            delivery = _address(webhook, event, run, body)
            self._database.deliveries.add(delivery, transaction)
            transaction.on_commit(partial(self._committed.append, delivery))

    async def dispatch(self) -> None:
        """Queues the notifications that have been committed. One that the queue refuses is left to the sweep."""
        committed = [*self._committed]
        self._committed.clear()
        await asyncio.gather(*map(self._enqueue, committed))

    async def _enqueue(self, delivery: Delivery) -> None:
        try:
            await self._queue.enqueue(delivery_task_name(delivery.id, "0"), {"delivery_id": delivery.id})
        except QueueRefused as error:
            _log.error("The queue refused a delivery: %s", error, extra={"fields": {"delivery": delivery.id}})


def _is_notified(webhook: StoredWebhook, event: WebhookEvent, run: Ticket) -> bool:
    return webhook.enabled and (event in webhook.events or webhook.id == run.webhook)


def _address(webhook: StoredWebhook, event: WebhookEvent, run: Ticket, body: str) -> Delivery:
    return Delivery(
        id=f"msg_{uuid4().hex}",
        webhook_id=webhook.id,
        owner=webhook.owner,
        run_id=run.id,
        event=event,
        body=body,
        created_at=run.updated_at,
        next_attempt_at=run.updated_at,
    )
