"""Creates webhooks and runs, and works on the queue's deliveries, for tests."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from shared import clock
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResult
from shared.models.delivery import Delivery
from shared.models.errors import TooEarly
from shared.models.ticket import Ticket
from shared.models.webhook import CreatedWebhook, CreateWebhookRequest, StoredWebhook
from shared.outbound.network import Resolver, resolve
from shared.services.webhooks.delivery import DeliveryService
from shared.services.webhooks.outbox import Outbox
from shared.services.webhooks.sending import Sender
from shared.services.webhooks.webhooks import WebhookService
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import task_queue
from tests.doubles.cloud_tasks import CloudTasksServer

ALL_EVENTS = ["run.completed", "run.failed", "run.cancelled", "run.waiting"]
OWNER = Caller(uid="ada")


def make_run(owner: str = OWNER.uid, **fields: Any) -> Ticket:
    """Returns a run that is being worked on."""
    now = clock.now()
    run = Ticket(id=str(uuid4()), owner=owner, provider=GOFANNON, model="greeter", created_at=now, updated_at=now)
    return run.lease_to("w", now, 60).model_copy(update={"agent_id": "agent-1", **fields})


def make_result(value: Any) -> ChatResult:
    """Returns the result of a run that returned `value`."""
    return ChatResult(content="…", thoughts=value, model=f"{GOFANNON}/greeter")


class Hooks:
    """The services, the queue's double, and the address of the receiver."""

    def __init__(self, database: Database, settings: Settings, cloud_tasks: CloudTasksServer, address: str) -> None:
        self.database = database
        self.settings = settings
        self.cloud_tasks = cloud_tasks
        self.address = address
        self.webhooks = WebhookService(database, settings)
        self.resolver: Resolver = resolve
        self._worked: set[str] = set()

    async def create(self, caller: Caller = OWNER, **fields: Any) -> CreatedWebhook:
        """Registers a webhook at the receiver."""
        body = {"url": f"{self.address}/hook", "events": ALL_EVENTS, **fields}
        return await self.webhooks.create(caller, CreateWebhookRequest.model_validate(body))

    async def announce(self, *runs: Ticket) -> None:
        """Announces the runs' states, each in a transaction of its own."""
        outbox = Outbox(self.database, task_queue(self.settings))
        for run in runs:

            async def write(transaction: Transaction, run: Ticket = run) -> None:
                await outbox.announce(run, transaction)

            await self.database.transaction(write)
            await outbox.dispatch()

    async def complete_run(self, value: Any = "done") -> Ticket:
        """Announces that a run has completed."""
        run = make_run()
        run = run.complete(make_result(value), clock.now())
        await self.announce(run)
        return run

    def service(self, **settings: Any) -> DeliveryService:
        changed = self.settings.model_copy(update=settings)
        return DeliveryService(self.database, task_queue(changed), changed, Sender(changed, self.resolver))

    def queued(self) -> list[str]:
        """Returns the names of the deliveries' tasks in the queue, and drops those of runs."""
        tasks = self.cloud_tasks.tasks
        for name in [name for name, task in tasks.items() if b"delivery_id" not in task.http_request.body]:
            del tasks[name]
        return list(tasks)

    async def work(self, **settings: Any) -> list[str]:
        """Works on the tasks that are due, until there is none. Returns the ids of the deliveries.

        A task that is to be delivered again stays in the queue.
        """
        worked: list[str] = []
        while due := [name for name in self.cloud_tasks.tasks if self._is_due(name)]:
            for name in due:
                delivery_id = self._delivery_of(name)
                try:
                    await self.service(**settings).deliver(delivery_id)
                except TooEarly:
                    return worked
                self.cloud_tasks.done(name)
                self._worked.add(name)
                worked.append(delivery_id)
        return worked

    def _is_due(self, name: str) -> bool:
        at: Any = self.cloud_tasks.tasks[name].schedule_time
        return name not in self._worked and (at is None or at.timestamp() <= clock.time())

    def _delivery_of(self, name: str) -> str:
        return json.loads(self.cloud_tasks.tasks[name].http_request.body)["delivery_id"]

    async def deliveries(self) -> list[Delivery]:
        """Returns all deliveries, the oldest first."""
        found: list[Delivery] = []
        collection = self.database._client.collection("deliveries")  # pyright: ignore[reportPrivateUsage]
        for snapshot in await collection.get():
            delivery = await self.database.deliveries.get(snapshot.id)
            assert delivery is not None
            found.append(delivery)
        return sorted(found, key=lambda delivery: delivery.created_at)

    async def get(self, webhook_id: str) -> StoredWebhook:
        webhook = await self.database.webhooks.get(webhook_id)
        assert webhook is not None
        return webhook


def seconds(delivery: Delivery) -> float:
    """Returns the pause until the next attempt."""
    assert delivery.next_attempt_at is not None
    return (delivery.next_attempt_at - clock.now()) / timedelta(seconds=1)
