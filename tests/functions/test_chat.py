"""The chat routes: shapes, codes, ownership, by every way."""

import re
from typing import Any

import grpc
import pytest

import functions.chat.main as chat
from shared.store import Database
from tests.conftest import Lines
from tests.database_faults import break_commits
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.functions.conftest import Serve, Whom

BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": "hi"}],
    "provider": "openai",
    "model": "gpt-4.1-mini",
}
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


@pytest.mark.parametrize(("post", "get"), [("/api/chat", "/api/chat/"), ("/chat", "/chat/"), ("/", "/")])
async def test_a_ticket_at_once_and_its_status_after(serve: Serve, post: str, get: str) -> None:
    """The shapes of the contract, by every way."""
    client = serve(chat)
    accepted = await client.post(post, json=BODY)
    assert accepted.status_code == 200
    assert set(accepted.json()) == {"ticket_id", "status"}
    ticket_id = accepted.json()["ticket_id"]
    assert UUID.match(ticket_id)
    response = await client.get(f"{get}{ticket_id}")
    assert response.status_code == 200
    ticket = response.json()
    assert list(ticket) == ["ticket_id", "status", "result", "error", "created_at", "updated_at", "completed_at"]
    assert (ticket["ticket_id"], ticket["status"]) == (ticket_id, "pending")
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", ticket["created_at"])


async def test_both_spellings_are_taken(serve: Serve) -> None:
    """camelCase and snake_case, and fields that nobody knows."""
    client = serve(chat)
    for field in ("builtInTools", "built_in_tools"):
        response = await client.post("/chat", json={**BODY, field: ["time_travel"]})
        assert response.status_code == 400
        assert "time_travel" in response.json()["detail"]
    assert (await client.post("/chat", json={**BODY, "somethingNew": 1})).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"messages": []},
        {"messages": None},
        {"messages": [{"role": "robot", "content": "hi"}]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": "hi"},
        {"provider": ""},
        {"model": None},
        {"parameters": []},
        {"builtInTools": "web_search"},
        {"stream": "perhaps"},
    ],
)
async def test_a_body_that_does_not_validate_is_422(
    serve: Serve, cloud_tasks: CloudTasksServer, change: dict[str, Any]
) -> None:
    """Nothing is queued."""
    response = await serve(chat).post("/chat", json={**BODY, **change})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][:2] == ["body", *change][:2]
    assert not cloud_tasks.tasks


async def test_what_cannot_be_served_is_400(serve: Serve) -> None:
    """An unknown model, by name."""
    response = await serve(chat).post("/chat", json={**BODY, "model": "gpt-nothing"})
    assert response.status_code == 400
    assert "gpt-nothing" in response.json()["detail"]


async def test_a_queue_that_refuses_is_503(serve: Serve, cloud_tasks: CloudTasksServer) -> None:
    """To be tried again, with a time."""
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    response = await serve(chat).post("/chat", json=BODY)
    assert response.status_code == 503
    assert response.headers["retry-after"]


async def test_a_chat_comes_twice_under_its_key(serve: Serve, cloud_tasks: CloudTasksServer) -> None:
    """The same answer, which says that it was given before; another chat under the key is a conflict."""
    client = serve(chat)
    for key in ("0b1f7a52-8e1c-4c53-9c2b-0d6a3a0f1f11", "~", "a b", "k" * 255):
        headers = {"Idempotency-Key": key}
        first, again = [await client.post("/chat", json=BODY, headers=headers) for _ in range(2)]
        assert (first.status_code, again.status_code) == (200, 200)
        assert again.json() == first.json()
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        other = await client.post("/chat", json={**BODY, "stream": True}, headers=headers)
        assert other.status_code == 409
        assert set(other.json()) == {"detail"}
    assert len(cloud_tasks.tasks) == 4


