"""Turns limit how many chats of one user are answered at a time. The tests use the real Firestore emulator."""

import asyncio
from collections.abc import AsyncGenerator
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
from tests.database_faults import lose_responses
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import Fail, ModelServer
from tests.services.chat.dispatching import Dispatcher, HeldModels, expire_lease, get_ticket, submit
from tests.services.harness import Harness

OTHER = Caller(uid="other")


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings.model_copy(update={"model_chats_at_once": 2}), catalog)


@pytest.fixture
async def models() -> HeldModels:
    return HeldModels()


@pytest.fixture
async def dispatcher(harness: Harness, cloud_tasks: CloudTasksServer, models: HeldModels) -> AsyncGenerator[Dispatcher]:
    dispatcher = Dispatcher(harness, cloud_tasks, models)
    yield dispatcher
    dispatcher.cancel()


async def test_chats_above_a_users_share_are_parked(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher
) -> None:
    """Deliveries above the share end immediately, without an error or an attempt. Another user's chat is answered."""
    own = await submit(harness, caller, *(f"mine {number}" for number in range(6)))
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)
    assert models.running == 2
    tickets = [await get_ticket(harness, ticket_id) for ticket_id in own]
    assert sorted((ticket.attempts, ticket.parked) for ticket in tickets if ticket.parked) == [(0, "model")] * 4
    assert {ticket.status for ticket in tickets if ticket.parked} == {TicketStatus.PENDING}
    (other_ticket,) = await submit(harness, OTHER, "theirs")
    models.release("theirs")
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)
    assert (await get_ticket(harness, other_ticket)).status is TicketStatus.COMPLETED


async def test_parked_tickets_are_called_in_order_as_turns_become_free(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher, cloud_tasks: CloudTasksServer
) -> None:
    """The end of each chat queues the oldest parked ticket. The number of chats under way never exceeds the share."""
    texts = [f"chat {number}" for number in range(7)]
    tickets = await submit(harness, caller, *texts[:2])
    dispatcher.deliver_new()
    await models.wait_until(lambda: models.running == 2)
    tickets += await submit(harness, caller, *texts[2:])
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)
    for number, text in enumerate(texts):
        models.release(text)
        await models.wait_until(lambda: dispatcher.running == min(1, 6 - number))  # noqa: B023 - called within the loop
        queued = [name.split("/")[-1] for name in dispatcher.deliver_new()]
        assert queued == ([f"{tickets[number + 2]}-2"] if number < 5 else [])
        await models.wait_until(lambda: len(models.prompts) == min(number + 3, 7))  # noqa: B023
    assert models.prompts[2:] == texts[2:]
    assert models.peak == 2
    assert len(cloud_tasks.tasks) == 7 + 5
    ended = [await get_ticket(harness, ticket_id) for ticket_id in tickets]
    assert {(ticket.status, ticket.attempts, ticket.parked) for ticket in ended} == {(TicketStatus.COMPLETED, 1, None)}
    turns = await harness.database.turns.get(caller.uid, "model")
    assert turns.taken == []


async def test_many_deliveries_at_the_same_moment_share_the_turns(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher
) -> None:
    """The number of chats under way never exceeds the share, and every ticket is eventually answered."""
    texts = [f"chat {number}" for number in range(20)]
    tickets = await submit(harness, caller, *texts)
    for text in texts:
        models.release(text)
    async with asyncio.timeout(60):
        while not all([(await get_ticket(harness, ticket_id)).status.finished for ticket_id in tickets]):
            dispatcher.deliver_new()
            await asyncio.sleep(0.02)
    await asyncio.gather(*dispatcher.deliveries.values())
    assert models.peak <= 2
    assert sorted(models.prompts) == sorted(texts)


