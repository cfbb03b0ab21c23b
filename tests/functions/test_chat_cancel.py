"""Tests the route that cancels a chat: shapes, status codes, ownership, and all paths."""

import pytest

import functions.chat.main as chat
from shared.models.caller import LOCAL_USER
from shared.store import Database
from tests.conftest import Lines
from tests.functions.conftest import AuthHeaders, Serve
from tests.services.chat.stored_tickets import complete, make_ticket, store_ticket

BODY = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1-mini"}


@pytest.mark.parametrize("path", ["/api/chat", "/chat", ""])
async def test_a_waiting_chat_ends_at_once(serve: Serve, lines: Lines, path: str) -> None:
    """The response is the ticket as look-ups return it from then on, also when it is cancelled again."""
    client = serve(chat)
    ticket_id = (await client.post("/chat", json=BODY)).json()["ticket_id"]
    response = await client.post(f"{path}/{ticket_id}/cancel")
    assert response.status_code == 200
    ticket = response.json()
    assert (ticket["status"], ticket["result"], ticket["error"]) == ("cancelled", None, None)
    assert ticket["completed_at"] is not None
    assert any(line.get("ticket") == ticket_id for line in lines())
    assert (await client.post(f"{path}/{ticket_id}/cancel")).json() == ticket
    assert (await client.get(f"/chat/{ticket_id}")).json() == ticket
    assert (await client.delete(f"/chat/{ticket_id}")).status_code == 204


async def test_a_chat_that_has_ended_stays_as_it_is(serve: Serve, database: Database) -> None:
    """Cancelling a completed chat returns it with its result."""
    stored = complete(make_ticket(LOCAL_USER, 0))
    await store_ticket(database, stored)
    response = await serve(chat).post(f"/chat/{stored.id}/cancel")
    assert (response.status_code, response.json()["status"]) == (200, "completed")
    assert response.json()["result"]["content"]


@pytest.mark.parametrize("ticket", ["unknown", "00000000-0000-4000-8000-000000000000", "%2e%2e", "%00", "__x__"])
async def test_cancelling_an_unknown_chat_is_404(serve: Serve, ticket: str) -> None:
    """An unknown ticket id, which can contain any characters, gets a 404."""
    response = await serve(chat).post(f"/chat/{ticket}/cancel")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_only_its_owner_can_cancel_a_chat(serve: Serve, auth_headers: AuthHeaders) -> None:
    """To others, even administrators, the chat does not exist, and it goes on."""
    client = serve(chat, app_env="firebase")
    ticket_id = (await client.post("/chat", json=BODY, headers=auth_headers("user"))).json()["ticket_id"]
    for who in ("other", "admin"):
        assert (await client.post(f"/chat/{ticket_id}/cancel", headers=auth_headers(who))).status_code == 404
    assert (await client.get(f"/chat/{ticket_id}", headers=auth_headers("user"))).json()["status"] == "pending"
    assert (await client.post(f"/chat/{ticket_id}/cancel", headers=auth_headers("user"))).status_code == 200
