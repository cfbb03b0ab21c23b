"""A chat that was not accepted as far as its caller knows: it is withdrawn and costs nothing, or can be found."""

from typing import Any

import grpc
import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.errors import (
    NotFound,
    OutcomeUnknown,
    Unavailable,
)
from shared.services.chat.submission import ChatService
from shared.services.chat.withdrawal import WithdrawalService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import QueueRefused, task_queue
from tests.database_faults import break_commits
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.chat.keyed_chats import KEY, asking, held
from tests.services.chat.test_submission import take


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


async def test_a_chat_that_could_not_be_queued_may_be_sent_again_under_its_key(
    chat: ChatService, caller: Caller, database: Database, cloud_tasks: CloudTasksServer
) -> None:
    """503: it was withdrawn, so the second is a new chat; nothing is held for the first."""
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(Unavailable) as refused:
        await chat.submit_once(caller, asking(), KEY)
    assert not isinstance(refused.value, OutcomeUnknown)
    assert await held(database, caller) == 0
    _, replayed = await chat.submit_once(caller, asking(), KEY)
    assert not replayed
    assert len(cloud_tasks.tasks) == 1


async def test_a_chat_that_a_second_request_got_is_not_withdrawn(
    database: Database, settings: Settings, catalog: Catalog, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """The queue refuses the first request after the second has the ticket: both get it, and it is answered."""
    chat = ChatService(database, task_queue(settings), catalog, settings)
    given: list[str] = []

    class RefusesAfterASecond:
        async def enqueue(self, name: str, payload: dict[str, str]) -> None:
            accepted, _ = await chat.submit_once(caller, asking(), KEY)
            given.append(accepted.ticket_id)
            raise QueueRefused("not now")

    accepted, _ = await ChatService(database, RefusesAfterASecond(), catalog, settings).submit_once(
        caller, asking(), KEY
    )
    assert given == [accepted.ticket_id]
    assert (await chat.look_up(caller, accepted.ticket_id)).status is TicketStatus.PENDING
    assert len(cloud_tasks.tasks) == 1


async def test_a_second_request_that_the_queue_refuses_gets_its_ticket(
    chat: ChatService, caller: Caller, cloud_tasks: CloudTasksServer
) -> None:
    """An accepted chat is not withdrawn because it is sent again."""
    accepted, _ = await chat.submit_once(caller, asking(), KEY)
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    assert await chat.submit_once(caller, asking(), KEY) == (accepted, True)
    assert (await chat.look_up(caller, accepted.ticket_id)).status is TicketStatus.PENDING


@pytest.mark.parametrize("key", [None, KEY])
async def test_a_chat_with_an_unknown_outcome_names_its_ticket(
    chat: ChatService,
    impatient: ChatService,
    caller: Caller,
    database: Database,
    cloud_tasks: CloudTasksServer,
    key: str | None,
) -> None:
    """It was stored, the answer was lost, and the database is out: the caller can look it up. Without a key, a
    withdrawal is queued. With its key it may be sent again, and is accepted.
    """
    restore = break_commits(database, 1, 1)
    with pytest.raises(OutcomeUnknown) as unknown:
        await impatient.submit_once(caller, asking(), key)
    restore()
    ticket_id = unknown.value.body["ticket_id"]
    assert ticket_id in unknown.value.message
    assert unknown.value.status == 503
    assert unknown.value.retry_after
    assert (await chat.look_up(caller, ticket_id)).status is TicketStatus.PENDING
    names = [name.rpartition("/")[2] for name in cloud_tasks.tasks]
    if key is None:
        assert names == [f"{ticket_id}-withdraw"]
        return
    assert names == []
    accepted, replayed = await chat.submit_once(caller, asking(), key)
    assert (accepted.ticket_id, replayed) == (ticket_id, True)
    assert len(cloud_tasks.tasks) == 1


async def test_a_chat_with_an_unknown_outcome_may_not_exist(
    chat: ChatService, impatient: ChatService, caller: Caller, database: Database
) -> None:
    """It was not stored, since the database is out. The look-up says so."""
    restore = break_commits(database, 1)
    with pytest.raises(OutcomeUnknown) as unknown:
        await impatient.submit_once(caller, asking(), KEY)
    restore()
    with pytest.raises(NotFound):
        await chat.look_up(caller, unknown.value.body["ticket_id"])
    assert await held(database, caller) == 0
    _, replayed = await chat.submit_once(caller, asking(), KEY)
    assert not replayed


@pytest.mark.parametrize("applied", [(), (1,)])
async def test_a_refused_chat_stays_refused(
    impatient: ChatService,
    database: Database,
    caller: Caller,
    monkeypatch: pytest.MonkeyPatch,
    applied: tuple[int, ...],
) -> None:
    """The admission's answer is lost, the withdrawal goes through: 503, nothing is held, and the ticket has ended. A
    commit that arrives later has no effect.
    """
    restore = break_commits(database, 1, *applied)
    withdraw = WithdrawalService.withdraw

    async def withdraw_after_repair(self: WithdrawalService, *args: Any) -> bool:
        restore()
        return await withdraw(self, *args)

    monkeypatch.setattr(WithdrawalService, "withdraw", withdraw_after_repair)
    with pytest.raises(Unavailable) as refused:
        await impatient.submit_once(caller, asking(), None)
    assert not isinstance(refused.value, OutcomeUnknown)
    assert await held(database, caller) == 0
    (ticket,) = await database._client.collection("tickets").get()  # pyright: ignore[reportPrivateUsage]
    found = await impatient.look_up(caller, ticket.id)
    assert (found.status, found.result) == (TicketStatus.FAILED, None)
    assert "Nothing was charged" in str(found.error)


async def test_a_late_withdrawal_leaves_a_ticket_that_a_worker_has(
    chat: ChatService, caller: Caller, database: Database, settings: Settings
) -> None:
    """The ticket ends if no worker has begun it. Unknown tickets are not an error."""
    withdrawals = WithdrawalService(database, settings)
    first, second = await chat.submit(caller, asking()), await chat.submit(caller, asking())
    await take(database, second.ticket_id)
    for ticket_id in (first.ticket_id, second.ticket_id, "unknown"):
        for _ in range(2):
            await withdrawals.withdraw_by_id(ticket_id)
    assert (await chat.look_up(caller, first.ticket_id)).status is TicketStatus.FAILED
    assert (await chat.look_up(caller, second.ticket_id)).status is TicketStatus.PROCESSING
    ticket = await database.tickets.get(second.ticket_id)
    assert ticket is not None
    assert await held(database, caller) == ticket.hold
