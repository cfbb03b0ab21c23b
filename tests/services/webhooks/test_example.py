"""The receiver in the reference, as a program of its own, accepts what the service sends."""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.models.delivery import DeliveryStatus
from shared.settings import Settings
from shared.store import Database
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.webhooks.hooks import Hooks

REFERENCE = Path(__file__).parents[3] / "docs/reference/webhooks.md"


@dataclass
class Example:
    """The example's program, which is not running yet."""

    hooks: Hooks
    port: int
    process: asyncio.subprocess.Process | None = None

    async def start(self, secret: str) -> None:
        match = re.search(r"```python\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
        assert match
        code = match[1].replace("9000", str(self.port))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            env={"WEBHOOK_SECRET": secret},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    async def read_line(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 30)).decode().strip()


@pytest.fixture
async def example(database: Database, settings: Settings, cloud_tasks: CloudTasksServer) -> AsyncIterator[Example]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    allowing = settings.model_copy(update={"outbound_allowed_hosts": ("127.0.0.1",)})
    example = Example(Hooks(database, allowing, cloud_tasks, f"http://127.0.0.1:{port}"), port)
    yield example
    if example.process is not None:
        example.process.kill()
        await example.process.communicate()


async def test_the_example_accepts_a_notification_once(example: Example) -> None:
    """It prints a notification, ignores a duplicate, and refuses one with another signature."""
    webhook = await example.hooks.create()
    await example.start(webhook.secret)
    run = await example.hooks.complete_run("done")
    await example.hooks.work()
    (delivery,) = await example.hooks.deliveries()
    assert delivery.status is DeliveryStatus.DELIVERED
    assert await example.read_line() == f"run.completed {run.id} done"
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1795867200", "webhook-signature": "v1,AAAA"}
    async with httpx.AsyncClient() as client:
        response = await client.post(f"{example.hooks.address}/runs", content=b"{}", headers=headers)
    assert response.status_code == 400
