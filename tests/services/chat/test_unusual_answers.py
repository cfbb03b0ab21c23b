"""Chats with unusual answers, agents and timing, with the Firestore emulator."""

import asyncio
from typing import Any

import pytest
from google.api_core.exceptions import InternalServerError, ServiceUnavailable

from shared.llm.catalog import Catalog
from shared.llm.live import LiveCall
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.part import Delta, PartKind
from shared.services.chat.tickets import TicketService
from shared.settings import Settings
from tests.services.chat.dispatching import expire_lease, get_ticket
from tests.services.chat.speaking import Speaker
from tests.services.chat.test_cancelling import cancel, check_settled, submit
from tests.services.harness import Harness
from tests.services.publishing import publish


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


@pytest.mark.parametrize("pause", [0.0, 0.1])
async def test_many_long_tool_calls_do_not_prevent_the_end_of_a_chat(
    harness: Harness, caller: Caller, pause: float
) -> None:
    """Calls that together do not fit into one document are stored in several parts, or omitted. The chat is charged."""
    calls = [
        {"id": str(number), "type": "function", "function": {"name": "f", "arguments": "x" * 190_000}}
        for number in range(6)
    ]

    async def call_tools(_: Any, __: Any, ___: float, live: LiveCall) -> ChatResult:
        for call in calls:
            live.follow(Delta(PartKind.TOOL, tool_calls=[call]))
        await asyncio.sleep(pause)
        return ChatResult(content="", thoughts={"tool_calls": calls}, model="m", cost=0.5)

    ticket_id = await submit(harness, caller)
    await harness.deliver(ticket_id, call_tools)
    assert (await get_ticket(harness, ticket_id)).status is TicketStatus.COMPLETED
    await check_settled(harness, caller, 500_000)


async def test_the_result_of_an_agent_does_not_decide_whether_its_chat_was_cancelled(
    harness: Harness, caller: Caller
) -> None:
    """An agent may return any fields. Its chat is completed unless its owner has cancelled it."""
    code = "async def run(input_dict, tools):\n    return {'outputText': 'Hi', 'finish_reason': 'cancelled'}"
    await publish(harness.database, caller, "agent", code)
    body = {"messages": [{"role": "user", "content": "hi"}], "provider": GOFANNON, "model": "agent"}
    ticket_id = (await harness.chat.submit(caller, ChatRequest.model_validate(body))).ticket_id
    await harness.deliver(ticket_id)
    assert (await get_ticket(harness, ticket_id)).status is TicketStatus.COMPLETED


async def test_a_cancelled_chat_with_very_long_thoughts_ends_as_cancelled(harness: Harness, caller: Caller) -> None:
    """It keeps its status and the reason of its end even if the thoughts are too long to store."""
    waits, stopped = asyncio.Event(), asyncio.Event()

    async def think(_: Any, __: Any, ___: float, live: LiveCall) -> ChatResult:
        with live.stoppable(stopped.set):
            waits.set()
            await stopped.wait()
        thoughts = {"reasoning": "hm " * 400_000, "finish_reason": "cancelled"}
        return ChatResult(content="", thoughts=thoughts, model="m", cost=0.5)

    ticket_id = await submit(harness, caller)
    delivery = asyncio.create_task(harness.deliver(ticket_id, think))
    await waits.wait()
    ticket = await cancel(harness, caller, ticket_id)
    await delivery
    assert ticket.status is TicketStatus.CANCELLED
    assert ticket.result is not None
    assert ticket.result.thoughts["finish_reason"] == "cancelled"


async def test_a_chat_that_is_deleted_during_an_outage_is_charged_once(harness: Harness, caller: Caller) -> None:
    """The response to its last commit is lost in an outage, and its owner deletes it before the worker looks again."""
    ticket_id = await submit(harness, caller)
    speaker = Speaker(["Once upon ", "a time"], cost=0.5, free=0)
    delivery = asyncio.create_task(harness.deliver(ticket_id, speaker))
    await speaker.waits.wait()
    api = harness.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, read = api.commit, api.batch_get_documents

    async def delete_and_fail(*_: Any, **__: Any) -> Any:
        api.commit, api.batch_get_documents = commit, read
        await TicketService(harness.database).delete(caller, ticket_id)
        raise InternalServerError("gone")

    async def commit_and_lose(*args: Any, **kwargs: Any) -> Any:
        await commit(*args, **kwargs)
        if (await get_ticket(harness, ticket_id)).status.finished:
            api.commit, api.batch_get_documents = delete_and_fail, delete_and_fail
            raise ServiceUnavailable("lost")

    api.commit = commit_and_lose
    speaker.go_on.set()
    await asyncio.gather(delivery, return_exceptions=True)
    await check_settled(harness, caller, 500_000)


async def test_a_cancel_after_the_lease_expired_stops_a_model_that_still_runs(harness: Harness, caller: Caller) -> None:
    """The worker was only slow to renew. It closes the connection within seconds, and does not pay for the rest."""
    ticket_id = await submit(harness, caller)
    speaker = Speaker(["Once upon ", "a time"], cost=0.5, free=1)
    delivery = asyncio.create_task(harness.deliver(ticket_id, speaker))
    await speaker.waits.wait()
    await expire_lease(harness, ticket_id)
    await cancel(harness, caller, ticket_id)
    try:
        async with asyncio.timeout(5):
            await speaker.go_on.wait()
    finally:
        speaker.go_on.set()
        await asyncio.gather(delivery, return_exceptions=True)
    await check_settled(harness, caller, 250_000)
