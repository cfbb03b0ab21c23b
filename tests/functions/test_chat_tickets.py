"""Tests the routes that list and delete tickets: shapes, status codes, ownership, and all paths."""

import httpx
import pytest

import functions.chat.main as chat
from shared.models.caller import LOCAL_USER
from shared.models.ticket import Ticket
from shared.store import Database
from tests.conftest import Lines
from tests.functions.conftest import AuthHeaders, Serve
from tests.services.chat.stored_tickets import complete, make_ticket, store_ticket

BODY = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1-mini"}


async def store_finished(database: Database, owner: str = LOCAL_USER, age: float = 0.0) -> Ticket:
    ticket = complete(make_ticket(owner, age))
    await store_ticket(database, ticket, parts=2)
    return ticket


def ids_of(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [ticket["ticket_id"] for ticket in response.json()]


@pytest.mark.parametrize("path", ["/api/chat", "/chat", "/"])
async def test_tickets_are_listed_as_look_ups_return_them(serve: Serve, database: Database, path: str) -> None:
    """The list has the same tickets as single look-ups, without messages, at every path."""
    client = serve(chat)
    finished = await store_finished(database)
    accepted = (await client.post("/chat", json=BODY)).json()["ticket_id"]
    response = await client.get(path)
    assert ids_of(response) == [accepted, finished.id]
    assert response.json() == [(await client.get(f"/chat/{id_}")).json() for id_ in (accepted, finished.id)]
    assert "x-next-page-token" not in response.headers
    assert "messages" not in response.text


async def test_a_list_has_pages(serve: Serve, database: Database) -> None:
    """A header has the token of the next page, and the last page has no such header."""
    client = serve(chat)
    stored = [(await store_finished(database, age=age)).id for age in range(3)]
    first = await client.get("/chat", params={"limit": 2})
    last = await client.get("/chat", params={"limit": 2, "pageToken": first.headers["x-next-page-token"]})
    assert ids_of(first) + ids_of(last) == stored
    assert "x-next-page-token" not in last.headers
    assert ids_of(await client.get("/chat")) == stored


async def test_a_list_can_be_limited_to_a_status(serve: Serve, database: Database) -> None:
    """With a status, the list has only the tickets that have it."""
    client = serve(chat)
    finished = await store_finished(database)
    accepted = (await client.post("/chat", json=BODY)).json()["ticket_id"]
    expected = {"pending": [accepted], "completed": [finished.id], "processing": [], "failed": [], "cancelled": []}
    for status, ids in expected.items():
        assert ids_of(await client.get("/chat", params={"status": status})) == ids


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "many"),
        ("status", "done"),
        ("status", ""),
        ("status", "COMPLETED"),
        ("pageToken", "x" * 5001),
    ],
)
async def test_an_invalid_parameter_of_a_list_is_422(serve: Serve, name: str, value: str) -> None:
    """The error for an invalid parameter names it."""
    response = await serve(chat).get("/chat", params={name: value})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", name]


async def test_an_invalid_page_token_is_400(serve: Serve) -> None:
    """A page token that no page returned gets a 400."""
    response = await serve(chat).get("/chat", params={"pageToken": "made-up"})
    assert response.status_code == 400
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("path", ["/api/chat/", "/chat/", "/"])
async def test_a_finished_ticket_is_deleted(serve: Serve, database: Database, lines: Lines, path: str) -> None:
    """A deletion has no body, and its ticket is in the log. Afterwards, the ticket is unknown to every route."""
    client = serve(chat)
    ticket = await store_finished(database)
    response = await client.delete(f"{path}{ticket.id}")
    assert (response.status_code, response.content) == (204, b"")
    assert any(line.get("ticket") == ticket.id for line in lines())
    for method in ("GET", "DELETE"):
        assert (await client.request(method, f"/chat/{ticket.id}")).status_code == 404
    assert ids_of(await client.get("/chat")) == []
    assert not await database.parts.list(ticket.id, 0, 10)


async def test_a_ticket_that_has_not_ended_is_409(serve: Serve) -> None:
    """A pending ticket is not deleted, and the error says how to cancel it."""
    client = serve(chat)
    accepted = (await client.post("/chat", json=BODY)).json()["ticket_id"]
    response = await client.delete(f"/chat/{accepted}")
    assert response.status_code == 409
    assert f"POST /chat/{accepted}/cancel" in response.json()["detail"]
    assert (await client.get(f"/chat/{accepted}")).status_code == 200


@pytest.mark.parametrize("ticket", ["unknown", "00000000-0000-4000-8000-000000000000", "%2e%2e", "%00", "__x__"])
async def test_deleting_an_unknown_ticket_is_404(serve: Serve, ticket: str) -> None:
    """An unknown ticket id, which can contain any characters, gets a 404."""
    response = await serve(chat).delete(f"/chat/{ticket}")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_a_users_tickets_are_nobody_elses(serve: Serve, database: Database, auth_headers: AuthHeaders) -> None:
    """Users list and delete only their own tickets, and so do administrators."""
    client = serve(chat, app_env="firebase")
    ticket = await store_finished(database, "mine")
    for who in ("other", "admin"):
        assert ids_of(await client.get("/chat", headers=auth_headers(who))) == []
        assert (await client.delete(f"/chat/{ticket.id}", headers=auth_headers(who))).status_code == 404
    assert ids_of(await client.get("/chat", headers=auth_headers("user"))) == [ticket.id]
    assert (await client.delete(f"/chat/{ticket.id}", headers=auth_headers("user"))).status_code == 204


async def test_a_token_of_another_users_page_shows_nothing_of_theirs(
    serve: Serve, database: Database, auth_headers: AuthHeaders
) -> None:
    """A page token only names a place in the order: the caller still sees only their own tickets."""
    client = serve(chat, app_env="firebase")
    mine = [(await store_finished(database, "mine", age=age)).id for age in (1, 3)]
    theirs = [(await store_finished(database, "other", age=age)).id for age in (0, 2)]
    first = await client.get("/chat", params={"limit": 1}, headers=auth_headers("user"))
    assert ids_of(first) == mine[:1]
    token = {"pageToken": first.headers["x-next-page-token"]}
    assert ids_of(await client.get("/chat", params=token, headers=auth_headers("other"))) == theirs[1:]


async def test_pages_of_other_origins_may_list_and_delete(serve: Serve) -> None:
    """Pages of an allowed origin may send these requests, and read the token of the next page."""
    client = serve(chat, cors_origins=["https://app.example"])
    origin = {"Origin": "https://app.example"}
    for method, path in (("GET", "/chat"), ("DELETE", "/chat/unknown")):
        preflight = {**origin, "Access-Control-Request-Method": method}
        response = await client.options(path, headers=preflight)
        assert response.status_code == 200
        assert method in response.headers["access-control-allow-methods"]
    response = await client.get("/chat", headers=origin)
    assert "x-next-page-token" in response.headers["access-control-expose-headers"].lower()
