"""Callers delete their finished tickets, with everything that belongs to them."""

import asyncio

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.models.caller import Caller
from shared.models.errors import Conflict, NotFound, Unavailable
from shared.models.ticket import Ticket
from shared.services.chat import tickets as ticket_service
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.settings import Settings
from shared.store import Database
from tests.database_faults import break_commits, lose_responses
from tests.rules.stored import list_document_paths
from tests.services.chat.keyed_chats import KEY, chat_request, get_held
from tests.services.chat.stored_tickets import NOW, complete, end, make_ticket, store_ticket


@pytest.fixture
def finished(caller: Caller) -> Ticket:
    return complete(make_ticket(caller.uid))


async def test_a_finished_ticket_is_deleted_with_everything_that_belongs_to_it(
    tickets: TicketService, caller: Caller, database: Database, project: str, finished: Ticket
) -> None:
    """The ticket, its request and its parts are gone. Other tickets and their parts are not. A repetition is 404."""
    other = await store_ticket(database, complete(make_ticket(caller.uid)), parts=3)
    kept = await list_document_paths(project)
    await store_ticket(database, finished, parts=1_001)
    await tickets.delete(caller, finished.id)
    assert await list_document_paths(project) == kept
    assert [path for path in kept if other in path and "parts" in path]
    for attempt in (tickets.look_up, tickets.delete):
        with pytest.raises(NotFound):
            await attempt(caller, finished.id)


@pytest.mark.parametrize("leased", [False, True], ids=["pending", "processing"])
async def test_a_ticket_that_has_not_ended_is_not_deleted(
    tickets: TicketService, caller: Caller, database: Database, project: str, leased: bool
) -> None:
    """The error says that it has to be cancelled first, and nothing of it is deleted."""
    ticket = make_ticket(caller.uid)
    if leased:
        ticket = ticket.lease_to("worker", NOW, 60)
    await store_ticket(database, ticket, parts=2)
    before = await list_document_paths(project)
    with pytest.raises(Conflict, match=rf"is {ticket.status}.* Cancel it first \(POST /chat/{ticket.id}/cancel\)"):
        await tickets.delete(caller, ticket.id)
    assert await list_document_paths(project) == before


@pytest.mark.parametrize("end_ticket", ["failed", "cancelled"])
async def test_a_ticket_without_a_result_is_deleted(
    tickets: TicketService, caller: Caller, database: Database, project: str, end_ticket: str
) -> None:
    """Failed and cancelled tickets can be deleted, too."""
    ticket = make_ticket(caller.uid)
    await store_ticket(database, ticket.fail("No.", NOW) if end_ticket == "failed" else ticket.cancel(None, NOW))
    await tickets.delete(caller, ticket.id)
    assert await list_document_paths(project) == []


async def test_another_users_ticket_is_not_deleted(
    tickets: TicketService, database: Database, finished: Ticket
) -> None:
    """Another user's ticket causes the same error as an unknown one, even for an administrator."""
    await store_ticket(database, finished, parts=1)
    for stranger in (Caller(uid="another"), Caller(uid="boss", claims={"admin": True})):
        with pytest.raises(NotFound):
            await tickets.delete(stranger, finished.id)
    assert await database.tickets.get(finished.id) == finished
    assert await database.parts.list(finished.id, 0, 10)


@pytest.mark.parametrize("broken_commit", [1, 2, 3, 4])
async def test_an_interrupted_deletion_can_be_repeated(
    settings: Settings, caller: Caller, project: str, finished: Ticket, broken_commit: int
) -> None:
    """If the database fails at any step, the ticket can still be found, and deleted with what is left of it."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 1.0}))
    tickets = TicketService(database)
    await store_ticket(database, finished, parts=600)
    restore = break_commits(database, broken_commit)
    with pytest.raises(Unavailable):
        await tickets.delete(caller, finished.id)
    restore()
    assert (await tickets.look_up(caller, finished.id)).result is not None
    await tickets.delete(caller, finished.id)
    assert await list_document_paths(project) == []


async def test_a_deletion_whose_response_is_lost_succeeds(
    tickets: TicketService, caller: Caller, database: Database, finished: Ticket
) -> None:
    """If the last commit's response is lost, the ticket is gone, and the caller does not get an error."""
    await store_ticket(database, finished)
    lose_responses(database, ServiceUnavailable("gone"), 2)  # the first one deletes the request
    await tickets.delete(caller, finished.id)
    assert await database.tickets.get(finished.id) is None


async def test_concurrent_deletions_do_not_fail(
    tickets: TicketService, caller: Caller, database: Database, project: str, finished: Ticket
) -> None:
    """Of several deletions at the same time, at least one succeeds, and the others may find no ticket."""
    await store_ticket(database, finished, parts=20)
    deletions = (tickets.delete(caller, finished.id) for _ in range(5))
    outcomes = await asyncio.gather(*deletions, return_exceptions=True)
    assert None in outcomes
    assert all(outcome is None or isinstance(outcome, NotFound) for outcome in outcomes)
    assert await list_document_paths(project) == []


async def test_the_number_of_parts_deleted_by_a_request_is_limited(
    tickets: TicketService,
    caller: Caller,
    database: Database,
    finished: Ticket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Parts beyond the limit stay until they expire. Their ticket is gone, without which nobody may read them."""
    monkeypatch.setattr(ticket_service, "MAX_PARTS_DELETED", 505)
    await store_ticket(database, finished, parts=510)
    await tickets.delete(caller, finished.id)
    assert await database.tickets.get(finished.id) is None
    assert len(await database.parts.list(finished.id, 0, 1000)) == 5


async def test_a_chat_that_is_repeated_after_its_deletion_gets_the_deleted_ticket(
    chat: ChatService, tickets: TicketService, caller: Caller, database: Database
) -> None:
    """The key still names the deleted ticket. The chat is neither stored nor charged again."""
    accepted, _ = await chat.submit_once(caller, chat_request(), KEY)
    await end(database, accepted.ticket_id)
    await tickets.delete(caller, accepted.ticket_id)
    held = await get_held(database, caller)
    assert await chat.submit_once(caller, chat_request(), KEY) == (accepted, True)
    with pytest.raises(NotFound):
        await tickets.look_up(caller, accepted.ticket_id)
    assert await database.tickets.get_request(accepted.ticket_id) is None
    assert await get_held(database, caller) == held
