"""A chat's owner cancels it, at any moment of its life, with the Firestore emulator."""

import asyncio
from typing import Any

import pytest

from shared import clock
from shared.llm.catalog import Catalog
from shared.llm.failures import ModelFailure
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.errors import NotFound, TooEarly
from shared.models.ticket import Ticket
from shared.services.chat.cancelling import CancelService
from shared.services.chat.sweep import SweepService
from shared.services.chat.turns import TurnService
from shared.settings import Settings
from tests.services.chat.dispatching import expire_lease, get_ticket
from tests.services.chat.speaking import Speaker, join, list_parts
from tests.services.chat.watching import put
from tests.services.harness import Harness, chat
from tests.services.publishing import publish


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


async def cancel(harness: Harness, caller: Caller, ticket_id: str) -> Ticket:
    turns = TurnService(harness.database, lambda: harness.queue, harness.settings)
    return await CancelService(harness.database, turns, harness.settings).cancel(caller, ticket_id)


async def submit(harness: Harness, caller: Caller) -> str:
    return (await harness.chat.submit(caller, chat("hi"))).ticket_id


async def check_settled(harness: Harness, caller: Caller, *charges: int) -> None:
    """Nothing is held, no chat counts as unfinished, and exactly these amounts were charged."""
    account = await harness.account(caller.uid)
    assert (account.held, account.unfinished) == (0, 0)
    assert sorted(await harness.get_charges(caller.uid)) == sorted(charges)


async def test_a_chat_that_never_began_costs_nothing(harness: Harness, caller: Caller) -> None:
    """It ends at once without a result, and a delivery of its task later does nothing."""
    ticket_id = await submit(harness, caller)
    ticket = await cancel(harness, caller, ticket_id)
    assert (ticket.status, ticket.result, ticket.error) == (TicketStatus.CANCELLED, None, None)
    speaker = Speaker(["never"])
    await harness.deliver(ticket_id, speaker)
    assert speaker.calls == 0
    assert await get_ticket(harness, ticket_id) == ticket.model_copy(update={"hold": 0})
    await check_settled(harness, caller)


async def test_a_running_model_is_stopped_and_what_it_said_is_kept(harness: Harness, caller: Caller) -> None:
    """The ticket ends as cancelled with the beginning of the answer, and its owner is charged for what was used."""
    ticket_id = await submit(harness, caller)
    speaker = Speaker(["Once upon ", "a time"], cost=0.5, free=1)
    delivery = asyncio.create_task(harness.deliver(ticket_id, speaker))
    await speaker.waits.wait()
    ticket = await cancel(harness, caller, ticket_id)
    await delivery
    assert (ticket.status, ticket.error) == (TicketStatus.CANCELLED, None)
    assert ticket.result is not None
    assert (ticket.result.content, ticket.result.thoughts) == ("Once upon ", {"finish_reason": "cancelled"})
    assert join(await list_parts(harness.database, ticket_id)) == "Once upon "
    await check_settled(harness, caller, 250_000)


async def test_ten_cancels_at_once_are_one(harness: Harness, caller: Caller) -> None:
    """All get the same ended ticket, and its owner is charged once."""
    ticket_id = await submit(harness, caller)
    speaker = Speaker(["Once upon ", "a time"], cost=0.5, free=1)
    delivery = asyncio.create_task(harness.deliver(ticket_id, speaker))
    await speaker.waits.wait()
    tickets = await asyncio.gather(*(cancel(harness, caller, ticket_id) for _ in range(10)))
    await delivery
    assert {(ticket.status, ticket.completed_at) for ticket in tickets} == {
        (TicketStatus.CANCELLED, tickets[0].completed_at)
    }
    await check_settled(harness, caller, 250_000)


