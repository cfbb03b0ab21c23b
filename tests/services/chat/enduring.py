"""A small deployment that is treated badly: chats are cancelled and workers are killed, at random but seeded moments.

Two processes of each of the functions `chat` and `worker` run in functions-framework, as in the cloud. The queue
delivers a task again until it is done.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import psutil

from bench.doubles.model_server import ModelServer, Pace
from bench.served import Served, serve_function
from shared.models.ticket import Ticket
from shared.services.chat.sweep import SweepService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.dispatcher import Dispatcher
from tests.tokens import token

PACE = Pace(tokens=35, pause=0.1, before_first=0.2)
_CANCELLED_SHARE = 0.5
_LAST_CANCEL_SECONDS = 5.0
"""Somewhat longer than an answer takes, so that some chats end before they are cancelled."""
_CHATS_PER_SECOND = 5
_KILL_PAUSE = (1.5, 3.0)
_QUIET_SECONDS = 150.0
_VARIABLES = {
    "APP_ENV": "firebase",
    "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:1",
    "LEASE_SECONDS": "5",
    "SWEEP_AFTER_SECONDS": "4",
    "CHAT_MAX_ATTEMPTS": "10",
    "OPENAI_API_KEY": "sk-test",
}


@dataclass(frozen=True)
class Chat:
    """A chat of the plan. `begins`: after so many seconds. `cancelled`: the seconds from then to its cancel, if any."""

    prompt: str
    uid: str
    begins: float
    cancelled: float | None


@dataclass
class Outcome:
    """What became of a chat. `cancel`: the response to its cancel."""

    chat: Chat
    ticket_id: str
    cancel: dict[str, Any] | None = None


@dataclass
class Deployment:
    """The running functions."""

    database: Database
    settings: Settings
    model: ModelServer
    dispatcher: Dispatcher
    chats: Sequence[Served]
    workers: Sequence[Served]
    random: Random
    kills: int = 0
    outcomes: list[Outcome] = field(default_factory=list[Outcome])

    async def endure(self, plan: Sequence[Chat]) -> None:
        """Sends and cancels the chats of the plan, kills workers meanwhile, and waits until all chats have ended."""
        limits = httpx.Limits(max_keepalive_connections=0)  # the server closes idle connections, maybe during a request
        client = httpx.AsyncClient(timeout=60, trust_env=False, limits=limits)
        async with self.dispatcher.dispatching(), client:
            killing = asyncio.create_task(self._kill_workers())
            try:
                self.outcomes = await asyncio.gather(*(self._send(client, chat) for chat in plan))
            finally:
                killing.cancel()
                await asyncio.gather(killing, return_exceptions=True)
            await self._end_all()

    async def get_tickets(self) -> list[Ticket]:
        """Returns the tickets in the order of the plan."""
        found = await asyncio.gather(*(self.database.tickets.get(outcome.ticket_id) for outcome in self.outcomes))
        return [ticket for ticket in found if ticket is not None]

    async def _send(self, client: httpx.AsyncClient, chat: Chat) -> Outcome:
        await asyncio.sleep(chat.begins)
        headers = {"Authorization": f"Bearer {token(self.settings.google_cloud_project, chat.uid)}"}
        body = {
            "provider": "openai",
            "model": "gpt-4.1-mini",
            "messages": [{"role": "user", "content": chat.prompt}],
            "parameters": {"max_tokens": 1000},
        }
        accepted = await client.post(f"{self._choose_chat()}/chat", json=body, headers=headers)
        assert accepted.status_code == 200, accepted.text
        outcome = Outcome(chat, accepted.json()["ticket_id"])
        if chat.cancelled is not None:
            await asyncio.sleep(chat.cancelled)
            url = f"{self._choose_chat()}/chat/{outcome.ticket_id}/cancel"
            cancelled = await client.post(url, headers=headers)
            assert cancelled.status_code == 200, cancelled.text
            outcome.cancel = cancelled.json()
        return outcome

    def _choose_chat(self) -> str:
        return self.random.choice(self.chats).url

    async def _kill_workers(self) -> None:
        """Kills a worker's process again and again. Its server starts another one, as the platform does."""
        while True:
            await asyncio.sleep(self.random.uniform(*_KILL_PAUSE))
            for process in psutil.Process(self.random.choice(self.workers).pid).children():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.kills += 1

    async def _end_all(self) -> None:
        """Sweeps until every ticket has ended, and no task is being delivered any more."""
        sweep = SweepService(self.database, task_queue(self.settings), self.settings)
        async with asyncio.timeout(_QUIET_SECONDS):
            while self.dispatcher.running or not all(each.status.finished for each in await self.get_tickets()):
                await sweep.sweep()
                await asyncio.sleep(0.5)


def make_plan(chats: int, random: Random) -> list[Chat]:
    """Returns the chats of a few users, of which about half are cancelled at any moment of their lives."""
    seconds = chats / _CHATS_PER_SECOND
    return [
        Chat(
            prompt=f"chat {number}",
            uid=f"user-{number % 5}",
            begins=random.uniform(0, seconds),
            cancelled=random.uniform(0, _LAST_CANCEL_SECONDS) if random.random() < _CANCELLED_SHARE else None,
        )
        for number in range(chats)
    ]


async def start_deployment(stack: ExitStack, settings: Settings, tasks: CloudTasksServer, random: Random) -> Deployment:
    """Starts the functions, until the stack is closed. The model's server runs in this loop."""
    model = ModelServer()
    await model.set_pace(PACE)
    environ = {
        **_VARIABLES,
        "OPENAI_BASE_URL": await model.start(),
        "GOOGLE_CLOUD_PROJECT": settings.google_cloud_project,
        "FIRESTORE_EMULATOR_HOST": os.environ["FIRESTORE_EMULATOR_HOST"],
        "CLOUD_TASKS_ENDPOINT": tasks.endpoint,
    }
    ours = Settings.from_environ(environ)
    chats, workers = ([stack.enter_context(serve_function(name, environ)) for _ in "12"] for name in ("chat", "worker"))
    dispatcher = Dispatcher(tasks, [worker.url for worker in workers], 20)
    return Deployment(Database(ours), ours, model, dispatcher, chats, workers, random)


def to_wall_clock(moment: float) -> float:
    """Returns a time of the monotonic clock as one of the clock that tickets have."""
    return moment + time.time() - time.perf_counter()
