"""The notifications of one run arrive in the order of its events where possible."""

import asyncio
from datetime import timedelta

from shared import clock
from shared.models.delivery import MAX_WAIT, DeliveryStatus
from shared.models.question import Question
from shared.models.ticket import Ticket
from tests.doubles.webhook_receiver import Answer, WebhookReceiver
from tests.services.webhooks.hooks import Hooks, make_result, make_run
from tests.stopped_clock import StoppedClock


def pause(run: Ticket) -> Ticket:
    """Returns the run as it asks a question."""
    now = clock.now()
    return run.suspend(now + timedelta(days=30), [Question(call="1", text="Go on?", asked_at=now)], now)


async def announce_two(hooks: Hooks, stopped_clock: StoppedClock) -> None:
    """Announces that a run waits, and a second later that it has completed."""
    run = make_run()
    await hooks.announce(pause(run))
    stopped_clock.move(1)
    await hooks.announce(run.complete(make_result("done"), clock.now()))


def types(receiver: WebhookReceiver, secret: str) -> list[str]:
    return [request.verify(secret)["type"] for request in receiver.received]


async def test_a_later_event_waits_for_an_earlier_one(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """While the first notification is retried, the second waits, and follows as soon as the first is accepted."""
    webhook = await hooks.create()
    receiver.script(500, 500)
    await announce_two(hooks, stopped_clock)
    await hooks.work()
    assert types(receiver, webhook.secret) == ["run.waiting"]
    for seconds in (5, 300):
        stopped_clock.move(seconds)
        await hooks.work()
    assert len(receiver.received) == 4
    assert receiver.received[3].verify(webhook.secret)["type"] == "run.completed"
    assert len({request.id for request in receiver.received[:3]}) == 1
    assert all(delivery.status is DeliveryStatus.DELIVERED for delivery in await hooks.deliveries())


async def test_an_event_does_not_wait_for_ever(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """After an hour, a notification is sent although the one before has not been accepted, and no sooner."""
    webhook = await hooks.create()
    await announce_two(hooks, stopped_clock)
    first, second = await hooks.deliveries()
    receiver.script(*[500] * 4)
    for seconds in (0, 5, 300, 1800):
        stopped_clock.move(seconds)
        await hooks.work()
    assert {request.id for request in receiver.received} == {first.id}
    stopped_clock.move(MAX_WAIT.total_seconds() - 2106 + 60)
    await hooks.work()
    last = receiver.received[-1]
    assert (last.id, last.verify(webhook.secret)["type"]) == (second.id, "run.completed")


async def test_an_event_follows_one_that_was_given_up(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """When an earlier notification ends without success, the next one no longer waits."""
    await hooks.create()
    receiver.script(500)
    await announce_two(hooks, stopped_clock)
    await hooks.work()
    first, second = await hooks.deliveries()
    assert second.waits_for == first.id
    await hooks.database.transaction(lambda transaction: _end(hooks, first.id, transaction))
    stopped_clock.move(MAX_WAIT.total_seconds())
    await hooks.work()
    assert receiver.received[-1].id == second.id


async def _end(hooks: Hooks, delivery_id: str, transaction: object) -> None:
    delivery = await hooks.database.deliveries.get(delivery_id, transaction)  # pyright: ignore[reportArgumentType]
    assert delivery is not None
    hooks.database.deliveries.put(delivery.end(DeliveryStatus.FAILED), transaction)  # pyright: ignore[reportArgumentType]


async def test_the_events_of_other_runs_do_not_wait(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """A notification that fails delays only later ones of the same run to the same webhook."""
    await hooks.create()
    await hooks.create(url=f"{hooks.address}/other")
    receiver.script(500, 500)
    await announce_two(hooks, stopped_clock)
    await hooks.work()
    assert len(receiver.received) == 2
    other = await hooks.complete_run()
    await hooks.work()
    assert len(receiver.received) == 4
    assert {delivery.run_id for delivery in await hooks.deliveries() if not delivery.is_pending} == {other.id}


async def test_an_event_waits_while_an_earlier_one_is_sent(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """A task for the second notification, while the first is on its way, puts it off."""
    webhook = await hooks.create()
    await announce_two(hooks, stopped_clock)
    first, second = await hooks.deliveries()
    gate = asyncio.Event()
    receiver.script(Answer(gate=gate))
    sending = asyncio.create_task(hooks.service().deliver(first.id))
    await receiver.arrived.wait()
    await hooks.service().deliver(second.id)
    assert len(receiver.received) == 1
    gate.set()
    await sending
    await hooks.work()
    assert types(receiver, webhook.secret) == ["run.waiting", "run.completed"]


async def test_many_events_of_a_run_arrive_in_order(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """Ten notifications, whose tasks are delivered in the opposite order, arrive once each, in their order."""
    await hooks.create()
    run = make_run()
    for _ in range(10):
        await hooks.announce(pause(run))
        stopped_clock.move(1)
    deliveries = await hooks.deliveries()
    for delivery in reversed(deliveries):
        await hooks.service().deliver(delivery.id)
    await hooks.work()
    for _ in range(10):
        stopped_clock.move(121)
        await hooks.work()
    assert [request.id for request in receiver.received] == [delivery.id for delivery in deliveries]
