"""A chat under an `Idempotency-Key` is accepted once; and a chat that was refused is not charged, or can be found."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.llm.catalog import Catalog
from shared.models.account import Account
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, TicketStatus
from shared.models.errors import (
    AllowanceSpent,
    BadRequest,
    Conflict,
    TooManyRequests,
)
from shared.services.agents.deployments import DeploymentService
from shared.services.chat.submission import ChatService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from tests.database_data import store_account
from tests.database_faults import lose_answers
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.chat.keyed_chats import KEY, asking, held, kept
from tests.services.chat.test_submission import request
from tests.services.publishing import publish


@pytest.fixture
async def impatient(settings: Settings, catalog: Catalog) -> ChatService:
    """It gives up soon in an outage; the connection exists already."""
    soon = settings.model_copy(update={"store_timeout_seconds": 2.0})
    database = Database(settings)
    async with database.raising_unavailable():
        await database.tickets.get("none")
    return ChatService(Database(soon), task_queue(soon), catalog, soon)


@pytest.fixture
async def chat(database: Database, settings: Settings, catalog: Catalog) -> ChatService:
    return ChatService(database, task_queue(settings), catalog, settings)


async def test_the_same_chat_gets_the_same_ticket(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """It is held for, counted and queued once. Another order of fields is the same chat."""
    first, again = asking(), ChatRequest.model_validate(dict(reversed(asking().model_dump().items())))
    accepted, replayed = await chat.submit_once(caller, first, KEY)
    assert not replayed
    once_held = await held(database, caller)
    for body in (first, again):
        assert await chat.submit_once(caller, body, KEY) == (accepted, True)
    assert await held(database, caller) == once_held > 0
    assert len(cloud_tasks.tasks) == 1


async def test_a_hundred_at_once_get_one_ticket(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """From as many processes, each with its own lock, so that the database decides."""
    chats = [ChatService(Database(settings), task_queue(settings), catalog, settings) for _ in range(2)]
    outcomes = await asyncio.gather(*(chats[number % 2].submit_once(caller, asking(), KEY) for number in range(100)))
    assert len({accepted.ticket_id for accepted, _ in outcomes}) == 1
    assert sorted(replayed for _, replayed in outcomes) == [False] + [True] * 99
    assert len(cloud_tasks.tasks) == 1
    alone = Caller(uid="another")
    await chats[0].submit(alone, asking())
    assert await held(database, caller) == await held(database, alone)


async def test_two_processes_at_the_same_instant_accept_one_chat(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """Both find nothing and write. One fails to commit, finds the other's ticket, and returns that."""
    together = asyncio.Barrier(2)

    class Process(Database):
        async def transaction(self, body: Any, serialize_on: str | None = None, *, urgent: bool = False) -> Any:
            runs = iter(range(100))

            async def at_the_same_time(transaction: Any) -> Any:
                result = await body(transaction)
                if next(runs) == 0:
                    await together.wait()
                return result

            return await super().transaction(at_the_same_time)

    chats = [ChatService(Process(settings), task_queue(settings), catalog, settings) for _ in range(2)]
    outcomes = await asyncio.gather(*(chat.submit_once(caller, asking(), KEY) for chat in chats))
    assert sorted(replayed for _, replayed in outcomes) == [False, True]
    assert len({accepted.ticket_id for accepted, _ in outcomes}) == len(cloud_tasks.tasks) == 1


async def test_another_chat_under_the_key_is_a_conflict(chat: ChatService, caller: Caller) -> None:
    """Whatever differs. Another caller's key is another key."""
    accepted, _ = await chat.submit_once(caller, asking(), KEY)
    for other in (asking("bye"), asking(stream=True), asking(model="gpt-4.1")):
        with pytest.raises(Conflict, match="Idempotency-Key"):
            await chat.submit_once(caller, other, KEY)
    elses, replayed = await chat.submit_once(Caller(uid="another"), asking("bye"), KEY)
    assert not replayed
    assert elses.ticket_id != accepted.ticket_id


