"""Starts runs, and delivers their tasks as the queue does, on a clock that tests move."""

import asyncio
from datetime import timedelta
from typing import Any

from shared import clock
from shared.models.agent_run import StartRunRequest
from shared.models.caller import Caller
from shared.models.ticket import Ticket
from shared.services.chat.run_submission import RunSubmission
from shared.store import Transaction
from tests.services.chat.dispatching import get_ticket
from tests.services.harness import Harness
from tests.services.publishing import save

OWNER = Caller(uid="owner")


class MovedClock:
    """A clock that goes on as usual, and that tests can move. It replaces `shared.clock.time`."""

    def __init__(self) -> None:
        self._time = clock.time
        self._moved = 0.0

    def __call__(self) -> float:
        return self._time() + self._moved

    def move(self, time: timedelta) -> None:
        self._moved += time.total_seconds()


async def start(harness: Harness, code: str, input_dict: dict[str, Any] | None = None, **fields: Any) -> str:
    """Saves an agent with this code, and starts a run of it. Returns the run's id."""
    agent = await save(harness.database, OWNER, code, **fields)
    return await start_again(harness, agent.id, input_dict)


async def start_again(harness: Harness, agent_id: str, input_dict: dict[str, Any] | None = None) -> str:
    submission = RunSubmission(harness.database, harness.queue, harness.settings)
    started, _ = await submission.start(OWNER, StartRunRequest(agent_id=agent_id, input=input_dict or {}), None)
    return started.run_id


async def work_on(harness: Harness, run_id: str) -> Ticket:
    """Delivers the run's task, and returns the run's ticket afterwards."""
    await harness.deliver(run_id)
    return await get_ticket(harness, run_id)


async def answer(harness: Harness, run_id: str, call: str, answer: str) -> None:
    """Answers a question, in JSON."""

    async def write(transaction: Transaction) -> None:
        ticket = await harness.database.tickets.get(run_id, transaction)
        assert ticket is not None
        harness.database.tickets.put(ticket.answer({call: answer}, clock.now()), transaction)

    await harness.database.transaction(write)


async def die(delivery: "asyncio.Task[Any]") -> None:
    """Ends a delivery as if its process had died: nothing more is written for it."""
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
