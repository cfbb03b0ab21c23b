"""Delivers notifications to webhooks: at least once, for at most a day, and in the order of a run's events if possible.

A delivery holds its document while it is sent, so that two tasks do not send it at the same time. If the process dies
then, nobody knows whether the receiver has it, and it is sent again.
"""

import math
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from shared import clock
from shared.log import get_logger
from shared.models.delivery import MAX_EARLY, Delivery, DeliveryStatus
from shared.models.errors import TooEarly, TooManyRequests
from shared.models.webhook import StoredWebhook
from shared.services.outages import wait_out_outages
from shared.services.request_shares import share
from shared.services.webhooks.sending import GONE, Outcome, Sender
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import QueueRefused, TaskQueue, delivery_task_name

_log = get_logger("webhooks")
FAILING_DAYS = timedelta(days=5)
_MAX_AT_ONCE = 5
"""How many notifications of one user a process sends at a time: a slow receiver must not occupy the worker."""
_MAX_SHORTENED = 0.1
_RECORDING_SECONDS = 30
_MAX_PAUSE_SECONDS = 5


@dataclass(frozen=True)
class _Claim:
    """An attempt that may begin: the delivery, which it holds, and its webhook."""

    delivery: Delivery
    webhook: StoredWebhook


@dataclass(frozen=True)
class DeliveryService:
    """Delivers notifications, as tasks."""

    database: Database
    queue: TaskQueue
    settings: Settings
    sender: Sender
    _random: random.Random = field(default_factory=random.SystemRandom)

    async def deliver(self, delivery_id: str) -> None:
        """Attempts a delivery if it is due, records the outcome, and queues what follows from it.

        Does nothing if it has ended, if it is not due, or if another task attempts it now. Two transactions. Raises
        `TooEarly` if the task should be delivered again, and `Unavailable`.
        """
        async with self.database.raising_unavailable():
            seen = await self.database.deliveries.get(delivery_id)
        if seen is None or not seen.is_pending:
            return
        self._refuse_early(seen)
        try:
            with share(self.database.project, "webhooks", seen.owner, _MAX_AT_ONCE):
                await self._attempt(delivery_id)
        except TooManyRequests as error:
            raise TooEarly("The receivers of this user are slow.", retry_after=error.retry_after) from error

    def _refuse_early(self, delivery: Delivery) -> None:
        """Raises `TooEarly` if the delivery is due within seconds."""
        early = delivery.seconds_early(clock.now())
        if not delivery.holder and 0 < early <= MAX_EARLY.total_seconds():
            raise TooEarly("The delivery is not due yet.", retry_after=math.ceil(early))

    async def _attempt(self, delivery_id: str) -> None:
        after = await self.database.transaction(lambda transaction: self._claim(delivery_id, transaction))
        if isinstance(after, _Claim):
            outcome = await self.sender.send(after.delivery, after.webhook, clock.now())
            _log_attempt(after.delivery, outcome)
            claim = after
            after = await wait_out_outages(lambda: self._record(claim, outcome), _RECORDING_SECONDS, _MAX_PAUSE_SECONDS)
        if after is None:
            return
        if after.next_attempt_at is not None:
            number = f"{after.attempts}-{int(after.next_attempt_at.timestamp())}"
            await self._enqueue(after, number, after.next_attempt_at)
        else:
            await self._queue_next(after)

    async def _claim(self, delivery_id: str, transaction: Transaction) -> _Claim | Delivery | None:
        """Returns the attempt to make, the delivery as it was changed instead, or None if there is nothing to do."""
        delivery = await self.database.deliveries.get(delivery_id, transaction)
        now = clock.now()
        if delivery is None or not delivery.is_pending or delivery.is_held(now) or delivery.seconds_early(now):
            return None
        webhook = await self.database.webhooks.get(delivery.webhook_id, transaction)
        account = await self.database.accounts.get(delivery.owner, transaction)
        if webhook is None or not webhook.enabled or (account is not None and account.disabled):
            return self._put(delivery.end(DeliveryStatus.DROPPED), transaction)
        if delivery.is_used_up:
            return self._put(delivery.end(DeliveryStatus.FAILED), transaction)
        if not delivery.may_overtake(now):
            first = await self.database.deliveries.find_first(delivery.webhook_id, delivery.run_id)
            if first is not None and first.id != delivery.id:
                return self._put(delivery.wait_for(first, now), transaction)
        held = delivery.hold(uuid4().hex, now)
        self.database.deliveries.put(held, transaction)
        return _Claim(held, webhook)

    async def _record(self, claim: _Claim, outcome: Outcome) -> Delivery | None:
        """Writes what became of the attempt, into the delivery and its webhook. None if another attempt has begun."""
        shortened = self._random.uniform(0, _MAX_SHORTENED)

        async def write(transaction: Transaction) -> Delivery | None:
            delivery = await self.database.deliveries.get(claim.delivery.id, transaction)
            webhook = await self.database.webhooks.get(claim.webhook.id, transaction)
            if delivery is None or delivery.holder != claim.delivery.holder:
                return None
            now = clock.now()
            if outcome.error is None:
                ended = delivery.end(DeliveryStatus.DELIVERED)
            elif outcome.status == GONE:
                ended = delivery.end(DeliveryStatus.FAILED)
            else:
                ended = delivery.retry(shortened, now)
            if webhook is not None and webhook.url == claim.webhook.url:
                changed = _judge(webhook, outcome, ended, now)
                if changed != webhook:
                    self.database.webhooks.put(changed, transaction)
            return self._put(ended, transaction)

        return await self.database.transaction(write)

    def _put(self, delivery: Delivery, transaction: Transaction) -> Delivery:
        self.database.deliveries.put(delivery, transaction)
        return delivery

    async def _queue_next(self, ended: Delivery) -> None:
        """Queues the delivery that has waited for this one. Without its task, it would be sent some time later."""
        async with self.database.raising_unavailable():
            following = await self.database.deliveries.find_first(ended.webhook_id, ended.run_id)
        if following is not None and following.waits_for == ended.id:
            await self._enqueue(following, f"after-{ended.id}", None)

    async def _enqueue(self, delivery: Delivery, purpose: str, at: datetime | None) -> None:
        """Queues a delivery. If the queue refuses it, the sweep will queue it."""
        try:
            await self.queue.enqueue(delivery_task_name(delivery.id, purpose), {"delivery_id": delivery.id}, at)
        except QueueRefused as error:
            _log.error("The queue refused a delivery: %s", error, extra={"fields": {"delivery": delivery.id}})


def _judge(webhook: StoredWebhook, outcome: Outcome, delivery: Delivery, now: datetime) -> StoredWebhook:
    """Returns the webhook after an attempt: it is disabled when its receiver is gone, or has failed for days.

    The second happens when a delivery is given up, so that a receiver that is seldom notified has had a day to recover.
    """
    if outcome.error is None:
        return webhook.record_success(outcome.status or 200)
    failing = webhook.record_failure(outcome.status, outcome.error, now)
    if outcome.status == GONE:
        return failing.disable(outcome.error)
    since = failing.failing_since
    if delivery.status is DeliveryStatus.FAILED and since is not None and now - since >= FAILING_DAYS:
        return failing.disable(f"No notification has succeeded for {FAILING_DAYS.days} days. {outcome.error}")
    return failing


def _log_attempt(delivery: Delivery, outcome: Outcome) -> None:
    """Logs the outcome without the URL, which may contain a password, and without the message."""
    fields = {
        "delivery": delivery.id,
        "webhook": delivery.webhook_id,
        "run": delivery.run_id,
        "event": delivery.event.value,
        "attempt": delivery.attempts,
        "status": outcome.status,
    }
    _log.info("A notification was %s", "delivered" if outcome.error is None else "refused", extra={"fields": fields})
