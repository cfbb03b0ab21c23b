"""Callers look up their own tickets, and list them in pages."""

import pytest

from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.errors import BadRequest, NotFound
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.services.pagination import write_moment_token
from shared.store import Database, pages
from tests.conftest import Lines
from tests.services.chat.keyed_chats import chat_request
from tests.services.chat.stored_tickets import NOW, complete, make_ticket, put_fields, store_ticket


async def list_ids(
    tickets: TicketService, caller: Caller, limit: int, status: TicketStatus | None = None
) -> list[list[str]]:
    """Returns the ids of the tickets on each page."""
    found: list[list[str]] = []
    token = None
    while True:
        page = await tickets.list(caller, limit, token, status)
        found.append([ticket.ticket_id for ticket in page.items])
        token = page.next_token
        if token is None:
            return found


async def test_another_users_ticket_is_reported_as_unknown(
    chat: ChatService, tickets: TicketService, caller: Caller
) -> None:
    """Another user's ticket and an unknown one cause exactly the same error."""
    accepted = await chat.submit(caller, chat_request())
    with pytest.raises(NotFound) as foreign:
        await tickets.look_up(Caller(uid="another"), accepted.ticket_id)
    with pytest.raises(NotFound) as unknown:
        await tickets.look_up(caller, "00000000-0000-4000-8000-000000000000")
    assert foreign.value.message == unknown.value.message


@pytest.mark.parametrize(
    "invalid", ["", ".", "..", "__x__", "a/b", "x" * 2000, "\x00", "ü", "00000000-0000-4000-8000-00000000000G"]
)
async def test_an_invalid_ticket_id_is_not_found(tickets: TicketService, caller: Caller, invalid: str) -> None:
    """An id that is not a valid document name gets 404 and causes no internal error."""
    with pytest.raises(NotFound):
        await tickets.look_up(caller, invalid)
    with pytest.raises(NotFound):
        await tickets.delete(caller, invalid)


async def test_tickets_are_listed_newest_first(tickets: TicketService, caller: Caller, database: Database) -> None:
    """A list has the caller's own tickets as look-ups return them, in the order of their creation, whatever their
    state."""
    stored = [
        make_ticket(caller.uid, age=1),
        complete(make_ticket(caller.uid, age=3)),
        make_ticket(caller.uid, age=2).fail("No.", NOW),
        make_ticket("another"),
    ]
    for ticket in stored:
        await store_ticket(database, ticket)
    page = await tickets.list(caller, 100)
    assert page.next_token is None
    assert page.items == [await tickets.look_up(caller, stored[number].id) for number in (0, 2, 1)]
    assert page.items[2].result is not None
    assert page.items[2].result.content == "Hi."


async def test_pages_contain_every_ticket_once(tickets: TicketService, caller: Caller, database: Database) -> None:
    """Tickets that were created at the same moment are sorted by their ids, so that no page omits or repeats one."""
    ids = [await store_ticket(database, make_ticket(caller.uid, age=number // 3)) for number in range(7)]
    expected = [*sorted(ids[:3], reverse=True), *sorted(ids[3:6], reverse=True), ids[6]]
    assert await list_ids(tickets, caller, 2) == [expected[:2], expected[2:4], expected[4:6], expected[6:]]
    assert await list_ids(tickets, caller, 7) == [expected, []]
    assert await list_ids(tickets, caller, 8) == [expected]


async def test_a_list_can_be_limited_to_a_status(tickets: TicketService, caller: Caller, database: Database) -> None:
    """A list with a status has only the tickets with that status, on all of its pages."""
    completed = [await store_ticket(database, complete(make_ticket(caller.uid, age=age))) for age in (1, 3, 5)]
    pending = [await store_ticket(database, make_ticket(caller.uid, age=age)) for age in (2, 4)]
    assert await list_ids(tickets, caller, 2, TicketStatus.COMPLETED) == [completed[:2], completed[2:]]
    assert await list_ids(tickets, caller, 100, TicketStatus.PENDING) == [pending]
    assert await list_ids(tickets, caller, 100, TicketStatus.CANCELLED) == [[]]


async def test_an_invalid_page_token_is_refused(tickets: TicketService, caller: Caller) -> None:
    """A token that no page returned gets 400. One of another list only names a place in the order."""
    for token in ("", "x", "AAAA", write_moment_token(NOW, "__x__")):
        with pytest.raises(BadRequest, match="page token"):
            await tickets.list(caller, 100, token)
    assert (await tickets.list(caller, 100, write_moment_token(NOW, "demo"))).items == []


async def test_unreadable_tickets_are_omitted(
    tickets: TicketService, caller: Caller, database: Database, lines: Lines
) -> None:
    """A broken ticket is logged, and hides no other, even at the end of a page."""
    ids = [await store_ticket(database, make_ticket(caller.uid, age=age)) for age in range(5)]
    await put_fields(database, ids[1], attempts="many")
    await put_fields(database, ids[2], result="{")
    await put_fields(database, ids[3], created_at="yesterday")
    assert await list_ids(tickets, caller, 2) == [[ids[0]], [ids[4]], []]
    logged = [line["ticket"] for line in lines() if line["message"].startswith("A ticket cannot be read")]
    assert logged == [ids[1], ids[2]]


async def test_large_results_make_short_pages(
    tickets: TicketService, caller: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page ends when its tickets exceed the limit in bytes, and the next page continues after it."""
    monkeypatch.setattr(pages, "MAX_PAGE_BYTES", 100_000)
    large = [complete(make_ticket(caller.uid, age=age), "x" * 60_000) for age in range(3)]
    ids = [await store_ticket(database, ticket) for ticket in large]
    assert await list_ids(tickets, caller, 100) == [ids[:2], ids[2:]]
