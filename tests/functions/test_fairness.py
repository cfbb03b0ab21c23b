"""Tests that one user cannot block the others, even with more sleeping agents than the functions can run at a time.

The tests check counts and order, not durations, so they also pass on a slow machine.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from bench.served import ROOT, Served, serve
from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest, TicketStatus
from shared.models.ticket import Ticket
from shared.settings import Settings
from shared.store import Database
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.dispatcher import Dispatcher
from tests.services.harness import Harness, chat
from tests.services.publishing import ECHO, publish

FLOODER, OTHER = Caller(uid="flooder"), Caller(uid="other")
SLEEPER = "async def run(input_dict, tools):\n    for _ in range(30):\n        await asyncio.sleep(4)"
"""It occupies its worker, as it is not put aside for so short a time."""
DISPATCHES, FLOOD, TURNS = 8, 30, 2
Start = Callable[[str], AbstractContextManager[Served]]

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def start(settings: Settings, environ: dict[str, str], cloud_tasks: CloudTasksServer) -> Start:
    """Returns a function that starts a Cloud Function. The manifest's 200 dispatches are scaled down to eight, and the
    share of one user to two."""
    variables = {
        **environ,
        "GOOGLE_CLOUD_PROJECT": settings.google_cloud_project,
        "FIRESTORE_EMULATOR_HOST": os.environ["FIRESTORE_EMULATOR_HOST"],
        "CLOUD_TASKS_ENDPOINT": cloud_tasks.endpoint,
        "AGENT_CHATS_AT_ONCE": str(TURNS),
        "MODEL_CHATS_AT_ONCE": str(TURNS),
        "RUNS_AT_ONCE": "8",
    }
    return lambda name: serve(name, ROOT / "functions" / name / "main.py", variables)


def chat_with_agent(name: str) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], "provider": GOFANNON, "model": name}
    return ChatRequest.model_validate(body)


async def wait_until_finished(database: Database, ticket_id: str) -> Ticket:
    async with asyncio.timeout(90):
        while True:
            ticket = await database.tickets.get(ticket_id)
            assert ticket is not None
            if ticket.status.finished:
                return ticket
            await asyncio.sleep(0.05)


async def test_a_chat_is_answered_during_a_flood_of_sleepers(
    start: Start, settings: Settings, catalog: Catalog, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """Another user's chats are other_tickets while the sleeping agents run, after each earlier chat was delivered once.

    The sleeping agents occupy as many workers as one user may have. The other chats of the flood are parked, without an
    error in the queue and without using up an attempt.
    """
    harness = Harness(settings, catalog)
    await publish(database, FLOODER, "sleeper", SLEEPER)
    await publish(database, OTHER, "echo", ECHO)
    flood = [(await harness.chat.submit(FLOODER, chat_with_agent("sleeper"))).ticket_id for _ in range(FLOOD)]
    with start("worker") as worker:
        dispatcher = Dispatcher(cloud_tasks, [worker.url], DISPATCHES)
        async with dispatcher.dispatching():
            other_ids = [
                (await harness.chat.submit(OTHER, request)).ticket_id
                for request in (chat("hi"), chat_with_agent("echo"))
            ]
            other_tickets = [await wait_until_finished(database, ticket_id) for ticket_id in other_ids]
            flood_tickets = [await database.tickets.get(ticket_id) for ticket_id in flood]
    assert [ticket.status for ticket in other_tickets] == [TicketStatus.COMPLETED] * 2
    assert [ticket.attempts for ticket in other_tickets] == [1, 1]
    assert len(dispatcher.delivered) == FLOOD + 2
    assert dispatcher.refused == []
    parked = [ticket for ticket in flood_tickets if ticket and ticket.parked]
    processing = [ticket for ticket in flood_tickets if ticket and ticket.status is TicketStatus.PROCESSING]
    assert (len(processing), len(parked)) == (TURNS, FLOOD - TURNS)
    assert {ticket.attempts for ticket in parked} == {0}
    assert len(cloud_tasks.tasks) == FLOOD + 2


async def test_a_published_agent_can_be_called_during_a_flood_of_other_calls(start: Start, database: Database) -> None:
    """While calls of a sleeping agent use up its share, another agent still responds. Excess calls are refused, and the
    error names the limit."""
    await publish(database, FLOODER, "sleeper", SLEEPER)
    await publish(database, OTHER, "echo", ECHO)
    with start("deployments") as function:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=function.url, timeout=90, trust_env=False, limits=limits) as client:
            flood = [asyncio.create_task(client.post("/rest/sleeper", json={})) for _ in range(FLOOD)]
            refused, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
            response = await client.post("/rest/echo", json={"inputText": "x"})
            assert (response.status_code, response.json()) == (200, {"outputText": "x"})
            rejection = refused.pop().result()
            assert rejection.status_code == 503
            assert "at most 2 of 8 slots" in rejection.json()["detail"]
            assert sum(not call.done() for call in flood) >= TURNS
            for call in flood:
                call.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