async def test_a_key_is_valid_for_a_day(chat: ChatService, caller: Caller, database: Database) -> None:
    """Whether or not the database has deleted what has expired."""
    accepted, _ = await chat.submit_once(caller, asking(), KEY)
    for document in await database._client.collection("idempotency").get():  # pyright: ignore[reportPrivateUsage]
        expiry = (document.to_dict() or {})["expire_at"]
        assert abs(expiry - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=5)
        await document.reference.update({"expire_at": datetime.now(UTC) - timedelta(seconds=1)})
    new, replayed = await chat.submit_once(caller, asking("something else"), KEY)
    assert not replayed
    assert new.ticket_id != accepted.ticket_id
    assert (await chat.submit_once(caller, asking("something else"), KEY))[0] == new


async def test_a_refused_chat_is_not_remembered(
    chat: ChatService, settings: Settings, catalog: Catalog, caller: Caller, database: Database
) -> None:
    """400, 402 and 429 accepted nothing: the key is free, also for another chat."""
    with pytest.raises(BadRequest):
        await chat.submit_once(caller, asking(model="gpt-nothing"), KEY)
    now = datetime.now(UTC)
    poor = Account(uid=caller.uid, allowance=1, remaining=0, created_at=now, updated_at=now)
    await store_account(database, poor)
    with pytest.raises(AllowanceSpent):
        await chat.submit_once(caller, asking(), KEY)
    found = await database.accounts.get(caller.uid)
    assert found is not None
    await store_account(database, found.model_copy(update={"remaining": 10**6}))
    _, replayed = await chat.submit_once(caller, asking("hello"), KEY)
    assert not replayed
    once = settings.model_copy(update={"chat_rate_per_minute": 1})
    slow, hasty = ChatService(database, task_queue(settings), catalog, once), Caller(uid="hasty")
    await slow.submit(hasty, asking())
    before = await kept(database)
    with pytest.raises(TooManyRequests):
        await slow.submit_once(hasty, asking(), KEY)
    assert await kept(database) == before == 1


async def test_a_replay_gets_its_ticket_even_if_it_would_be_refused_now(
    chat: ChatService, caller: Caller, database: Database, settings: Settings
) -> None:
    """The agent is no longer published, and no allowance is left: the ticket is returned all the same."""
    agent = await publish(database, caller, "echo")
    body = request(provider="gofannon", model="echo")
    accepted, _ = await chat.submit_once(caller, body, KEY)
    await DeploymentService(database, settings).undeploy(caller, agent.id)
    account = await database.accounts.get(caller.uid)
    assert account is not None
    await store_account(database, account.model_copy(update={"remaining": 0}))
    assert await chat.submit_once(caller, body, KEY) == (accepted, True)


async def test_a_lost_answer_makes_no_second_chat(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """The commit went through unnoticed: it is recognised, and is not a replay."""
    lose_answers(database, ServiceUnavailable("gone"), 1)
    accepted, replayed = await chat.submit_once(caller, asking(), KEY)
    assert not replayed
    assert len(cloud_tasks.tasks) == 1
    assert (await chat.submit_once(caller, asking(), KEY))[0] == accepted


async def test_a_chat_whose_first_request_died_before_the_queue_is_queued_by_the_second(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """The function was killed in between; the second gets the ticket, which does not wait for the sweep."""

    class Killed(BaseException):
        pass

    class KilledHere:
        async def enqueue(self, name: str, payload: dict[str, str]) -> None:
            raise Killed

    with pytest.raises(Killed):
        await ChatService(database, KilledHere(), catalog, settings).submit_once(caller, asking(), KEY)
    assert not cloud_tasks.tasks
    chat = ChatService(database, task_queue(settings), catalog, settings)
    accepted, replayed = await chat.submit_once(caller, asking(), KEY)
    assert replayed
    assert [name.rpartition("/")[2] for name in cloud_tasks.tasks] == [f"{accepted.ticket_id}-1"]
    assert (await chat.look_up(caller, accepted.ticket_id)).status is TicketStatus.PENDING
