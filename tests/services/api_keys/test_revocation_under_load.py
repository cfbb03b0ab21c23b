"""A key that is revoked while it is in heavy use opens nothing ten seconds later, on any instance."""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from bench.served import Served, serve_function
from shared.models.api_key import CreateKeyRequest
from shared.models.caller import LOCAL_USER, Caller
from shared.services.api_keys.keys import ApiKeyService
from shared.settings import Settings
from shared.store import Database

PER_SECOND = 100
SECONDS_BEFORE, SECONDS_AFTER = 3, 14


@dataclass
class Calls:
    """Sends calls with a key at a fixed rate, to the instances in turn. `statuses`: with the times of the requests."""

    key: str
    instances: Sequence[Served]
    statuses: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    async def send(self, client: httpx.AsyncClient, number: int) -> None:
        url = self.instances[number % len(self.instances)].url
        began = time.monotonic()
        response = await client.get(f"{url}/chat?limit=1", headers={"Authorization": f"Bearer {self.key}"})
        self.statuses.append((began, response.status_code))

    async def keep_sending(self, client: httpx.AsyncClient, seconds: float) -> None:
        async with asyncio.TaskGroup() as group:
            begin = time.monotonic()
            for number in range(int(seconds * PER_SECOND)):
                await asyncio.sleep(begin + number / PER_SECOND - time.monotonic())
                group.create_task(self.send(client, number))


@pytest.mark.long
async def test_a_revoked_key_opens_nothing_ten_seconds_later(settings: Settings) -> None:
    """With 100 calls per second on two instances, the last call that is let in begins within ten seconds."""
    environ = {
        "GOOGLE_CLOUD_PROJECT": settings.google_cloud_project,
        "FIRESTORE_EMULATOR_HOST": os.environ["FIRESTORE_EMULATOR_HOST"],
        "CLOUD_TASKS_ENDPOINT": "127.0.0.1:1",
    }
    ours = Settings.from_environ(environ)
    keys = ApiKeyService(Database(ours), ours)
    created = await keys.create(Caller(LOCAL_USER), CreateKeyRequest(name="k"))
    with ExitStack() as stack:
        instances = [stack.enter_context(serve_function("chat", environ)) for _ in "12"]
        manager = stack.enter_context(serve_function("api_keys", environ))
        calls = Calls(created.key, instances)
        limits = httpx.Limits(max_connections=300, max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=30, trust_env=False, limits=limits) as client:
            sending = asyncio.create_task(calls.keep_sending(client, SECONDS_BEFORE + SECONDS_AFTER))
            await asyncio.sleep(SECONDS_BEFORE)
            assert (await client.delete(f"{manager.url}/users/me/keys/{created.id}")).status_code == 204
            revoked = time.monotonic()
            await sending
    opened = [began - revoked for began, status in calls.statuses if status == 200]
    refused = [began - revoked for began, status in calls.statuses if status in (401, 429)]
    assert len(opened) + len(refused) == len(calls.statuses) == (SECONDS_BEFORE + SECONDS_AFTER) * PER_SECOND
    assert len([moment for moment in opened if moment < 0]) > SECONDS_BEFORE * PER_SECOND * 0.9
    assert max(opened) < 10
    assert len([moment for moment in refused if moment >= 10]) >= 3 * PER_SECOND