async def test_a_key_is_its_users(serve: Serve, as_whom: Whom) -> None:
    """Two users may choose the same one."""
    client = serve(chat, app_env="firebase")
    answers = [
        await client.post("/chat", json=BODY, headers={**as_whom(who), "Idempotency-Key": "1"})
        for who in ("user", "other", "user")
    ]
    tickets = [answer.json()["ticket_id"] for answer in answers]
    assert tickets[0] == tickets[2] != tickets[1]


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "\x7f", "\xe9"])
async def test_what_is_no_key_is_422(serve: Serve, cloud_tasks: CloudTasksServer, key: str) -> None:
    """1 to 255 printable characters; nothing is queued."""
    response = await serve(chat).post("/chat", json=BODY, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["header", "idempotency-key"]
    assert not cloud_tasks.tasks


async def test_a_chat_of_which_nobody_knows_is_503_with_its_ticket(
    serve: Serve, database: Database, lines: Lines
) -> None:
    """The caller can look it up, and so can we."""
    client = serve(chat, store_timeout_seconds=2.0)
    await client.get("/chat/00000000-0000-4000-8000-000000000000")
    restore = break_commits(database, 1, 1)
    response = await client.post("/chat", json=BODY)
    restore()
    assert response.status_code == 503
    assert list(response.json()) == ["detail", "ticket_id"]
    ticket_id = response.json()["ticket_id"]
    assert ticket_id in response.json()["detail"]
    assert response.headers["retry-after"]
    assert (await client.get(f"/chat/{ticket_id}")).json()["status"] == "pending"
    assert any(line.get("ticket") == ticket_id for line in lines())


async def test_a_body_over_a_mebibyte_is_413(serve: Serve) -> None:
    """And so is one below it that Firestore cannot hold."""
    client = serve(chat)
    for size in (1_048_576, 1_020_000):
        body = {**BODY, "messages": [{"role": "user", "content": "x" * size}]}
        response = await client.post("/chat", json=body)
        assert response.status_code == 413
        assert "at most" in response.json()["detail"]


async def test_a_body_full_of_mistakes_is_answered_shortly(serve: Serve) -> None:
    """The first is told, and none of the rest repeated: the answer is no longer than a page."""
    for rubbish in ({"messages": [1] * 300_000}, {"builtInTools": [1] * 300_000}, {"messages": [{}] * 200_000}):
        response = await serve(chat).post("/chat", json={**BODY, **rubbish})
        assert response.status_code == 422
        assert len(response.content) < 5_000


async def test_null_for_what_is_optional_is_leaving_it_out(serve: Serve) -> None:
    """As JavaScript sends it."""
    response = await serve(chat).post("/chat", json={**BODY, "parameters": None, "builtInTools": None})
    assert response.status_code == 200


@pytest.mark.parametrize("ticket", ["unknown", "00000000-0000-4000-8000-000000000000", "%2e%2e", "%00", "__x__"])
async def test_an_unknown_ticket_is_404(serve: Serve, ticket: str) -> None:
    """Whatever the id looks like."""
    response = await serve(chat).get(f"/chat/{ticket}")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_a_wrong_method_is_405(serve: Serve, method: str) -> None:
    """In JSON."""
    response = await serve(chat).request(method, "/chat")
    assert response.status_code == 405
    assert "POST" in response.json()["detail"]


@pytest.mark.parametrize("text", ["ünï¢ødé 😀 \u202e", "\x00", "\n" * 100 + ".", " ."])
async def test_any_text_can_be_sent(serve: Serve, text: str) -> None:
    """Unicode, control characters, blanks around it: what a message holds is the model's matter."""
    body = {**BODY, "messages": [{"role": "user", "content": text}]}
    assert (await serve(chat).post("/chat", json=body)).status_code == 200


@pytest.mark.parametrize("content", ["", " ", "\n" * 100, [], [{"type": "text", "text": " "}]])
async def test_a_message_without_text_is_refused(serve: Serve, content: Any) -> None:
    """For every model alike: some providers refuse it, and there is nothing to answer."""
    response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": content}]})
    assert response.status_code == 400
    assert response.json() == {"detail": "The last message has no text. Add some, or omit the message."}


async def test_a_message_may_be_parts_of_text(serve: Serve) -> None:
    """As OpenAI's clients send it."""
    content = [{"type": "text", "text": "What is "}, {"type": "text", "text": "up?"}]
    body = {**BODY, "messages": [{"role": "user", "content": content}]}
    assert (await serve(chat).post("/chat", json=body)).status_code == 200


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
        {"type": "image"},
        {"type": "input_audio", "input_audio": {}},
        {"type": "file", "file": {}},
    ],
)
async def test_a_part_that_is_not_text_is_refused(serve: Serve, part: dict[str, Any]) -> None:
    """Well formed, and not served: 400 says what may be sent."""
    content = [{"type": "text", "text": "What is this?"}, part]
    response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": content}]})
    assert response.status_code == 400
    assert "must be text" in response.json()["detail"]


@pytest.mark.parametrize(
    "part", [{"type": "text"}, {"type": "text", "text": 5}, {"type": "?", "text": "a"}, 7, None, {}]
)
async def test_a_part_that_is_malformed_is_invalid(serve: Serve, part: Any) -> None:
    """422 says where."""
    response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": [part]}]})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][:4] == ["body", "messages", 0, "content"]


@pytest.mark.parametrize("kind", [["text"], {"a": 1}])
async def test_a_kind_of_part_may_be_anything(serve: Serve, kind: Any) -> None:
    """And is invalid."""
    content = [{"type": kind, "text": "a"}]
    response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": content}]})
    assert response.status_code == 422