async def test_turns_that_become_free_at_the_same_moment_are_all_passed_on(
    settings: Settings,
    catalog: Catalog,
    caller: Caller,
    models: HeldModels,
    cloud_tasks: CloudTasksServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Workers in different processes share no lock, but pass on all turns, because a failed commit is retried."""

    def unique_name(*_names: str) -> str:
        return str(uuid4())

    monkeypatch.setattr("shared.services.chat.turns.group_of", unique_name)
    harness = Harness(settings.model_copy(update={"model_chats_at_once": 4}), catalog)
    dispatcher = Dispatcher(harness, cloud_tasks, models)
    await submit(harness, caller, *(f"chat {number}" for number in range(10)))
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 4)
    for text in list(models.prompts):
        models.release(text)
    await models.wait_until(lambda: dispatcher.running == 0)
    assert len(dispatcher.deliver_new()) == 4
    dispatcher.cancel()


async def test_new_tickets_do_not_overtake_parked_ones(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher
) -> None:
    """A new ticket is parked behind the others, even while the oldest one is being called."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)
    (parked,) = {"a", "b", "c"} - set(models.prompts)
    models.release(models.prompts[0])
    await models.wait_until(lambda: dispatcher.running == models.running == 1)
    (late,) = await submit(harness, caller, "late")
    await harness.deliver(late, models.complete)
    assert (await get_ticket(harness, late)).parked == "model"
    dispatcher.deliver_new()
    await models.wait_until(lambda: parked in models.prompts)
    assert "late" not in models.prompts


async def test_agents_and_models_are_counted_separately(harness: Harness, caller: Caller) -> None:
    """Chats with agents and with models have separate limits, and a limit of 0 means no limit."""
    turns = TurnService(
        harness.database, lambda: harness.queue, harness.settings.model_copy(update={"agent_chats_at_once": 0})
    )
    assert turns.max_turns("model") == 2
    assert turns.max_turns("agent") > 1000


async def test_a_dead_deliverys_turn_stays_with_its_ticket(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher, cloud_tasks: CloudTasksServer
) -> None:
    """If a worker dies while it answers, the ticket's next delivery continues in the same turn, and then frees it."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)
    first = next(name for name, delivery in dispatcher.deliveries.items() if not delivery.done())
    ticket_id = first.split("/")[-1].rpartition("-")[0]
    dispatcher.deliveries[first].cancel()
    await models.wait_until(lambda: dispatcher.running == 1)
    await expire_lease(harness, ticket_id)
    models.release(str((await harness.database.tickets.get_request(ticket_id)).messages[-1].content))  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
    await harness.deliver(ticket_id, models.complete)
    assert (await get_ticket(harness, ticket_id)).status is TicketStatus.COMPLETED
    assert len(dispatcher.deliver_new()) == 1


async def test_a_ticket_that_ended_without_freeing_its_turn_frees_it_at_its_next_delivery(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the worker died before it freed the turn, the ticket's next delivery calls the oldest parked ticket."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    first = next(name for name, delivery in dispatcher.deliveries.items() if not delivery.done())
    ticket_id = first.split("/")[-1].rpartition("-")[0]
    with monkeypatch.context() as patch:
        patch.setattr(TurnService, "pass_on", die)
        models.release(models.prompts[0])
        models.release(models.prompts[1])
        await models.wait_until(lambda: dispatcher.running == 0)
    assert dispatcher.deliver_new() == []
    await harness.deliver(ticket_id, models.complete)
    assert len(dispatcher.deliver_new()) == 1


async def test_a_transient_failure_passes_the_turn_on(
    harness: Harness, caller: Caller, model_server: ModelServer, cloud_tasks: CloudTasksServer
) -> None:
    """A chat whose attempt failed gives up its turn, and gets another one at its next delivery."""
    harness = Harness(harness.settings.model_copy(update={"model_chats_at_once": 1}), harness.catalog)
    model_server.script("a", Fail(503))
    a, b = await submit(harness, caller, "a", "b")
    turns = await harness.database.turns.get(caller.uid, "model")
    assert turns.taken == []
    with pytest.raises(TooEarly):
        await harness.deliver(a)
    await harness.deliver(b)
    assert (await get_ticket(harness, b)).status is TicketStatus.COMPLETED
    await harness.deliver(a)
    assert (await get_ticket(harness, a)).status is TicketStatus.COMPLETED
    assert len(cloud_tasks.tasks) == 2


async def test_a_called_ticket_is_queued_even_if_the_response_to_its_commit_is_lost(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher
) -> None:
    """If the commit that calls a ticket takes effect but its response is lost, the ticket is queued."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)
    lose_responses(harness.database, ServiceUnavailable("lost"), 3)
    models.release(models.prompts[0])  # the three commits settle the chat, free its turn, and call the next ticket
    await models.wait_until(lambda: dispatcher.running == models.running == 1)
    assert len(dispatcher.deliver_new()) == 1


async def test_a_queue_that_rejects_a_called_ticket_loses_nothing(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher, cloud_tasks: CloudTasksServer
) -> None:
    """The rejected ticket does not cause the ticket that freed the turn to fail, and is left for the sweep to queue."""
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    models.release(models.prompts[0])
    await models.wait_until(lambda: dispatcher.running == models.running == 1)
    assert dispatcher.deliver_new() == []
    assert cloud_tasks.attempts == 4


async def test_a_called_ticket_keeps_its_turn_no_matter_how_long_its_task_waits(
    harness: Harness, caller: Caller, models: HeldModels, cloud_tasks: CloudTasksServer
) -> None:
    """While its task waits in a busy queue, sweeps call no other ticket, and its delivery does not park it again."""
    harness = Harness(
        harness.settings.model_copy(update={"model_chats_at_once": 1, "sweep_after_seconds": 0.2}), harness.catalog
    )
    dispatcher = Dispatcher(harness, cloud_tasks, models)
    sweep = SweepService(harness.database, harness.queue, harness.settings)
    await submit(harness, caller, "a", "b", "c")
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 1)
    models.release(models.prompts[0])
    await models.wait_until(lambda: dispatcher.running == 0)
    for _ in range(3):
        await asyncio.sleep(0.3)
        swept = await sweep.sweep()
        assert (swept.called, swept.requeued, swept.waiting) == (0, 0, 2)
    assert len(dispatcher.deliver_new()) == 1
    await models.wait_until(lambda: len(models.prompts) == 2)
    dispatcher.cancel()


async def test_a_withdrawn_parked_ticket_is_not_called(
    harness: Harness, caller: Caller, models: HeldModels, dispatcher: Dispatcher
) -> None:
    """A withdrawn ticket is no longer parked, and the next parked ticket gets the turn."""
    tickets = await submit(harness, caller, "a", "b", "c", "d")
    dispatcher.deliver_new()
    await models.wait_until(lambda: dispatcher.running == models.running == 2)
    parked = [ticket_id for ticket_id in tickets if (await get_ticket(harness, ticket_id)).parked]
    await WithdrawalService(harness.database, harness.settings).withdraw_by_id(parked[0])
    assert (await get_ticket(harness, parked[0])).parked is None
    models.release(models.prompts[0])
    await models.wait_until(lambda: dispatcher.running == models.running == 1)
    assert [name.split("/")[-1] for name in dispatcher.deliver_new()] == [f"{parked[1]}-2"]
