"""Chat, the worker's side: real Firestore; the model is the scripted server, called over HTTP."""

import asyncio
import contextlib
from typing import Any

import pytest
from google.api_core.exceptions import Aborted, DeadlineExceeded, ServiceUnavailable

from shared.llm.catalog import Catalog, ModelRoute
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.errors import TooEarly
from shared.settings import Settings
from shared.store import Database
from tests.database_faults import lose_answers
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.services.chat.deliveries import Worker


@pytest.fixture
async def worker(database: Database, catalog: Catalog, settings: Settings) -> Worker:
    return Worker(database, catalog, settings)


async def test_a_delivery_ends_the_ticket_with_the_models_answer(worker: Worker) -> None:
    """Completed, with a time, without a lease."""
    ticket_id = await worker.ticket("hi")
    await worker.deliver(ticket_id)
    ticket = await worker.now(ticket_id)
    assert ticket.status is TicketStatus.COMPLETED
    assert ticket.result is not None
    assert ticket.result.content == "You said: hi"
    assert (ticket.lease, ticket.error, ticket.attempts) == (None, None, 1)
    assert ticket.completed_at is not None
    assert ticket.completed_at >= ticket.created_at


async def test_a_task_delivered_again_changes_nothing(worker: Worker, model_server: ModelServer) -> None:
    """The model is not called a second time, and the result stays."""
    ticket_id = await worker.ticket("hi")
    await worker.deliver(ticket_id)
    before = await worker.now(ticket_id)
    await worker.deliver(ticket_id)
    assert await worker.now(ticket_id) == before
    assert len(model_server.calls) == 1


