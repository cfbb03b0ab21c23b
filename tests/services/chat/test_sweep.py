"""The sweep queues, calls and ends tickets. The tests use the Firestore emulator and a scripted Cloud Tasks server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from shared.log import LABELS_FIELD, TRACE_FIELD
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.ticket import Ticket
from shared.services.chat.sweep import SweepResult, SweepService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_name, task_queue
from shared.trace import RequestContext, current_request, new_trace
from tests.conftest import Lines
from tests.database_data import store
from tests.doubles.cloud_tasks import CloudTasksServer

REQUEST = ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}], "provider": "p", "model": "m"})


def ticket(ticket_id: str, *, age: timedelta, **fields: Any) -> Ticket:
    created_at = datetime.now(UTC) - age
    plain = Ticket(id=ticket_id, owner="u", provider="p", model="m", created_at=created_at, updated_at=created_at)
    return plain.model_copy(update=fields)


@pytest.fixture
async def sweeper(database: Database, settings: Settings) -> SweepService:
    return SweepService(database, task_queue(settings), settings)


async def test_stale_tickets_are_queued_again(
    database: Database, sweeper: SweepService, cloud_tasks: CloudTasksServer
) -> None:
    """Old unfinished tickets are queued, fresh and finished ones are not. A second sweep finds their tasks waiting."""
    old, fresh = timedelta(minutes=10), timedelta(minutes=1)
    done = ChatResult(content="x", model="m")
    for stored in (
        ticket("pending", age=old),
        ticket("processing", age=old, status=TicketStatus.PROCESSING),
        ticket("fresh", age=fresh),
        ticket("done", age=old).complete(done, datetime.now(UTC) - old),
        ticket("failed", age=old).fail("No.", datetime.now(UTC) - old),
    ):
        await store(database, stored, REQUEST)
    assert await sweeper.sweep() == SweepResult(requeued=2)
    assert await sweeper.sweep() == SweepResult(waiting=2)
    assert names(cloud_tasks) == ["pending-2", "processing-2"]


def names(cloud_tasks: CloudTasksServer) -> list[str]:
    return sorted(name.split("/")[-1] for name in cloud_tasks.tasks)


async def test_a_ticket_whose_task_waits_is_not_queued_again(
    database: Database, sweeper: SweepService, cloud_tasks: CloudTasksServer
) -> None:
    """Sweeps create a new task only for a ticket whose task is gone."""
    for number in range(5):
        await store(database, ticket(f"t{number}", age=timedelta(minutes=10)), REQUEST)
    swept = [await sweeper.sweep() for _ in range(4)]
    assert swept == [SweepResult(requeued=5), *[SweepResult(waiting=5)] * 3]
    assert len(cloud_tasks.tasks) == 5
    cloud_tasks.done("t3-2")
    assert await sweeper.sweep() == SweepResult(requeued=1, waiting=4)
    assert names(cloud_tasks) == ["t0-2", "t1-2", "t2-2", "t3-2", "t3-3", "t4-2"]


async def test_a_ticket_is_queued_less_and_less_often_if_tasks_cannot_be_looked_up(
    database: Database, sweeper: SweepService, cloud_tasks: CloudTasksServer
) -> None:
    """The interval doubles each time, up to an hour."""
    cloud_tasks.can_look_up = False
    await store(database, ticket("t", age=timedelta(minutes=10)), REQUEST)
    outcomes: list[SweepResult] = []
    for minutes in (0, 9, 11, 19, 21, 39, 41, 59, 61, 61):
        document = database._client.collection("tickets").document("t")  # pyright: ignore[reportPrivateUsage]
        if minutes:
            await document.update({"enqueued_at": datetime.now(UTC) - timedelta(minutes=minutes)})
        outcomes.append(await sweeper.sweep())
    queued, waiting = SweepResult(requeued=1), SweepResult(waiting=1)
    assert outcomes == [queued, waiting, queued, waiting, queued, waiting, queued, waiting, queued, queued]
    assert names(cloud_tasks) == [f"t-{number}" for number in range(2, 8)]


async def test_the_next_sweep_continues_after_one_that_died(
    database: Database, sweeper: SweepService, cloud_tasks: CloudTasksServer, settings: Settings
) -> None:
    """If a sweep died before it recorded a task, the next one queues the same task name, which adds no second task."""
    await task_queue(settings).enqueue(task_name("t", 2), {"ticket_id": "t"})
    await store(database, ticket("t", age=timedelta(minutes=10)), REQUEST)
    assert await sweeper.sweep() == SweepResult(requeued=1)
    assert names(cloud_tasks) == ["t-2"]
    assert await sweeper.sweep() == SweepResult(waiting=1)


async def test_a_ticket_that_only_waits_is_not_ended(
    database: Database, sweeper: SweepService, cloud_tasks: CloudTasksServer
) -> None:
    """A ticket that never began is ended after a day; others are ended six hours after their first attempt."""
    hour = timedelta(hours=1)
    began = datetime.now(UTC) - 7 * hour
    await store(database, ticket("waits", age=20 * hour), REQUEST)
    await store(database, ticket("parked", age=20 * hour, parked="model"), REQUEST)
    await store(database, ticket("began late", age=20 * hour, attempts=1, first_taken_at=began + 2 * hour), REQUEST)
    await store(database, ticket("began", age=20 * hour, attempts=1, first_taken_at=began), REQUEST)
    parked_again = ticket("parked again", age=20 * hour, attempts=1, first_taken_at=began)
    await store(database, parked_again.park("model", parked_again.updated_at), REQUEST)
    assert await sweeper.sweep() == SweepResult(requeued=2, called=2, ended=1)
    ended = await database.tickets.get("began")
    assert ended is not None
    assert ended.status is TicketStatus.FAILED


async def test_the_error_of_a_tried_ticket_does_not_say_that_nothing_was_charged(
    database: Database, sweeper: SweepService
) -> None:
    """A failed attempt may have been charged, so the error does not claim the opposite."""
    age = timedelta(hours=25)
    began = datetime.now(UTC) - age
    await store(database, ticket("tried", age=age, parked="model", attempts=1, first_taken_at=began), REQUEST)
    assert (await sweeper.sweep()).ended == 1
    ended = await database.tickets.get("tried")
    assert ended is not None
    assert ended.error == "The chat was not answered in time. Send it again."


async def test_parked_tickets_do_not_prevent_others_from_being_swept(
    database: Database, settings: Settings, cloud_tasks: CloudTasksServer
) -> None:
    """A sweep calls as many parked tickets as there are free turns. Each remaining one costs one read and no task."""
    settings = settings.model_copy(update={"model_chats_at_once": 2})
    sweeper = SweepService(database, task_queue(settings), settings)
    for number in range(6):
        await store(database, ticket(f"p{number}", age=timedelta(minutes=30 - number), parked="model"), REQUEST)
    await store(database, ticket("other", age=timedelta(minutes=6), owner="other"), REQUEST)
    assert await sweeper.sweep(page=2, pages=1) == SweepResult(requeued=1, called=2, waiting=4)
    assert names(cloud_tasks) == ["other-2", "p0-2", "p1-2"]
    assert await sweeper.sweep(page=2, pages=1) == SweepResult(waiting=5)  # the called tickets are fresh


async def test_a_parked_ticket_that_waited_too_long_is_ended_with_the_reason(
    database: Database, sweeper: SweepService
) -> None:
    """A ticket that was parked for a day ends; its error names the user's other chats as the reason."""
    await store(database, ticket("parked", age=timedelta(hours=25), parked="agent"), REQUEST)
    assert await sweeper.sweep() == SweepResult(ended=1)
    ended = await database.tickets.get("parked")
    assert ended is not None
    assert ended.error is not None
    assert ended.error.startswith("Your other chats took so long")


