"""Delivers tasks to workers, and controls when their models answer, for tests of turns."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.ticket import Ticket
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.harness import Harness, chat


class HeldModels:
    """Models whose answers wait until the test releases them."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.running = 0
        self.peak = 0
        self._released: dict[str, asyncio.Event] = {}

    async def complete(self, route: Any, request: ChatRequest, timeout: float, live: object = None) -> ChatResult:
        prompt = str(request.messages[-1].content)
        self.prompts.append(prompt)
        self.running += 1
        self.peak = max(self.peak, self.running)
        await self._released.setdefault(prompt, asyncio.Event()).wait()
        self.running -= 1
        return ChatResult(content="ok", model="m")

    def release(self, prompt: str) -> None:
        self._released.setdefault(prompt, asyncio.Event()).set()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - several deliveries can make it true
                await asyncio.sleep(0.01)


class Dispatcher:
    """Delivers each task once, as the queue does."""

    def __init__(self, harness: Harness, tasks: CloudTasksServer, models: HeldModels) -> None:
        self.deliveries: dict[str, asyncio.Task[None]] = {}
        self._harness, self._tasks, self._models = harness, tasks, models

    def deliver_new(self) -> list[str]:
        """Starts delivering the tasks that have not been delivered yet, and returns their names."""
        new = [name for name in self._tasks.tasks if name not in self.deliveries]
        for name in new:
            ticket_id = name.split("/")[-1].rpartition("-")[0]
            self.deliveries[name] = asyncio.create_task(self._harness.deliver(ticket_id, self._models.complete))
        return new

    def cancel(self) -> None:
        for delivery in self.deliveries.values():
            delivery.cancel()

    @property
    def running(self) -> int:
        return sum(not delivery.done() for delivery in self.deliveries.values())


async def submit(harness: Harness, caller: Caller, *texts: str) -> list[str]:
    return [(await harness.chat.submit(caller, chat(text))).ticket_id for text in texts]


async def get_ticket(harness: Harness, ticket_id: str) -> Ticket:
    ticket = await harness.database.tickets.get(ticket_id)
    assert ticket is not None
    return ticket


async def expire_lease(harness: Harness, ticket_id: str) -> None:
    document = harness.database._client.collection("tickets").document(ticket_id)  # pyright: ignore[reportPrivateUsage]
    await document.update({"lease.expires_at": datetime.now(UTC) - timedelta(seconds=1)})
