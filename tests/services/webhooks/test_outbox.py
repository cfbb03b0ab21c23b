"""Notifications are written in the transaction in which their run changes, whoever changes it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from shared import clock
from shared.llm.catalog import Catalog
from shared.llm.completion import complete
from shared.llm.failures import ModelFailure
from shared.models.caller import Caller
from shared.models.chat import ChatResult, RunInput
from shared.models.stored_input import StoredInput
from shared.models.ticket import Ticket
from shared.models.webhook import UpdateWebhookRequest
from shared.services.chat.answering import AnsweringService
from shared.services.chat.cancelling import CancelService
from shared.services.chat.lease import LeaseHolder
from shared.services.chat.run_pause import RunSuspended
from shared.services.chat.sweep import SweepResult, SweepService
from shared.services.chat.turns import TurnService
from shared.services.webhooks.outbox import Outbox
from shared.store import Transaction
from shared.tasks import task_queue
from tests.doubles.webhook_receiver import WebhookReceiver
from tests.services.webhooks.hooks import OWNER, Hooks, make_result, make_run
from tests.stopped_clock import StoppedClock


async def test_only_webhooks_that_are_to_know_are_notified(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """Those are the owner's, if they are enabled, and subscribe to the event or are named by the run."""
    subscribed = await hooks.create(events=["run.failed"])
    named = await hooks.create(events=["run.cancelled"])
    await hooks.create(events=["run.completed"])
    disabled = await hooks.create()
    await hooks.webhooks.update(OWNER, disabled.id, UpdateWebhookRequest(enabled=False))
    await hooks.create(Caller(uid="other"))
    await hooks.announce(make_run(webhook=named.id).fail("No.", clock.now()))
    assert {delivery.webhook_id for delivery in await hooks.deliveries()} == {subscribed.id, named.id}


async def test_a_run_cannot_name_anothers_webhook(hooks: Hooks) -> None:
    """A webhook that is not the run's owner's is not notified, although the run names it."""
    other = await hooks.create(Caller(uid="other"))
    await hooks.announce(make_run(webhook=other.id).fail("No.", clock.now()))
    assert await hooks.deliveries() == []


async def test_chats_with_models_notify_nobody(hooks: Hooks) -> None:
    """Only agents' runs are announced."""
    await hooks.create()
    await hooks.announce(make_run(provider="openai").fail("No.", clock.now()))
    assert await hooks.deliveries() == []


async def test_nothing_is_announced_if_the_change_is_not_made(hooks: Hooks) -> None:
    """Without the commit, there is neither a notification nor a task."""
    await hooks.create()
    outbox = Outbox(hooks.database, task_queue(hooks.settings))

    async def fail(transaction: Transaction) -> None:
        await outbox.announce(make_run().fail("No.", clock.now()), transaction)
        raise KeyError

    with pytest.raises(KeyError):
        await hooks.database.transaction(fail)
    await outbox.dispatch()
    assert (await hooks.deliveries(), hooks.cloud_tasks.tasks) == ([], {})


async def test_the_sweep_queues_what_the_queue_refused(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """A notification that is stored but not queued is queued by the next sweep, once by several concurrent ones."""
    await hooks.create()
    hooks.cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    await hooks.complete_run()
    assert hooks.cloud_tasks.tasks == {}
    stopped_clock.move(61)
    sweeper = SweepService(hooks.database, task_queue(hooks.settings), hooks.settings)
    assert await asyncio.gather(*(sweeper.sweep() for _ in range(3))) == [SweepResult(notified=1)] * 3
    assert len(hooks.cloud_tasks.tasks) == 1
    await hooks.work()
    assert len(receiver.received) == 1
    hooks.cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.PERMISSION_DENIED)
    await hooks.complete_run()
    stopped_clock.move(61)
    assert await sweeper.sweep() == SweepResult(left=1)