async def test_a_chat_that_has_ended_stays_as_it_is(harness: Harness, caller: Caller) -> None:
    """Cancelling a completed chat returns it, and changes nothing."""
    ticket_id = await submit(harness, caller)
    await harness.deliver(ticket_id, Speaker(["Done."], cost=0.5))
    before = await get_ticket(harness, ticket_id)
    assert before.status is TicketStatus.COMPLETED
    assert await cancel(harness, caller, ticket_id) == before == await get_ticket(harness, ticket_id)
    await check_settled(harness, caller, 500_000)


async def test_an_answer_that_is_complete_when_the_cancel_arrives_is_kept(harness: Harness, caller: Caller) -> None:
    """If the model finishes before it is stopped, the chat is completed and charged in full."""
    finished = asyncio.Event()

    class Finishes(Speaker):
        async def __call__(self, *args: Any) -> ChatResult:
            result = await super().__call__(*args)
            finished.set()
            await asyncio.sleep(0.2)
            return result

    ticket_id = await submit(harness, caller)
    delivery = asyncio.create_task(harness.deliver(ticket_id, Finishes(["Done."], cost=0.5)))
    await finished.wait()
    ticket = await cancel(harness, caller, ticket_id)
    await delivery
    assert ticket.status is TicketStatus.COMPLETED
    assert ticket.result is not None
    assert ticket.result.content == "Done."
    await check_settled(harness, caller, 500_000)


async def test_a_failed_attempt_is_not_repeated_after_a_cancel(harness: Harness, caller: Caller) -> None:
    """If the model fails while it is being stopped, the chat ends as cancelled, charged for the attempt."""
    speaker = Speaker(["Half ", "of it"], free=1)

    class Fails(Speaker):
        async def __call__(self, *args: Any) -> ChatResult:
            await speaker(*args)
            raise ModelFailure("The model broke off.", transient=True, cost=0.25)

    ticket_id = await submit(harness, caller)
    delivery = asyncio.create_task(harness.deliver(ticket_id, Fails([])))
    await speaker.waits.wait()
    ticket = await cancel(harness, caller, ticket_id)
    await delivery
    assert (ticket.status, ticket.result) == (TicketStatus.CANCELLED, None)
    await check_settled(harness, caller, 250_000)


async def test_a_chat_between_two_attempts_ends_at_once(harness: Harness, caller: Caller) -> None:
    """The first attempt remains charged; there is no other."""

    async def fail(*_: Any) -> ChatResult:
        raise ModelFailure("The model broke off.", transient=True, cost=0.25)

    ticket_id = await submit(harness, caller)
    with pytest.raises(TooEarly):
        await harness.deliver(ticket_id, fail)
    ticket = await cancel(harness, caller, ticket_id)
    assert ticket.status is TicketStatus.CANCELLED
    speaker = Speaker(["never"])
    await harness.deliver(ticket_id, speaker)
    assert speaker.calls == 0
    await check_settled(harness, caller, 250_000)


async def test_a_chat_that_is_given_back_after_the_cancel_ends_at_once(harness: Harness, caller: Caller) -> None:
    """If the worker releases the ticket for another attempt before it notices the cancel, there is no other attempt."""
    ticket_id = await submit(harness, caller)
    held = (await get_ticket(harness, ticket_id)).lease_to("worker", clock.now(), 60)
    await put(harness.database, held)
    cancelling = asyncio.create_task(cancel(harness, caller, ticket_id))
    while (requested := await get_ticket(harness, ticket_id)).cancel_requested_at is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await put(harness.database, requested.release(clock.now()))
    assert (await cancelling).status is TicketStatus.CANCELLED
    await check_settled(harness, caller)


