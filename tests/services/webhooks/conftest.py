"""Fixtures for the tests of webhooks: a receiver on a real port, and services that may reach it."""

from collections.abc import AsyncIterator
from datetime import datetime, tzinfo

import pytest

from shared import clock
from shared.settings import Settings
from shared.store import Database
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.served_here import serve_here
from tests.doubles.webhook_receiver import WebhookReceiver
from tests.services.webhooks.hooks import Hooks


class _ClocksDatetime(datetime):
    """`datetime` with the time of the service's clock, for the library that verifies signatures."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_ClocksDatetime":
        return cls.fromtimestamp(clock.time(), tz)


@pytest.fixture(autouse=True)
def follow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", _ClocksDatetime)


@pytest.fixture
async def receiver() -> WebhookReceiver:
    return WebhookReceiver()


@pytest.fixture
async def hooks(
    receiver: WebhookReceiver, database: Database, settings: Settings, cloud_tasks: CloudTasksServer
) -> AsyncIterator[Hooks]:
    async with serve_here(receiver.app) as address:
        host = address.removeprefix("http://")
        allowing = settings.model_copy(update={"outbound_allowed_hosts": (host,)})
        yield Hooks(database, allowing, cloud_tasks, address)
