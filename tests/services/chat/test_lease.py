"""A ticket's lease belongs to one worker at a time, and is lost if it is not renewed."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.llm.catalog import ModelRoute
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.errors import TooEarly
from tests.doubles.model_server import Answer, ModelServer
from tests.services.chat.deliveries import Worker
from tests.services.harness import create_answering_service


async def test_another_worker_takes_over_from_a_dead_one(worker: Worker, model_server: ModelServer) -> None:
    """When a dead worker's lease has expired, the next delivery takes over, and the ticket has one result."""
    model_server.script("hi", Answer("too late", delay=60), Answer("in time", delay=0))
    ticket_id = await worker.create_ticket("hi")
    dying = asyncio.create_task(worker.deliver(ticket_id, lease_seconds=0.5))
    await model_server.called()
    dying.cancel()
    with pytest.raises(TooEarly):
        await worker.deliver(ticket_id)
    await asyncio.sleep(0.6)
    await worker.deliver(ticket_id)
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.result is not None
    assert (ticket.result.content, ticket.attempts) == ("in time", 2)


async def test_the_lease_is_renewed_during_a_slow_call(worker: Worker, model_server: ModelServer) -> None:
    """While the model works, no other worker can take the ticket."""
    model_server.script("hi", Answer("slow", delay=1.5))
    ticket_id = await worker.create_ticket("hi")
    working = asyncio.create_task(worker.deliver(ticket_id, lease_seconds=0.6))
    for _ in range(4):
        await asyncio.sleep(0.3)
        with pytest.raises(TooEarly):
            await worker.deliver(ticket_id)
    await working
    ticket = await worker.get_ticket(ticket_id)
    assert (ticket.status, ticket.attempts) == (TicketStatus.COMPLETED, 1)
    assert len(model_server.calls) == 1


async def test_a_worker_without_the_lease_writes_nothing(worker: Worker, model_server: ModelServer) -> None:
    """If a worker was frozen until after its lease expired, its answer is dropped in favor of the newer one."""
    thawed = asyncio.Event()

    async def answer_after_thaw(
        route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        await thawed.wait()
        return ChatResult(content="the old one", model="m")

    ticket_id = await worker.create_ticket("hi")
    service = create_answering_service(
        worker.database,
        worker.catalog,
        answer_after_thaw,
        worker.settings.model_copy(update={"lease_seconds": 0.2}),
    )
    service.holder.renew_until_cancelled = renew_nothing  # type: ignore[method-assign] # a frozen process renews nothing
    old = asyncio.create_task(service.answer(ticket_id))
    await asyncio.sleep(0.5)
    await worker.deliver(ticket_id)
    thawed.set()
    with pytest.raises(TooEarly):
        await old
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.result is not None
    assert ticket.result.content == "You said: hi"


async def renew_nothing(_ticket_id: str) -> None:
    await asyncio.Event().wait()


async def test_a_lost_lease_cancels_the_call(worker: Worker, model_server: ModelServer) -> None:
    """A worker notices at the next renewal that it has lost its lease, and stops waiting for its model."""
    model_server.script("hi", Answer("too late", delay=30))
    ticket_id = await worker.create_ticket("hi")
    first = asyncio.create_task(worker.deliver(ticket_id, lease_seconds=1.5))
    await model_server.called()
    await steal(worker, ticket_id)
    with pytest.raises(TooEarly):
        await asyncio.wait_for(first, timeout=5)
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.lease is not None
    assert (ticket.status, ticket.lease.holder) == (TicketStatus.PROCESSING, "thief")


async def steal(worker: Worker, ticket_id: str) -> None:
    async def lease(transaction: Any) -> None:
        ticket = await worker.database.tickets.get(ticket_id, transaction)
        assert ticket is not None
        worker.database.tickets.put(ticket.lease_to("thief", datetime.now(UTC), 60), transaction)

    await worker.database.transaction(lease)
