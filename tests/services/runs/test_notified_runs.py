"""Webhooks are notified of real runs, from their start to their end."""

from collections.abc import AsyncIterator

import pytest

from shared.llm.catalog import Catalog
from shared.models.agent_run import StartRunRequest
from shared.models.chat import TicketStatus
from shared.models.errors import InvalidInput
from shared.services.chat.run_submission import RunSubmission
from shared.settings import Settings
from shared.store import Database
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.served_here import serve_here
from tests.doubles.webhook_receiver import WebhookReceiver
from tests.services.chat.dispatching import get_ticket
from tests.services.harness import Harness
from tests.services.publishing import save
from tests.services.webhooks.conftest import follow_clock as follow_clock
from tests.services.webhooks.hooks import OWNER, Hooks
from tests.stopped_clock import StoppedClock

SLEEPS = """
import asyncio
async def run(input_dict, tools):
    await asyncio.sleep(3600)
    return {"slept": True}
"""


@pytest.fixture
async def receiver() -> WebhookReceiver:
    return WebhookReceiver()


@pytest.fixture
async def hooks(
    receiver: WebhookReceiver, database: Database, settings: Settings, cloud_tasks: CloudTasksServer
) -> AsyncIterator[Hooks]:
    async with serve_here(receiver.app) as address:
        allowing = settings.model_copy(update={"outbound_allowed_hosts": (address.removeprefix("http://"),)})
        yield Hooks(database, allowing, cloud_tasks, address)


async def test_the_webhook_that_a_run_names_is_notified(
    hooks: Hooks, receiver: WebhookReceiver, catalog: Catalog, stopped_clock: StoppedClock
) -> None:
    """A run that names a webhook notifies it when it sleeps and when it ends, although it subscribes to neither."""
    harness = Harness(hooks.settings, catalog)
    webhook = await hooks.create(events=["run.cancelled"])
    agent = await save(hooks.database, OWNER, SLEEPS)
    submission = RunSubmission(hooks.database, harness.queue, hooks.settings)
    request = StartRunRequest(agent_id=agent.id, webhook=webhook.id)
    started, _ = await submission.start(OWNER, request, None)
    await harness.deliver(started.run_id)
    assert (await get_ticket(harness, started.run_id)).status is TicketStatus.WAITING
    stopped_clock.move(3600)
    await harness.deliver(started.run_id)
    assert len(hooks.queued()) == 2
    await hooks.work()
    waiting, completed = (request.verify(webhook.secret) for request in receiver.received)
    assert (waiting["type"], waiting["data"]["run_id"]) == ("run.waiting", started.run_id)
    assert (completed["type"], completed["data"]["result"]) == ("run.completed", {"slept": True})


async def test_a_run_cannot_name_a_webhook_that_is_not_its_callers(hooks: Hooks, catalog: Catalog) -> None:
    """The request is refused with 422, and nothing starts."""
    harness = Harness(hooks.settings, catalog)
    agent = await save(hooks.database, OWNER, SLEEPS)
    submission = RunSubmission(hooks.database, harness.queue, hooks.settings)
    with pytest.raises(InvalidInput) as caught:
        await submission.start(OWNER, StartRunRequest(agent_id=agent.id, webhook="unknown"), None)
    assert caught.value.summary == "webhook: You have no such webhook."
    assert await hooks.database.accounts.get(OWNER.uid) is None
