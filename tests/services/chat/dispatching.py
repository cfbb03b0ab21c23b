"""Delivers tasks to workers, for tests of turns."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult
from shared.models.ticket import Ticket
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.harness import Harness, chat


class Held:
    """Models that answer when the test releases them."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.at_once = 0
        self.most = 0
        self._go: dict[str, asyncio.Event] = {}

    async def complete(self, route: Any, request: ChatRequest, timeout: float) -> ChatResult:
        text = str(request.messages[-1].content)
        self.begun.append(text)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self._go.setdefault(text, asyncio.Event()).wait()
        self.at_once -= 1
        return ChatResult(content="ok", model="m")

    def answer(self, text: str) -> None:
        self._go.setdefault(text, asyncio.Event()).set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - several deliveries change it
                await asyncio.sleep(0.01)


class Dispatcher:
    """Delivers each task once, as the queue does: `deliver_new` those that it has not seen."""

    def __init__(self, harness: Harness, tasks: CloudTasksServer, held: Held) -> None:
        self.deliveries: dict[str, asyncio.Task[None]] = {}
        self._harness, self._tasks, self._held = harness, tasks, held

    def deliver_new(self) -> list[str]:
        new = [name for name in self._tasks.tasks if name not in self.deliveries]
        for name in new:
            ticket_id = name.split("/")[-1].rpartition("-")[0]
            self.deliveries[name] = asyncio.create_task(self._harness.deliver(ticket_id, self._held.complete))
        return new

    @property
    def running(self) -> int:
        return sum(not delivery.done() for delivery in self.deliveries.values())


async def submit(harness: Harness, caller: Caller, *texts: str) -> list[str]:
    return [(await harness.chat.submit(caller, chat(text))).ticket_id for text in texts]


async def look(harness: Harness, ticket_id: str) -> Ticket:
    ticket = await harness.database.tickets.get(ticket_id)
    assert ticket is not None
    return ticket


async def expire_lease(harness: Harness, ticket_id: str) -> None:
    document = harness.database._client.collection("tickets").document(ticket_id)  # pyright: ignore[reportPrivateUsage]
    await document.update({"lease.expires_at": datetime.now(UTC) - timedelta(seconds=1)})