async def test_tickets_that_are_too_old_are_ended(database: Database, sweeper: SweepService) -> None:
    """A ticket that is too old fails, and its error tells the user to send the chat again."""
    await store(database, ticket("old", age=timedelta(days=1)), REQUEST)
    assert await sweeper.sweep() == SweepResult(ended=1)
    ended = await database.tickets.get("old")
    assert ended is not None
    assert (ended.status, ended.error) == (TicketStatus.FAILED, "The chat was not answered in time. Send it again.")


async def test_a_rejected_ticket_is_left_for_the_next_sweep(
    database: Database, sweeper: SweepService, cloud_tasks: CloudTasksServer
) -> None:
    """If the queue rejects one ticket, the others are swept anyway."""
    for name in ("a", "b"):
        await store(database, ticket(name, age=timedelta(minutes=10)), REQUEST)
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    assert await sweeper.sweep() == SweepResult(requeued=1, left=1)


async def test_a_sweep_is_limited(database: Database, sweeper: SweepService) -> None:
    """A sweep handles a limited number of pages, and begins with those whose last change is the oldest."""
    for number in range(5):
        await store(database, ticket(f"t{number}", age=timedelta(minutes=10 + number)), REQUEST)
    assert await sweeper.sweep(page=2, pages=2) == SweepResult(requeued=4)
    assert await sweeper.sweep(page=2) == SweepResult(requeued=1, waiting=4)


