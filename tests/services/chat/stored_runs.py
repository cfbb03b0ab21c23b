"""Stores runs and segments of their journals as workers do."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from shared import clock
from shared.models.agent_run import Step, StepKind, StepStatus
from shared.models.chat import ChatResult, RunInput, TicketStatus
from shared.models.journal import LogLine, Segment
from shared.models.question import Question
from shared.models.ticket import Ticket
from shared.store import Database, Transaction
from tests.database_data import store

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def add_run(database: Database, owner: str = "local-dev-user", **fields: Any) -> Ticket:
    """Stores a run that is being worked on, with an input."""
    now = clock.now()
    ticket = Ticket(
        id=str(uuid4()), owner=owner, provider="gofannon", model="greeter", created_at=now, updated_at=now
    ).lease_to("worker", now, 30)
    ticket = ticket.model_copy(update={"agent_id": "agent-1", **fields})
    await store(database, ticket, RunInput(input={"inputText": "Ada"}))
    return ticket


async def put_run(database: Database, ticket: Ticket, *segments: Segment) -> Ticket:
    """Changes the run, and adds segments in the same transaction."""

    async def write(transaction: Transaction) -> None:
        await database.tickets.get(ticket.id, transaction)
        database.tickets.put(ticket, transaction)
        database.journals.add_in(transaction, ticket.id, segments, NOW + timedelta(days=400))

    await database.transaction(write)
    return ticket


async def complete_run(database: Database, ticket: Ticket, *segments: Segment) -> Ticket:
    """Ends the run with a result."""
    result = ChatResult(content="Hello", thoughts={"outputText": "Hello"}, model="gofannon/greeter", cost=0.25)
    return await put_run(database, ticket.complete(result, clock.now()), *segments)


async def ask(database: Database, *questions: Question, **fields: Any) -> Ticket:
    """Stores a run that waits for answers."""
    ticket = await add_run(database, **fields)
    now = clock.now()
    waiting = ticket.suspend(now + timedelta(days=1), list(questions), now)
    assert waiting.status is TicketStatus.WAITING
    return await put_run(database, waiting)


def question(call: str = "1", schema: Any = None, **fields: Any) -> Question:
    """Returns a question."""
    encoded = None if schema is None else json.dumps(schema)
    return Question(call=call, text="Really?", answer_schema=encoded, asked_at=clock.now(), **fields)


def step(call: str, status: StepStatus = StepStatus.RUNNING, **fields: Any) -> Step:
    """Returns a step as it is stored, without a number."""
    return Step(n=0, call=call, kind=StepKind.HTTP, name="GET x", status=status, started_at=NOW, **fields)


def segment(n: int, *steps: Step, attempt: int = 1, logs: tuple[str, ...] = ()) -> Segment:
    """Returns a segment of a journal. Its lines are printed before its steps begin."""
    lines = [LogLine(at=NOW - timedelta(seconds=1), text=text) for text in logs]
    return Segment(n=n, attempt=attempt, text="{}\n", steps=list(steps), logs=lines)
