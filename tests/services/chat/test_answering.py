"""Tickets are answered with the Firestore emulator and a scripted model server over HTTP."""

import asyncio
import contextlib
from typing import Any

import pytest
from google.api_core.exceptions import Aborted, DeadlineExceeded, ServiceUnavailable

from shared.llm.catalog import ModelRoute
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.errors import TooEarly
from tests.database_faults import lose_responses
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.services.chat.deliveries import Worker


async def test_a_delivery_ends_the_ticket_with_the_models_answer(worker: Worker) -> None:
    """The ticket is completed, and has a completion time and no lease."""
    ticket_id = await worker.create_ticket("hi")
    await worker.deliver(ticket_id)
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.status is TicketStatus.COMPLETED
    assert ticket.result is not None
    assert ticket.result.content == "You said: hi"
    assert (ticket.lease, ticket.error, ticket.attempts) == (None, None, 1)
    assert ticket.completed_at is not None
    assert ticket.completed_at >= ticket.created_at


async def test_a_task_delivered_again_changes_nothing(worker: Worker, model_server: ModelServer) -> None:
    """The second delivery neither calls the model nor changes the result."""
    ticket_id = await worker.create_ticket("hi")
    await worker.deliver(ticket_id)
    before = await worker.get_ticket(ticket_id)
    await worker.deliver(ticket_id)
    assert await worker.get_ticket(ticket_id) == before
    assert len(model_server.calls) == 1