class Runs:
    """Runs an agent's tickets as the worker does, with `agent` in the place of its code."""

    def __init__(self, hooks: Hooks, catalog: Catalog) -> None:
        self._hooks = hooks
        self._catalog = catalog
        self.turns = TurnService(hooks.database, lambda: task_queue(hooks.settings), hooks.settings)

    async def add(self, **fields: Any) -> Ticket:
        """Stores a run that has not started."""
        now = clock.now()
        ticket = make_run().model_copy(update={"lease": None, "attempts": 0, "status": "pending", "updated_at": now})
        ticket = Ticket.model_validate({**ticket.model_dump(), **fields})

        async def write(transaction: Transaction) -> None:
            self._hooks.database.tickets.add(ticket, RunInput(input={}), transaction)

        await self._hooks.database.transaction(write)
        return ticket

    async def work(self, ticket: Ticket, agent: Callable[[], Awaitable[ChatResult]]) -> None:
        async def answer(ticket: Ticket, request: StoredInput, holder: LeaseHolder) -> ChatResult:
            return await agent()

        service = AnsweringService(
            self._hooks.database, self._catalog, complete, answer, self._hooks.settings, self.turns
        )
        await service.answer(ticket.id)


@pytest.fixture
async def runs(hooks: Hooks, catalog: Catalog) -> Runs:
    return Runs(hooks, catalog)


async def test_a_run_that_completes_is_announced(hooks: Hooks, receiver: WebhookReceiver, runs: Runs) -> None:
    """The worker that ends it also queues the notification."""
    webhook = await hooks.create()
    run = await runs.add()

    async def agent() -> ChatResult:
        return make_result({"sum": 5})

    await runs.work(run, agent)
    assert len(hooks.queued()) == 1
    await hooks.work()
    message = receiver.received[0].verify(webhook.secret)
    assert (message["data"]["run_id"], message["data"]["result"]) == (run.id, {"sum": 5})


async def events(hooks: Hooks) -> list[str]:
    return [delivery.event.value for delivery in await hooks.deliveries()]


async def test_a_run_that_fails_is_announced(hooks: Hooks, runs: Runs) -> None:
    """So is the end of one whose attempts are used up."""
    await hooks.create()

    async def agent() -> ChatResult:
        raise ModelFailure("The agent failed.", transient=False)

    await runs.work(await runs.add(), agent)
    await runs.work(await runs.add(attempts=hooks.settings.chat_max_attempts), agent)
    assert await events(hooks) == ["run.failed"] * 2


async def test_a_cancelled_run_is_announced_once(hooks: Hooks, runs: Runs) -> None:
    """Whoever ends it announces it: here the request, and a worker's delivery later does nothing."""
    await hooks.create()
    run = await runs.add()
    await CancelService(hooks.database, runs.turns, hooks.settings).cancel(OWNER, run.id)

    async def agent() -> ChatResult:
        raise AssertionError("The run was cancelled.")

    await runs.work(run, agent)
    assert await events(hooks) == ["run.cancelled"]


async def test_a_run_that_the_sweep_gives_up_is_announced(
    hooks: Hooks, runs: Runs, stopped_clock: StoppedClock
) -> None:
    """A run that nobody worked on in time fails, and its owner's webhooks learn of it."""
    await hooks.create()
    await runs.add()
    stopped_clock.move(hooks.settings.ticket_max_wait_seconds + 1)
    result = await SweepService(hooks.database, task_queue(hooks.settings), hooks.settings).sweep()
    assert (result.ended, await events(hooks)) == (1, ["run.failed"])


async def test_a_run_that_is_put_aside_is_announced(hooks: Hooks, runs: Runs) -> None:
    """The changes that its worker writes before are not. A pause that is over already is not, either."""
    await hooks.create()

    async def sleep() -> ChatResult:
        raise RunSuspended(clock.now() + timedelta(days=1), [])

    async def doze() -> ChatResult:
        raise RunSuspended(clock.now(), [])

    await runs.work(await runs.add(), doze)
    assert await events(hooks) == []
    await runs.work(await runs.add(), sleep)
    assert await events(hooks) == ["run.waiting"]
    assert len(hooks.queued()) == 1


async def test_a_run_that_is_cancelled_when_it_pauses_is_announced(hooks: Hooks, runs: Runs) -> None:
    """It ends instead of waiting."""
    await hooks.create()
    run = await runs.add()

    async def sleep() -> ChatResult:
        await hooks.database.transaction(request_cancel)
        raise RunSuspended(clock.now() + timedelta(days=1), [])

    async def request_cancel(transaction: Transaction) -> None:
        ticket = await hooks.database.tickets.get(run.id, transaction)
        assert ticket is not None
        hooks.database.tickets.put(ticket.request_cancel(clock.now()), transaction)

    await runs.work(run, sleep)
    assert await events(hooks) == ["run.cancelled"]