async def test_a_ticket_that_cannot_be_swept_does_not_stop_the_others(
    database: Database, sweeper: SweepService
) -> None:
    """A ticket that cannot be ended or read is left unchanged, and the others are ended."""
    await store(database, ticket("good", age=timedelta(days=1)), REQUEST)
    await store(database, ticket("bad", age=timedelta(days=1), owner="broken", hold=5), REQUEST)
    broken = database._client.collection("users").document("broken")  # pyright: ignore[reportPrivateUsage]
    await broken.set({"allowance": "a lot"})
    unreadable = {"status": "pending", "updated_at": datetime.now(UTC) - timedelta(days=1)}
    await database._client.collection("tickets").document("unreadable").set(unreadable)  # pyright: ignore[reportPrivateUsage]
    assert await sweeper.sweep() == SweepResult(ended=1, left=1)


async def test_a_ticket_that_cannot_be_read_does_not_end_the_sweep(database: Database, sweeper: SweepService) -> None:
    """Tickets on later pages are swept even if a ticket on the first page cannot be read."""
    unreadable = {"status": "pending", "updated_at": datetime.now(UTC) - timedelta(days=1)}
    await database._client.collection("tickets").document("unreadable").set(unreadable)  # pyright: ignore[reportPrivateUsage]
    for number in range(3):
        await store(database, ticket(f"t{number}", age=timedelta(minutes=10 + number)), REQUEST)
    assert await sweeper.sweep(page=2) == SweepResult(requeued=3)


async def test_each_ticket_is_logged_with_the_request_that_submitted_it(
    database: Database, sweeper: SweepService, cloud_tasks: CloudTasksServer, lines: Lines
) -> None:
    """The log line and the new task contain the id and the trace of the request that submitted the ticket."""
    trace, sweep_context = new_trace(), RequestContext("sweep", new_trace(), "p", lambda: ("POST", "/"))
    chat_context = {"request_id": "chat", "traceparent": trace.traceparent}
    await store(database, ticket("untouched", age=timedelta(minutes=10), **chat_context), REQUEST)
    await store(database, ticket("old", age=timedelta(days=1)), REQUEST)
    token = current_request.set(sweep_context)
    try:
        await sweeper.sweep()
    finally:
        current_request.reset(token)
    logged = {line["ticket"]: line for line in lines() if "ticket" in line}
    assert (logged["untouched"]["outcome"], logged["untouched"]["severity"]) == ("requeued", "WARNING")
    assert logged["untouched"][LABELS_FIELD] == {"request_id": "chat"}
    assert logged["untouched"][TRACE_FIELD].endswith(trace.trace_id)
    assert logged["untouched"]["age_seconds"] >= 600
    assert (logged["old"]["outcome"], logged["old"]["severity"]) == ("ended", "ERROR")
    assert logged["old"][LABELS_FIELD] == {
        "request_id": "sweep"
    }  # a ticket that an older version stored has no request id
    (task,) = cloud_tasks.tasks.values()
    assert task.http_request.headers["X-Request-Id"] == "chat"
    assert task.http_request.headers["traceparent"] == trace.traceparent


async def test_a_ticket_that_is_left_is_logged(database: Database, sweeper: SweepService, lines: Lines) -> None:
    """The outcome and the reason are logged in separate lines."""
    await store(database, ticket("bad", age=timedelta(days=1), owner="broken", hold=5), REQUEST)
    await database._client.collection("users").document("broken").set({"allowance": "a lot"})  # pyright: ignore[reportPrivateUsage]
    await sweeper.sweep()
    logged = [line for line in lines() if line.get("outcome") == "left" or "stack_trace" in line]
    assert [line["severity"] for line in logged] == ["WARNING", "ERROR"]
