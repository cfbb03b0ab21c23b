"""Turns: how many chats of one user are answered at a time, in the real Firestore emulator."""

import asyncio
from uuid import uuid4

import grpc
import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.errors import TooEarly
from shared.services.chat.sweep import SweepService
from shared.services.chat.turns import TurnService
from shared.services.chat.withdrawal import WithdrawalService
from shared.settings import Settings
from tests.database_faults import lose_answers
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import Fail, ModelServer
from tests.services.chat.dispatching import Dispatcher, Held, expire_lease, look, submit
from tests.services.harness import Harness

OTHER = Caller(uid="other")


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings.model_copy(update={"model_chats_at_once": 2}), catalog)


@pytest.fixture
async def held() -> Held:
    return Held()


@pytest.fixture
async def dispatcher(harness: Harness, cloud_tasks: CloudTasksServer, held: Held) -> Dispatcher:
    return Dispatcher(harness, cloud_tasks, held)


async def test_more_than_a_users_share_waits_without_a_delivery(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher
) -> None:
    """The other deliveries end at once without an error, use up no attempt, and another user's chat is answered."""
    mine = await submit(harness, caller, *(f"mine {number}" for number in range(6)))
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)
    assert held.at_once == 2
    tickets = [await look(harness, ticket_id) for ticket_id in mine]
    assert sorted((ticket.attempts, ticket.parked) for ticket in tickets if ticket.parked) == [(0, "model")] * 4
    assert {ticket.status for ticket in tickets if ticket.parked} == {TicketStatus.PENDING}
    (theirs,) = await submit(harness, OTHER, "theirs")
    held.answer("theirs")
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)
    assert (await look(harness, theirs)).status is TicketStatus.COMPLETED
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()


async def test_parked_tickets_are_called_in_order_as_turns_come_free(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher, cloud_tasks: CloudTasksServer
) -> None:
    """Each end of a chat makes one task, for the oldest. All are answered, never more at a time than the share."""
    texts = [f"chat {number}" for number in range(7)]
    tickets = await submit(harness, caller, *texts[:2])
    dispatcher.deliver_new()
    await held.until(lambda: held.at_once == 2)
    tickets += await submit(harness, caller, *texts[2:])
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)
    for number, text in enumerate(texts):
        held.answer(text)
        await held.until(lambda: dispatcher.running == min(1, 6 - number))  # noqa: B023 - called within the loop
        called = [name.split("/")[-1] for name in dispatcher.deliver_new()]
        assert called == ([f"{tickets[number + 2]}-2"] if number < 5 else [])
        await held.until(lambda: len(held.begun) == min(number + 3, 7))  # noqa: B023
    assert held.begun[2:] == texts[2:]
    assert held.most == 2
    assert len(cloud_tasks.tasks) == 7 + 5
    ended = [await look(harness, ticket_id) for ticket_id in tickets]
    assert {(ticket.status, ticket.attempts, ticket.parked) for ticket in ended} == {(TicketStatus.COMPLETED, 1, None)}
    turns = await harness.database.turns.get(caller.uid, "model")
    assert turns.taken == []


async def test_many_deliveries_at_the_same_moment_share_the_turns(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher
) -> None:
    """Never more than the share at a time, and every ticket is answered in the end."""
    texts = [f"chat {number}" for number in range(20)]
    tickets = await submit(harness, caller, *texts)
    for text in texts:
        held.answer(text)
    async with asyncio.timeout(60):
        while not all([(await look(harness, ticket_id)).status.finished for ticket_id in tickets]):
            dispatcher.deliver_new()
            await asyncio.sleep(0.02)
    await asyncio.gather(*dispatcher.deliveries.values())
    assert held.most <= 2
    assert sorted(held.begun) == sorted(texts)


