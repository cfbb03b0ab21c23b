"""Many concurrent calls with one key, on several processes: its budget is never exceeded, and the sums are exact."""

import asyncio
import json
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import pytest

from bench.doubles.model_server import COMPLETION_TOKENS, PROMPT_TOKENS, ModelServer
from bench.served import Served, serve_function
from shared import clock
from shared.models.api_key import CreatedKey, CreateKeyRequest
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.key_period import Period, period_id
from shared.services.api_keys.keys import ApiKeyService
from shared.settings import Settings
from shared.store import Database
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.dispatcher import Dispatcher

PICOS_PER_CALL = PROMPT_TOKENS * 400_000 + COMPLETION_TOKENS * 1_600_000
"""The price of an answer of the model's server with gpt-4.1-mini, in millionths of a millionth of a dollar."""
DOLLARS_PER_CALL = PICOS_PER_CALL / 1e12
CHAT = {
    "provider": "openai",
    "model": "gpt-4.1-mini",
    "messages": [{"role": "user", "content": "x" * 3000}],
    "parameters": {"max_tokens": 16},
}
"""At most this costs hardly more than the server's answer, and the shortest answer costs as much as the longest, so the
number of calls that a budget covers is known."""
MARGIN_DOLLARS = 0.0001
"""The difference between the most that a call may cost, and what it does cost, is less."""
USER = Caller("u")


@dataclass
class Load:
    """Callers that share a key. Each sends its call again while the rest of the budget is held for others.

    `pause`: the most seconds until then.
    """

    key: str
    instances: list[Served]
    random: Random
    pause: float
    tickets: list[str] = field(default_factory=list[str])
    refusals: list[str] = field(default_factory=list[str])

    async def send(self, client: httpx.AsyncClient) -> None:
        while True:
            url = f"{self.random.choice(self.instances).url}/chat"
            response = await client.post(url, json=CHAT, headers={"Authorization": f"Bearer {self.key}"})
            if response.status_code == 200:
                self.tickets.append(response.json()["ticket_id"])
                return
            detail: str = response.json()["detail"]
            assert response.status_code == 402, response.text
            if "is held for calls" not in detail:
                self.refusals.append(detail)
                return
            await asyncio.sleep(self.random.uniform(0, self.pause))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("calls", "covered"), [(100, 30), pytest.param(1000, 300, marks=pytest.mark.long)], ids=["100", "1000"]
)
async def test_concurrent_calls_never_exceed_a_budget(
    settings: Settings, cloud_tasks: CloudTasksServer, calls: int, covered: int
) -> None:
    """Of many concurrent calls on two instances, those are answered that the budget covers. The key's spending, the
    account's and the entries are the same sum, to the millionth of a millionth of a dollar."""
    model = ModelServer()
    environ = {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": await model.start(),
        "GOOGLE_CLOUD_PROJECT": settings.google_cloud_project,
        "FIRESTORE_EMULATOR_HOST": os.environ["FIRESTORE_EMULATOR_HOST"],
        "CLOUD_TASKS_ENDPOINT": cloud_tasks.endpoint,
        "CHAT_RATE_PER_MINUTE": "0",
        "MAX_WAITING_CHATS": "2000",
    }
    ours = Settings.from_environ(environ)
    database = Database(ours)
    created = await create_key(database, ours, covered * DOLLARS_PER_CALL + MARGIN_DOLLARS)
    with ExitStack() as stack:
        chats, workers = (
            [stack.enter_context(serve_function(name, environ)) for _ in "12"] for name in ("chat", "worker")
        )
        load = Load(created.key, chats, Random(calls), calls / 40)  # noqa: S311 - pauses, not secrets
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
        client = httpx.AsyncClient(timeout=120, trust_env=False, limits=limits)
        dispatcher = Dispatcher(cloud_tasks, [worker.url for worker in workers], 20)
        async with dispatcher.dispatching(), client:
            await asyncio.gather(*(load.send(client) for _ in range(calls)))
            await wait_until_ended(database, load.tickets)
    await model.stop()
    assert len(load.tickets) + len(load.refusals) == calls
    assert len(load.tickets) == model.calls == covered
    await check_sums(database, created, covered)


async def create_key(database: Database, settings: Settings, dollars: float) -> CreatedKey:
    budget = {"amount": round(dollars, 6), "period": "month"}
    request = CreateKeyRequest.model_validate({"name": "load", "budget": budget})
    return await ApiKeyService(database, settings).create(USER, request)


async def wait_until_ended(database: Database, ticket_ids: list[str]) -> None:
    async with asyncio.timeout(300):
        while True:
            tickets = await asyncio.gather(*(database.tickets.get(ticket_id) for ticket_id in ticket_ids))
            if all(ticket is not None and ticket.status.finished for ticket in tickets):
                break
            await asyncio.sleep(0.2)
    assert {ticket and ticket.status for ticket in tickets} == {TicketStatus.COMPLETED}


async def check_sums(database: Database, created: CreatedKey, answered: int) -> None:
    """All records agree, and nothing is held any more."""
    period = await database.key_periods.get(period_id(created.id, Period.MONTH, clock.now()))
    account = await database.accounts.get("u")
    assert period is not None
    assert account is not None
    total = answered * PICOS_PER_CALL
    entries: list[Any] = await database._client.collection("users/u/usage").get()  # pyright: ignore[reportPrivateUsage]
    charged: list[dict[str, Any]] = [entry.to_dict() or {} for entry in entries]
    assert (period.held, account.held, account.unfinished) == (0, 0, 0)
    assert period.spent == total == account.spent * 1_000_000 + account.residue
    assert sum(entry["charged"] for entry in charged) * 1_000_000 == total
    assert {json.loads(entry["metadata"])["key_id"] for entry in charged} == {created.id}