async def test_a_task_delivered_ten_times_at_once_is_worked_on_once(worker: Worker) -> None:
    """One delivery calls the model; the others are to come again."""
    calls: list[ChatRequest] = []
    may_end = asyncio.Event()

    async def gated(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        calls.append(request)
        await may_end.wait()
        return ChatResult(content="the one", model="m")

    ticket_id = await worker.ticket("hi")
    deliveries = [asyncio.create_task(worker.deliver(ticket_id, gated)) for _ in range(10)]
    async with asyncio.timeout(60):
        while sum(delivery.done() for delivery in deliveries) < 9:  # noqa: ASYNC110 - whichever they are
            await asyncio.sleep(0.02)
    may_end.set()
    outcomes = await asyncio.gather(*deliveries, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", *["TooEarly"] * 9]
    assert len(calls) == 1
    assert (await worker.now(ticket_id)).result is not None


async def test_a_transient_failure_gives_the_ticket_back(worker: Worker, model_server: ModelServer) -> None:
    """429 twice, then an answer: two deliveries that have to come again, and a third that completes."""
    model_server.script("hi", Fail(429, headers={"Retry-After": "3"}), Fail(429), Answer("at last"))
    ticket_id = await worker.ticket("hi")
    for wait in (3, None):
        with pytest.raises(TooEarly) as again:
            await worker.deliver(ticket_id)
        assert again.value.retry_after == wait
        between = await worker.now(ticket_id)
        assert (between.status, between.lease, between.error) == (TicketStatus.PENDING, None, None)
    await worker.deliver(ticket_id)
    ticket = await worker.now(ticket_id)
    assert ticket.result is not None
    assert (ticket.result.content, ticket.attempts) == ("at last", 3)


async def test_the_last_attempt_ends_the_ticket(worker: Worker, model_server: ModelServer) -> None:
    """The user gets the last failure, and the queue learns that the task is done."""
    model_server.script("hi", *[Fail(500)] * 3)
    ticket_id = await worker.ticket("hi")
    for _ in range(2):
        with pytest.raises(TooEarly):
            await worker.deliver(ticket_id, chat_max_attempts=3)
    await worker.deliver(ticket_id, chat_max_attempts=3)
    ticket = await worker.now(ticket_id)
    assert (ticket.status, ticket.error) == (
        TicketStatus.FAILED,
        "OpenAI could not answer. Send the chat again later.",
    )


async def test_a_worker_that_dies_on_the_last_attempt_leaves_nothing_processing(worker: Worker) -> None:
    """The next delivery finds the attempts used up, and ends the ticket."""
    ticket_id = await worker.ticket("hi", attempts=5)
    await worker.deliver(ticket_id)
    ticket = await worker.now(ticket_id)
    assert ticket.status is TicketStatus.FAILED
    assert ticket.error == "The chat was not answered in 5 attempts. Send it again."


@pytest.mark.parametrize(
    "step", [Fail(401, "Bad key."), Fail(404, "No model."), Fail(400, "No.", "content_policy_violation")]
)
async def test_a_permanent_failure_ends_the_ticket_at_once(
    worker: Worker, model_server: ModelServer, step: Fail
) -> None:
    """One attempt, a sentence, and the task is done."""
    model_server.script("hi", step)
    ticket_id = await worker.ticket("hi")
    await worker.deliver(ticket_id)
    ticket = await worker.now(ticket_id)
    assert (ticket.status, ticket.attempts, ticket.result) == (TicketStatus.FAILED, 1, None)
    assert ticket.error


async def test_a_model_that_left_the_catalog_ends_the_ticket(worker: Worker) -> None:
    """Accepted by one deployment, answered by the next, which no longer has the model."""
    ticket_id = await worker.ticket("hi", model="gpt-gone")
    await worker.deliver(ticket_id)
    ticket = await worker.now(ticket_id)
    assert ticket.status is TicketStatus.FAILED
    assert ticket.error is not None
    assert "gpt-gone" in ticket.error


async def test_a_hanging_model_is_given_up_and_tried_again(worker: Worker, model_server: ModelServer) -> None:
    """A time-out is a transient failure."""
    model_server.script("hi", Answer(delay=30), Answer("now"))
    ticket_id = await worker.ticket("hi")
    with pytest.raises(TooEarly):
        await worker.deliver(ticket_id, model_timeout_seconds=0.3)
    await worker.deliver(ticket_id)
    assert (await worker.now(ticket_id)).result is not None


async def test_a_fault_of_our_own_is_tried_again_and_finally_reported(worker: Worker) -> None:
    """Whatever a call raises, the lease is given back at once, and the last attempt ends the ticket."""

    async def broken(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        raise KeyError("a bug")

    ticket_id = await worker.ticket("hi")
    with pytest.raises(TooEarly):
        await worker.deliver(ticket_id, broken, chat_max_attempts=2)
    assert (await worker.now(ticket_id)).status is TicketStatus.PENDING
    await worker.deliver(ticket_id, broken, chat_max_attempts=2)
    ended = await worker.now(ticket_id)
    assert ended.status is TicketStatus.FAILED
    assert ended.error == "Something went wrong on our side. Send the chat again later."


@pytest.mark.parametrize("error", [Aborted("lost"), DeadlineExceeded("lost"), ServiceUnavailable("lost")])
@pytest.mark.parametrize("lost", [(1,), (2,), (1, 2)])
async def test_a_commit_whose_answer_is_lost_does_its_work_once(
    worker: Worker, model_server: ModelServer, lost: tuple[int, ...], error: Exception
) -> None:
    """Of the lease or the result: deliveries follow until the ticket is finished, and the model is called once."""
    ticket_id = await worker.ticket("hi")
    lose_answers(worker.database, error, *lost)
    for _ in range(3):
        with contextlib.suppress(TooEarly):
            await worker.deliver(ticket_id)
    ticket = await worker.now(ticket_id)
    assert (ticket.status, ticket.attempts) == (TicketStatus.COMPLETED, 1)
    assert len(model_server.calls) == 1


async def test_an_outage_at_the_end_is_waited_out(worker: Worker, model_server: ModelServer) -> None:
    """The answer is paid for: it is written when the database is back, and the model is not called again."""
    ticket_id = await worker.ticket("hi")
    api = worker.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, failures = api.commit, iter([False, True, True])

    async def failing(*args: Any, **kwargs: Any) -> Any:
        if next(failures, False):
            raise ServiceUnavailable("for a while")
        return await commit(*args, **kwargs)

    api.commit = failing
    await worker.deliver(ticket_id)
    assert (await worker.now(ticket_id)).status is TicketStatus.COMPLETED
    assert len(model_server.calls) == 1


async def test_a_task_for_an_unknown_ticket_is_done(worker: Worker) -> None:
    """Trying again would not make it exist."""
    await worker.deliver("00000000-0000-4000-8000-000000000000")


async def test_thoughts_too_long_to_keep_are_left_out(worker: Worker) -> None:
    """The answer is kept, and says that something is missing."""

    async def thoughtful(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        return ChatResult(content="the answer", thoughts={"reasoning": "x" * 1_100_000}, model="m")

    ticket_id = await worker.ticket("hi")
    await worker.deliver(ticket_id, thoughtful)
    result = (await worker.now(ticket_id)).result
    assert result is not None
    assert result.content == "the answer"
    assert set(result.thoughts) == {"omitted"}


async def test_an_answer_too_long_to_keep_ends_the_ticket(worker: Worker) -> None:
    """With its size and the limit."""

    async def endless(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
        return ChatResult(content="x" * 1_100_000, model="m")

    ticket_id = await worker.ticket("hi")
    await worker.deliver(ticket_id, endless)
    ticket = await worker.now(ticket_id)
    assert ticket.status is TicketStatus.FAILED
    assert ticket.error is not None
    assert "1000000" in ticket.error
