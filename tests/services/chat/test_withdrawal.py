"""If submitting fails after the chat was stored, the chat is withdrawn without a charge, or can be looked up."""

from datetime import datetime
from typing import Any

import grpc
import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.errors import NotFound, OutcomeUnknown, Unavailable
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.services.chat.withdrawal import WithdrawalService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import QueueRefused, task_queue
from tests.database_faults import break_commits
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.chat.keyed_chats import KEY, get_held, limited_request, submit_once, take


@pytest.fixture
async def impatient(settings: Settings, catalog: Catalog) -> ChatService:
    """Returns a service that gives up after an outage of two seconds. The database is already connected."""
    short_timeout = settings.model_copy(update={"store_timeout_seconds": 2.0})
    database = Database(settings)
    async with database.raising_unavailable():
        await database.tickets.get("none")
    return ChatService(Database(short_timeout), task_queue(short_timeout), catalog, short_timeout)


async def test_a_chat_that_could_not_be_queued_may_be_sent_again_with_its_key(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """The first request gets 503, and its chat and hold are withdrawn, so the second request submits a new chat."""
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(Unavailable) as raised:
        await submit_once(chat, caller)
    assert not isinstance(raised.value, OutcomeUnknown)
    assert await get_held(database, caller) == 0
    _, replayed = await submit_once(chat, caller)
    assert not replayed
    assert len(cloud_tasks.tasks) == 1


async def test_a_chat_that_a_second_request_received_is_not_withdrawn(
    chat: ChatService,
    database: Database,
    settings: Settings,
    catalog: Catalog,
    caller: Caller,
    cloud_tasks: CloudTasksServer,
) -> None:
    """If the queue rejects the first request after the second has the ticket, both get it, and it stays pending."""
    received: list[str] = []

    class LateRejectingQueue:
        async def enqueue(self, name: str, payload: dict[str, str], at: datetime | None = None) -> None:
            accepted, _ = await submit_once(chat, caller)
            received.append(accepted.ticket_id)
            raise QueueRefused("not now")

    accepted, _ = await submit_once(ChatService(database, LateRejectingQueue(), catalog, settings), caller)
    assert received == [accepted.ticket_id]
    assert (await TicketService(database).look_up(caller, accepted.ticket_id)).status is TicketStatus.PENDING
    assert len(cloud_tasks.tasks) == 1


async def test_a_second_request_that_the_queue_rejects_gets_its_ticket(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """An accepted chat is not withdrawn when it is sent again and the queue rejects it."""
    accepted, _ = await submit_once(chat, caller)
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    assert await submit_once(chat, caller) == (accepted, True)
    assert (await TicketService(database).look_up(caller, accepted.ticket_id)).status is TicketStatus.PENDING


@pytest.mark.parametrize("key", [None, KEY])
async def test_a_chat_with_an_unknown_outcome_names_its_ticket(
    chat: ChatService,
    impatient: ChatService,
    caller: Caller,
    database: Database,
    cloud_tasks: CloudTasksServer,
    key: str | None,
) -> None:
    """If a chat is stored, but the database fails before it confirms this, the caller can look up the chat.

    Without a key, the chat's withdrawal is queued. With a key, the chat can be sent again and is accepted.
    """
    restore = break_commits(database, 1, 1)
    with pytest.raises(OutcomeUnknown) as unknown:
        await submit_once(impatient, caller, key=key)
    restore()
    ticket_id = unknown.value.body["ticket_id"]
    assert ticket_id in unknown.value.message
    assert unknown.value.status == 503
    assert unknown.value.retry_after
    assert (await TicketService(database).look_up(caller, ticket_id)).status is TicketStatus.PENDING
    names = [name.rpartition("/")[2] for name in cloud_tasks.tasks]
    if key is None:
        assert names == [f"{ticket_id}-withdraw"]
        return
    assert names == []
    accepted, replayed = await submit_once(chat, caller)
    assert (accepted.ticket_id, replayed) == (ticket_id, True)
    assert len(cloud_tasks.tasks) == 1


async def test_a_chat_with_an_unknown_outcome_may_not_exist(
    chat: ChatService, impatient: ChatService, caller: Caller, database: Database
) -> None:
    """A chat that was not stored because the database was down is not found."""
    restore = break_commits(database, 1)
    with pytest.raises(OutcomeUnknown) as unknown:
        await submit_once(impatient, caller)
    restore()
    with pytest.raises(NotFound):
        await TicketService(database).look_up(caller, unknown.value.body["ticket_id"])
    assert await get_held(database, caller) == 0
    _, replayed = await submit_once(chat, caller)
    assert not replayed


@pytest.mark.parametrize("applied", [(), (1,)])
async def test_a_rejected_chat_stays_rejected(
    impatient: ChatService,
    database: Database,
    caller: Caller,
    monkeypatch: pytest.MonkeyPatch,
    applied: tuple[int, ...],
) -> None:
    """If the commit that stores a chat fails and its withdrawal succeeds, the caller gets 503.

    No hold remains, and the ticket has ended. A commit that arrives later has no effect.
    """
    restore = break_commits(database, 1, *applied)
    withdraw = WithdrawalService.withdraw

    async def withdraw_after_repair(self: WithdrawalService, *args: Any) -> bool:
        restore()
        return await withdraw(self, *args)

    monkeypatch.setattr(WithdrawalService, "withdraw", withdraw_after_repair)
    with pytest.raises(Unavailable) as raised:
        await submit_once(impatient, caller, key=None)
    assert not isinstance(raised.value, OutcomeUnknown)
    assert await get_held(database, caller) == 0
    (ticket,) = await database._client.collection("tickets").get()  # pyright: ignore[reportPrivateUsage]
    found = await TicketService(database).look_up(caller, ticket.id)
    assert (found.status, found.result) == (TicketStatus.FAILED, None)
    assert "Nothing was charged" in str(found.error)


async def test_a_late_withdrawal_does_not_end_a_ticket_that_a_worker_has(
    chat: ChatService, caller: Caller, database: Database, settings: Settings
) -> None:
    """A withdrawal ends only a ticket that no worker has begun. An unknown ticket causes no error."""
    withdrawals = WithdrawalService(database, settings)
    first, second = [await chat.submit(caller, limited_request()) for _ in range(2)]
    await take(database, second.ticket_id)
    for ticket_id in (first.ticket_id, second.ticket_id, "unknown"):
        for _ in range(2):
            await withdrawals.withdraw_by_id(ticket_id)
    assert (await TicketService(database).look_up(caller, first.ticket_id)).status is TicketStatus.FAILED
    assert (await TicketService(database).look_up(caller, second.ticket_id)).status is TicketStatus.PROCESSING
    ticket = await database.tickets.get(second.ticket_id)
    assert ticket is not None
    assert await get_held(database, caller) == ticket.hold