async def test_ten_concurrent_deliveries_of_a_task_are_worked_on_once(worker: Worker) -> None:
    """One delivery calls the model; the others are rejected, so that the queue retries them."""
    calls: list[ChatRequest] = []
    may_end = asyncio.Event()

    async def wait_and_answer(
        route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        calls.append(request)
        await may_end.wait()
        return ChatResult(content="the one", model="m")

    ticket_id = await worker.create_ticket("hi")
    deliveries = [asyncio.create_task(worker.deliver(ticket_id, wait_and_answer)) for _ in range(10)]
    async with asyncio.timeout(60):
        while sum(delivery.done() for delivery in deliveries) < 9:  # noqa: ASYNC110 - any nine of ten
            await asyncio.sleep(0.02)
    may_end.set()
    outcomes = await asyncio.gather(*deliveries, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", *["TooEarly"] * 9]
    assert len(calls) == 1
    assert (await worker.get_ticket(ticket_id)).result is not None


async def test_a_transient_failure_makes_the_ticket_pending_again(worker: Worker, model_server: ModelServer) -> None:
    """After each 429, the ticket is pending again and its delivery is retried; the third delivery completes it."""
    model_server.script("hi", Fail(429, headers={"Retry-After": "3"}), Fail(429), Answer("finally"))
    ticket_id = await worker.create_ticket("hi")
    for wait in (3, None):
        with pytest.raises(TooEarly) as raised:
            await worker.deliver(ticket_id)
        assert raised.value.retry_after == wait
        between = await worker.get_ticket(ticket_id)
        assert (between.status, between.lease, between.error) == (TicketStatus.PENDING, None, None)
    await worker.deliver(ticket_id)
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.result is not None
    assert (ticket.result.content, ticket.attempts) == ("finally", 3)


async def test_the_last_attempt_ends_the_ticket(worker: Worker, model_server: ModelServer) -> None:
    """The ticket gets the last failure's error, and the delivery succeeds, so that the queue drops the task."""
    model_server.script("hi", *[Fail(500)] * 3)
    ticket_id = await worker.create_ticket("hi")
    for _ in range(2):
        with pytest.raises(TooEarly):
            await worker.deliver(ticket_id, chat_max_attempts=3)
    await worker.deliver(ticket_id, chat_max_attempts=3)
    ticket = await worker.get_ticket(ticket_id)
    assert (ticket.status, ticket.error) == (
        TicketStatus.FAILED,
        "OpenAI could not answer. Send the chat again later.",
    )


async def test_a_ticket_whose_last_attempt_died_is_ended(worker: Worker) -> None:
    """A delivery that finds all attempts used up ends the ticket."""
    ticket_id = await worker.create_ticket("hi", attempts=5)
    await worker.deliver(ticket_id)
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.status is TicketStatus.FAILED
    assert ticket.error == "The chat was not answered in 5 attempts. Send it again."


@pytest.mark.parametrize(
    "step", [Fail(401, "Bad key."), Fail(404, "No model."), Fail(400, "No.", "content_policy_violation")]
)
async def test_a_permanent_failure_ends_the_ticket_immediately(
    worker: Worker, model_server: ModelServer, step: Fail
) -> None:
    """The ticket fails with an error after one attempt, and the delivery succeeds."""
    model_server.script("hi", step)
    ticket_id = await worker.create_ticket("hi")
    await worker.deliver(ticket_id)
    ticket = await worker.get_ticket(ticket_id)
    assert (ticket.status, ticket.attempts, ticket.result) == (TicketStatus.FAILED, 1, None)
    assert ticket.error


async def test_a_model_that_was_removed_from_the_catalog_ends_the_ticket(worker: Worker) -> None:
    """A chat fails if its model is removed by a deployment between the request and the answer."""
    ticket_id = await worker.create_ticket("hi", model="gpt-gone")
    await worker.deliver(ticket_id)
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.status is TicketStatus.FAILED
    assert ticket.error is not None
    assert "gpt-gone" in ticket.error


async def test_a_call_to_a_hanging_model_times_out_and_is_retried(worker: Worker, model_server: ModelServer) -> None:
    """A timeout is a transient failure, so the next delivery calls the model again."""
    model_server.script("hi", Answer(delay=30), Answer("now"))
    ticket_id = await worker.create_ticket("hi")
    with pytest.raises(TooEarly):
        await worker.deliver(ticket_id, model_timeout_seconds=0.3)
    await worker.deliver(ticket_id)
    assert (await worker.get_ticket(ticket_id)).result is not None


async def test_an_internal_error_is_retried_and_finally_reported(worker: Worker) -> None:
    """Any exception releases the lease immediately, and the last attempt ends the ticket."""

    async def fail(route: ModelRoute, request: ChatRequest, timeout: float, live: object = None) -> ChatResult:
        raise KeyError("a bug")

    ticket_id = await worker.create_ticket("hi")
    with pytest.raises(TooEarly):
        await worker.deliver(ticket_id, fail, chat_max_attempts=2)
    assert (await worker.get_ticket(ticket_id)).status is TicketStatus.PENDING
    await worker.deliver(ticket_id, fail, chat_max_attempts=2)
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.status is TicketStatus.FAILED
    assert ticket.error == "Something went wrong on our side. Send the chat again later."


@pytest.mark.parametrize("error", [Aborted("lost"), DeadlineExceeded("lost"), ServiceUnavailable("lost")])
@pytest.mark.parametrize("lost", [(1,), (2,), (1, 2)])
async def test_a_commit_whose_response_is_lost_takes_effect_once(
    worker: Worker, model_server: ModelServer, lost: tuple[int, ...], error: Exception
) -> None:
    """If the commit of the lease or of the result seems to fail, the model is still called only once."""
    ticket_id = await worker.create_ticket("hi")
    lose_responses(worker.database, error, *lost)
    for _ in range(3):
        with contextlib.suppress(TooEarly):
            await worker.deliver(ticket_id)
    ticket = await worker.get_ticket(ticket_id)
    assert (ticket.status, ticket.attempts) == (TicketStatus.COMPLETED, 1)
    assert len(model_server.calls) == 1


async def test_the_worker_waits_for_the_end_of_an_outage(worker: Worker, model_server: ModelServer) -> None:
    """The worker stores the answer as soon as the database works again, and does not call the model a second time."""
    ticket_id = await worker.create_ticket("hi")
    api = worker.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, failures = api.commit, iter([False, True, True])

    async def commit_or_fail(*args: Any, **kwargs: Any) -> Any:
        if next(failures, False):
            raise ServiceUnavailable("temporarily down")
        return await commit(*args, **kwargs)

    api.commit = commit_or_fail
    await worker.deliver(ticket_id)
    assert (await worker.get_ticket(ticket_id)).status is TicketStatus.COMPLETED
    assert len(model_server.calls) == 1


async def test_a_task_for_an_unknown_ticket_succeeds(worker: Worker) -> None:
    """The delivery succeeds, because retrying would not make the ticket exist."""
    await worker.deliver("00000000-0000-4000-8000-000000000000")


async def test_thoughts_that_are_too_long_to_store_are_omitted(worker: Worker) -> None:
    """The answer is stored, and its thoughts report the omission."""

    async def answer_with_thoughts(
        route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        return ChatResult(content="the answer", thoughts={"reasoning": "x" * 1_100_000}, model="m")

    ticket_id = await worker.create_ticket("hi")
    await worker.deliver(ticket_id, answer_with_thoughts)
    result = (await worker.get_ticket(ticket_id)).result
    assert result is not None
    assert result.content == "the answer"
    assert set(result.thoughts) == {"omitted"}


async def test_an_answer_that_is_too_long_to_store_ends_the_ticket(worker: Worker) -> None:
    """The error states the limit."""

    async def answer_at_length(
        route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        return ChatResult(content="x" * 1_100_000, model="m")

    ticket_id = await worker.create_ticket("hi")
    await worker.deliver(ticket_id, answer_at_length)
    ticket = await worker.get_ticket(ticket_id)
    assert ticket.status is TicketStatus.FAILED
    assert ticket.error is not None
    assert "1000000" in ticket.error