async def test_a_chat_whose_worker_has_died_ends_when_its_lease_expires(
    harness: Harness, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the lease lasts, the cancel returns the unfinished chat. Then the next delivery ends it, without a call."""
    monkeypatch.setattr("shared.services.chat.cancelling._FIRST_LOOK_SECONDS", 0.001)
    ticket_id = await submit(harness, caller)
    speaker = Speaker(["Once upon ", "a time"], free=1)
    delivery = asyncio.create_task(harness.deliver(ticket_id, speaker))
    await speaker.waits.wait()
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
    ticket = await cancel(harness, caller, ticket_id)
    assert (ticket.status, ticket.cancel_requested_at is not None) == (TicketStatus.PROCESSING, True)
    with pytest.raises(TooEarly):
        await harness.deliver(ticket_id, speaker)
    await expire_lease(harness, ticket_id)
    await harness.deliver(ticket_id, speaker)
    assert (await get_ticket(harness, ticket_id)).status is TicketStatus.CANCELLED
    assert speaker.calls == 1
    await check_settled(harness, caller)


async def test_a_chat_whose_lease_has_expired_ends_at_once(harness: Harness, caller: Caller) -> None:
    """The cancel itself ends it. A worker that was only slow stops its model, and charges what that had used."""
    ticket_id = await submit(harness, caller)
    speaker = Speaker(["Once upon ", "a time"], cost=0.5, free=1)
    delivery = asyncio.create_task(harness.deliver(ticket_id, speaker))
    await speaker.waits.wait()
    await expire_lease(harness, ticket_id)
    ticket = await cancel(harness, caller, ticket_id)
    assert (ticket.status, ticket.result) == (TicketStatus.CANCELLED, None)
    with pytest.raises(TooEarly):
        await delivery
    assert await get_ticket(harness, ticket_id) == ticket.model_copy(update={"hold": 0})
    await check_settled(harness, caller, 250_000)


async def test_the_sweep_ends_a_cancelled_chat_that_no_task_delivers(
    harness: Harness, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends as cancelled, not as failed."""
    monkeypatch.setattr("shared.services.chat.cancelling._FIRST_LOOK_SECONDS", 0.001)
    ticket_id = await submit(harness, caller)
    speaker = Speaker(["Once upon ", "a time"], free=1)
    delivery = asyncio.create_task(harness.deliver(ticket_id, speaker))
    await speaker.waits.wait()
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
    await cancel(harness, caller, ticket_id)
    await expire_lease(harness, ticket_id)
    settings = harness.settings.model_copy(update={"sweep_after_seconds": 0.001})
    swept = await SweepService(harness.database, harness.queue, settings).sweep()
    assert swept.ended == 1
    assert (await get_ticket(harness, ticket_id)).status is TicketStatus.CANCELLED
    await check_settled(harness, caller)


async def test_another_users_chat_cannot_be_cancelled(harness: Harness, caller: Caller) -> None:
    """It looks like one that does not exist, and goes on."""
    ticket_id = await submit(harness, caller)
    for wrong in (ticket_id, "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10", "a/b", ""):
        with pytest.raises(NotFound):
            await cancel(harness, Caller(uid="other"), wrong)
    assert (await get_ticket(harness, ticket_id)).status is TicketStatus.PENDING


async def test_an_agents_run_is_stopped(harness: Harness, caller: Caller) -> None:
    """The chat ends as cancelled within seconds, although its agent would have slept for minutes."""
    code = "import asyncio\nasync def run(input_dict, tools):\n    await asyncio.sleep(200)\n    return 'never'"
    await publish(harness.database, caller, "agent", code)
    body = {"messages": [{"role": "user", "content": "hi"}], "provider": GOFANNON, "model": "agent"}
    ticket_id = (await harness.chat.submit(caller, ChatRequest.model_validate(body))).ticket_id
    delivery = asyncio.create_task(harness.deliver(ticket_id))
    async with asyncio.timeout(20):
        while (await get_ticket(harness, ticket_id)).lease is None:  # noqa: ASYNC110 - the worker writes it
            await asyncio.sleep(0.02)
    ticket = await cancel(harness, caller, ticket_id)
    async with asyncio.timeout(20):
        await delivery
    assert (ticket.status, ticket.result) == (TicketStatus.CANCELLED, None)
    await check_settled(harness, caller)
