"""A chat with an `Idempotency-Key` is accepted once. The key of a rejected chat is not stored."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.llm.catalog import Catalog
from shared.models.account import Account
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, TicketStatus
from shared.models.errors import AllowanceSpent, BadRequest, Conflict, TooManyRequests
from shared.services.agents.deployments import DeploymentService
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from tests.database_data import store_account
from tests.database_faults import lose_responses
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.chat.keyed_chats import (
    KEY,
    chat_request,
    count_stored_keys,
    get_held,
    limited_request,
    submit_once,
)
from tests.services.publishing import publish


async def test_the_same_chat_gets_the_same_ticket(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """A repeated chat causes no second hold or task. The order of its fields does not matter."""
    request = limited_request()
    reordered = ChatRequest.model_validate(dict(reversed(request.model_dump().items())))
    accepted, replayed = await chat.submit_once(caller, request, KEY)
    assert not replayed
    held = await get_held(database, caller)
    for repeated in (request, reordered):
        assert await chat.submit_once(caller, repeated, KEY) == (accepted, True)
    assert await get_held(database, caller) == held > 0
    assert len(cloud_tasks.tasks) == 1


async def test_a_hundred_concurrent_requests_get_one_ticket(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """The requests reach two processes, each with its own lock, so the database has to decide."""
    chats = [ChatService(Database(settings), task_queue(settings), catalog, settings) for _ in range(2)]
    outcomes = await asyncio.gather(*(submit_once(chats[number % 2], caller) for number in range(100)))
    assert len({accepted.ticket_id for accepted, _ in outcomes}) == 1
    assert sorted(replayed for _, replayed in outcomes) == [False] + [True] * 99
    assert len(cloud_tasks.tasks) == 1
    other = Caller(uid="another")
    await chats[0].submit(other, limited_request())
    assert await get_held(database, caller) == await get_held(database, other)


async def test_two_processes_at_the_same_moment_accept_one_chat(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """If both find no ticket and write one, one of them fails to commit and returns the other's ticket."""
    barrier = asyncio.Barrier(2)

    class Process(Database):
        async def transaction(self, body: Any, serialize_on: str | None = None, *, urgent: bool = False) -> Any:
            runs = iter(range(100))

            async def wait_for_the_other(transaction: Any) -> Any:
                result = await body(transaction)
                if next(runs) == 0:
                    await barrier.wait()
                return result

            return await super().transaction(wait_for_the_other)

    chats = [ChatService(Process(settings), task_queue(settings), catalog, settings) for _ in range(2)]
    outcomes = await asyncio.gather(*(submit_once(chat, caller) for chat in chats))
    assert sorted(replayed for _, replayed in outcomes) == [False, True]
    assert len({accepted.ticket_id for accepted, _ in outcomes}) == len(cloud_tasks.tasks) == 1


async def test_a_different_chat_with_the_same_key_is_a_conflict(chat: ChatService, caller: Caller) -> None:
    """Any difference between the chats causes 409. Another caller can use the same key for another chat."""
    accepted, _ = await submit_once(chat, caller)
    for other in (limited_request("bye"), limited_request(stream=True), limited_request(model="gpt-4.1")):
        with pytest.raises(Conflict, match="Idempotency-Key"):
            await chat.submit_once(caller, other, KEY)
    accepted_for_another, replayed = await submit_once(chat, Caller(uid="another"), "bye")
    assert not replayed
    assert accepted_for_another.ticket_id != accepted.ticket_id


async def test_a_key_is_valid_for_a_day(chat: ChatService, caller: Caller, database: Database) -> None:
    """An expired key does not count even if the database has not deleted it yet."""
    accepted, _ = await submit_once(chat, caller)
    for document in await database._client.collection("idempotency").get():  # pyright: ignore[reportPrivateUsage]
        expiry = (document.to_dict() or {})["expire_at"]
        assert abs(expiry - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=5)
        await document.reference.update({"expire_at": datetime.now(UTC) - timedelta(seconds=1)})
    new, replayed = await submit_once(chat, caller, "something else")
    assert not replayed
    assert new.ticket_id != accepted.ticket_id
    assert (await submit_once(chat, caller, "something else"))[0] == new


async def test_the_key_of_a_rejected_chat_is_not_stored(
    chat: ChatService, settings: Settings, catalog: Catalog, caller: Caller, database: Database
) -> None:
    """After a 400, 402 or 429, the key can be used again, even for a different chat."""
    with pytest.raises(BadRequest):
        await submit_once(chat, caller, model="gpt-nothing")
    now = datetime.now(UTC)
    spent_account = Account(uid=caller.uid, allowance=1, remaining=0, created_at=now, updated_at=now)
    await store_account(database, spent_account)
    with pytest.raises(AllowanceSpent):
        await submit_once(chat, caller)
    account = await database.accounts.get(caller.uid)
    assert account is not None
    await store_account(database, account.model_copy(update={"remaining": 10**6}))
    _, replayed = await submit_once(chat, caller, "hello")
    assert not replayed
    one_per_minute = settings.model_copy(update={"chat_rate_per_minute": 1})
    limited, sender = ChatService(database, task_queue(settings), catalog, one_per_minute), Caller(uid="sender")
    await limited.submit(sender, limited_request())
    before = await count_stored_keys(database)
    with pytest.raises(TooManyRequests):
        await submit_once(limited, sender)
    assert await count_stored_keys(database) == before == 1


async def test_a_replay_gets_its_ticket_even_if_the_chat_would_now_be_rejected(
    chat: ChatService, caller: Caller, database: Database, settings: Settings
) -> None:
    """The ticket is returned even if the agent is no longer published and the allowance is spent."""
    agent = await publish(database, caller, "echo")
    request = chat_request(provider="gofannon", model="echo")
    accepted, _ = await chat.submit_once(caller, request, KEY)
    await DeploymentService(database, settings).undeploy(caller, agent.id)
    account = await database.accounts.get(caller.uid)
    assert account is not None
    await store_account(database, account.model_copy(update={"remaining": 0}))
    assert await chat.submit_once(caller, request, KEY) == (accepted, True)


async def test_a_lost_response_creates_no_second_chat(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """The retry recognizes the commit whose response was lost, and does not count as a replay."""
    lose_responses(database, ServiceUnavailable("gone"), 1)
    accepted, replayed = await submit_once(chat, caller)
    assert not replayed
    assert len(cloud_tasks.tasks) == 1
    assert (await submit_once(chat, caller))[0] == accepted


async def test_a_chat_whose_first_request_was_killed_before_queueing_is_queued_by_the_second(
    chat: ChatService,
    database: Database,
    settings: Settings,
    catalog: Catalog,
    caller: Caller,
    cloud_tasks: CloudTasksServer,
) -> None:
    """The second request gets the ticket and queues it, so that it does not wait for the sweep."""

    class Killed(BaseException):
        pass

    class KillingQueue:
        async def enqueue(self, name: str, payload: dict[str, str], at: datetime | None = None) -> None:
            raise Killed

    with pytest.raises(Killed):
        await submit_once(ChatService(database, KillingQueue(), catalog, settings), caller)
    assert not cloud_tasks.tasks
    accepted, replayed = await submit_once(chat, caller)
    assert replayed
    assert [name.rpartition("/")[2] for name in cloud_tasks.tasks] == [f"{accepted.ticket_id}-1"]
    assert (await TicketService(database).look_up(caller, accepted.ticket_id)).status is TicketStatus.PENDING