async def test_turns_that_come_free_at_the_same_moment_are_all_passed_on(
    settings: Settings,
    catalog: Catalog,
    caller: Caller,
    held: Held,
    cloud_tasks: CloudTasksServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By workers in processes of their own, which share no lock: one that fails to commit looks again."""

    def another_each_time(*_names: str) -> str:
        return str(uuid4())

    monkeypatch.setattr("shared.services.chat.turns.lock_name", another_each_time)
    harness = Harness(settings.model_copy(update={"model_chats_at_once": 4}), catalog)
    dispatcher = Dispatcher(harness, cloud_tasks, held)
    await submit(harness, caller, *(f"chat {number}" for number in range(10)))
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 4)
    for text in list(held.begun):
        held.answer(text)
    await held.until(lambda: dispatcher.running == 0)
    assert len(dispatcher.deliver_new()) == 4
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()


async def test_new_tickets_do_not_overtake_parked_ones(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher
) -> None:
    """A new ticket is parked behind the others, also while the oldest is being called."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)
    (parked,) = {"a", "b", "c"} - set(held.begun)
    held.answer(held.begun[0])
    await held.until(lambda: dispatcher.running == held.at_once == 1)
    (late,) = await submit(harness, caller, "late")
    await harness.deliver(late, held.complete)
    assert (await look(harness, late)).parked == "model"
    dispatcher.deliver_new()
    await held.until(lambda: parked in held.begun)
    assert "late" not in held.begun
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()


async def test_agents_and_models_are_counted_separately(harness: Harness, caller: Caller) -> None:
    """A limit of 0 means no limit."""
    turns = TurnService(
        harness.database, lambda: harness.queue, harness.settings.model_copy(update={"agent_chats_at_once": 0})
    )
    assert turns.max_turns("model") == 2
    assert turns.max_turns("agent") > 1000


async def test_a_dead_deliverys_turn_stays_with_its_ticket(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher, cloud_tasks: CloudTasksServer
) -> None:
    """The worker died over the answer: the ticket's next delivery continues in the same turn, and frees it."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)
    first = next(name for name, delivery in dispatcher.deliveries.items() if not delivery.done())
    ticket_id = first.split("/")[-1].rpartition("-")[0]
    dispatcher.deliveries[first].cancel()
    await held.until(lambda: dispatcher.running == 1)
    await expire_lease(harness, ticket_id)
    held.answer(str((await harness.database.tickets.get_request(ticket_id)).messages[-1].content))  # pyright: ignore[reportOptionalMemberAccess]
    await harness.deliver(ticket_id, held.complete)
    assert (await look(harness, ticket_id)).status is TicketStatus.COMPLETED
    assert len(dispatcher.deliver_new()) == 1
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()


async def test_a_ticket_that_ended_without_freeing_its_turn_frees_it_at_its_next_delivery(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker died in between, so the queue delivers the ticket again: then the oldest is called."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)

    async def dies(*_: object) -> None:
        raise asyncio.CancelledError

    first = next(name for name, delivery in dispatcher.deliveries.items() if not delivery.done())
    ticket_id = first.split("/")[-1].rpartition("-")[0]
    with monkeypatch.context() as patch:
        patch.setattr(TurnService, "pass_on", dies)
        held.answer(held.begun[0])
        held.answer(held.begun[1])
        await held.until(lambda: dispatcher.running == 0)
    assert dispatcher.deliver_new() == []
    await harness.deliver(ticket_id, held.complete)
    assert len(dispatcher.deliver_new()) == 1
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()


async def test_a_transient_failure_passes_the_turn_on(
    harness: Harness, caller: Caller, model_server: ModelServer, cloud_tasks: CloudTasksServer
) -> None:
    """The chat waits for another turn at its next delivery, as the oldest."""
    harness = Harness(harness.settings.model_copy(update={"model_chats_at_once": 1}), harness.catalog)
    model_server.script("a", Fail(503))
    a, b = await submit(harness, caller, "a", "b")
    taking = await harness.database.turns.get(caller.uid, "model")
    assert taking.taken == []
    with pytest.raises(TooEarly):
        await harness.deliver(a)
    await harness.deliver(b)
    assert (await look(harness, b)).status is TicketStatus.COMPLETED
    await harness.deliver(a)
    assert (await look(harness, a)).status is TicketStatus.COMPLETED
    assert len(cloud_tasks.tasks) == 2


async def test_a_called_ticket_whose_commit_went_unnoticed_is_queued(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher
) -> None:
    """The database's answer was lost, but the ticket gets its task."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)
    lose_answers(harness.database, ServiceUnavailable("lost"), 3)
    held.answer(held.begun[0])  # settles, frees, calls
    await held.until(lambda: dispatcher.running == held.at_once == 1)
    assert len(dispatcher.deliver_new()) == 1
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()


async def test_a_queue_that_refuses_a_called_ticket_loses_nothing(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher, cloud_tasks: CloudTasksServer
) -> None:
    """The first ticket has ended, and the sweep queues the one that was called."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    held.answer(held.begun[0])
    await held.until(lambda: dispatcher.running == held.at_once == 1)
    assert dispatcher.deliver_new() == []
    assert cloud_tasks.attempts == 4
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()


async def test_a_called_ticket_keeps_its_turn_however_long_its_task_waits(
    harness: Harness, caller: Caller, held: Held, cloud_tasks: CloudTasksServer
) -> None:
    """In a busy queue: sweeps meanwhile call no other in its place, and its delivery does not park it again."""
    harness = Harness(
        harness.settings.model_copy(update={"model_chats_at_once": 1, "sweep_after_seconds": 0.2}), harness.catalog
    )
    dispatcher = Dispatcher(harness, cloud_tasks, held)
    sweep = SweepService(harness.database, harness.queue, harness.settings)
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 1)
    held.answer(held.begun[0])
    await held.until(lambda: dispatcher.running == 0)
    for _ in range(3):
        await asyncio.sleep(0.3)
        swept = await sweep.sweep()
        assert (swept.called, swept.requeued, swept.waiting) == (0, 0, 2)
    assert len(dispatcher.deliver_new()) == 1
    await held.until(lambda: len(held.begun) == 2)
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()


async def test_a_withdrawn_parked_ticket_is_not_called(
    harness: Harness, caller: Caller, held: Held, dispatcher: Dispatcher
) -> None:
    """The queue had accepted it, but its caller had learned that it had not: it has ended, and the next one gets its
    turn.
    """
    tickets = await submit(harness, caller, "a", "b", "c", "d")
    dispatcher.deliver_new()
    await held.until(lambda: dispatcher.running == held.at_once == 2)
    parked = [ticket_id for ticket_id in tickets if (await look(harness, ticket_id)).parked]
    await WithdrawalService(harness.database, harness.settings).withdraw_by_id(parked[0])
    assert (await look(harness, parked[0])).parked is None
    held.answer(held.begun[0])
    await held.until(lambda: dispatcher.running == held.at_once == 1)
    assert [name.split("/")[-1] for name in dispatcher.deliver_new()] == [f"{parked[1]}-2"]
    for delivery in dispatcher.deliveries.values():
        delivery.cancel()
