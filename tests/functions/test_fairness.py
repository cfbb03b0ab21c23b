"""One user cannot take everybody's turn: functions in processes of their own, and a queue that hands out so many tasks
at a time, in front of more sleeping agents of one user than there is room for.

What is held is counts and order, so that it holds on a slow machine.
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
SLEEPER = "async def run(input_dict, tools):\n    await asyncio.sleep(100)"
DISPATCHES, FLOOD, TURNS = 8, 30, 2
Start = Callable[[str], AbstractContextManager[Served]]

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def start(settings: Settings, environ: dict[str, str], cloud_tasks: CloudTasksServer) -> Start:
    """The manifest's two hundred dispatches, and what one user may have of them, scaled down to eight and two."""
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


def with_agent(name: str) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], "provider": GOFANNON, "model": name}
    return ChatRequest.model_validate(body)


async def ended(database: Database, ticket_id: str) -> Ticket:
    async with asyncio.timeout(90):
        while True:
            ticket = await database.tickets.get(ticket_id)
            assert ticket is not None
            if ticket.status.finished:
                return ticket
            await asyncio.sleep(0.05)


async def test_a_chat_is_answered_beside_a_flood_of_sleepers(
    start: Start, settings: Settings, catalog: Catalog, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """With a model and with an agent, after a delivery of each chat before it, and while the sleepers sleep.

    These have as many workers as one user may; the rest was put aside without an error that the queue could see, and
    without using up an attempt.
    """
    harness = Harness(settings, catalog)
    await publish(database, FLOODER, "sleeper", SLEEPER)
    await publish(database, OTHER, "echo", ECHO)
    flood = [(await harness.chat.submit(FLOODER, with_agent("sleeper"))).ticket_id for _ in range(FLOOD)]
    with start("worker") as worker:
        dispatcher = Dispatcher(cloud_tasks, worker.url, DISPATCHES)
        async with dispatcher.dispatching():
            theirs = [
                (await harness.chat.submit(OTHER, request)).ticket_id for request in (chat("hi"), with_agent("echo"))
            ]
            answered = [await ended(database, ticket_id) for ticket_id in theirs]
            slept = [await database.tickets.get(ticket_id) for ticket_id in flood]
    assert [ticket.status for ticket in answered] == [TicketStatus.COMPLETED] * 2
    assert [ticket.attempts for ticket in answered] == [1, 1]
    assert len(dispatcher.delivered) == FLOOD + 2
    assert dispatcher.refused == []
    waiting = [ticket for ticket in slept if ticket and ticket.parked]
    asleep = [ticket for ticket in slept if ticket and ticket.status is TicketStatus.PROCESSING]
    assert (len(asleep), len(waiting)) == (TURNS, FLOOD - TURNS)
    assert {ticket.attempts for ticket in waiting} == {0}
    assert len(cloud_tasks.tasks) == FLOOD + 2


async def test_a_published_agent_answers_beside_a_flood_of_another(start: Start, database: Database) -> None:
    """However many call the sleeping one; who is too many is told the limit."""
    await publish(database, FLOODER, "sleeper", SLEEPER)
    await publish(database, OTHER, "echo", ECHO)
    with start("deployments") as function:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=function.url, timeout=90, trust_env=False, limits=limits) as client:
            flood = [asyncio.create_task(client.post("/rest/sleeper", json={})) for _ in range(FLOOD)]
            refused, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
            answer = await client.post("/rest/echo", json={"inputText": "x"})
            assert (answer.status_code, answer.json()) == (200, {"outputText": "x"})
            told = refused.pop().result()
            assert told.status_code == 503
            assert "at most 2 of 8 slots" in told.json()["detail"]
            assert sum(not call.done() for call in flood) >= TURNS
            for call in flood:
                call.cancel()
            await asyncio.gather(*flood, return_exceptions=True)
