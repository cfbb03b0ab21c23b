"""Tests the chat routes: shapes, status codes, ownership, and all paths."""

import re
from typing import Any

import grpc
import pytest

import functions.chat.main as chat
from shared.models.images import MAX_IMAGE_BYTES
from shared.store import Database
from tests.conftest import Lines
from tests.database_faults import break_commits
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.functions.conftest import AuthHeaders, Serve
from tests.images import PNG, data_url

BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": "hi"}],
    "provider": "openai",
    "model": "gpt-4.1-mini",
}
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


@pytest.mark.parametrize(("post", "get"), [("/api/chat", "/api/chat/"), ("/chat", "/chat/"), ("/", "/")])
async def test_a_chat_gets_a_ticket_whose_status_can_be_read(serve: Serve, post: str, get: str) -> None:
    """A chat returns a ticket, whose status can be read. Both responses have the documented shapes at every path."""
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


async def test_both_spellings_are_accepted(serve: Serve) -> None:
    """camelCase and snake_case are accepted, and unknown fields are ignored."""
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
        {"stream": "maybe"},
    ],
)
async def test_an_invalid_body_is_422(serve: Serve, cloud_tasks: CloudTasksServer, change: dict[str, Any]) -> None:
    """The error for an invalid body names the field, and nothing is queued."""
    response = await serve(chat).post("/chat", json={**BODY, **change})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][:2] == ["body", *change][:2]
    assert not cloud_tasks.tasks


async def test_an_unknown_model_is_400(serve: Serve) -> None:
    """The error for an unknown model names it."""
    response = await serve(chat).post("/chat", json={**BODY, "model": "gpt-nothing"})
    assert response.status_code == 400
    assert "gpt-nothing" in response.json()["detail"]


async def test_a_failing_queue_is_503(serve: Serve, cloud_tasks: CloudTasksServer) -> None:
    """If the queue does not accept the task, the response says when to retry."""
    cloud_tasks.fail_next(grpc.StatusCode.PERMISSION_DENIED)
    response = await serve(chat).post("/chat", json=BODY)
    assert response.status_code == 503
    assert response.headers["retry-after"]


async def test_a_repeated_chat_with_the_same_key_is_accepted_once(serve: Serve, cloud_tasks: CloudTasksServer) -> None:
    """Repeating a chat with the same key returns the same response, marked as a replay. A different chat with that key
    is a conflict."""
    client = serve(chat)
    for key in ("0b1f7a52-8e1c-4c53-9c2b-0d6a3a0f1f11", "~", "a b", "k" * 255):
        headers = {"Idempotency-Key": key}
        first, repeated = [await client.post("/chat", json=BODY, headers=headers) for _ in range(2)]
        assert (first.status_code, repeated.status_code) == (200, 200)
        assert repeated.json() == first.json()
        assert "idempotent-replayed" not in first.headers
        assert repeated.headers["idempotent-replayed"] == "true"
        other = await client.post("/chat", json={**BODY, "stream": True}, headers=headers)
        assert other.status_code == 409
        assert set(other.json()) == {"detail"}
    assert len(cloud_tasks.tasks) == 4


async def test_an_idempotency_key_belongs_to_its_user(serve: Serve, auth_headers: AuthHeaders) -> None:
    """Two users can choose the same idempotency key without affecting each other."""
    client = serve(chat, app_env="firebase")
    responses = [
        await client.post("/chat", json=BODY, headers={**auth_headers(who), "Idempotency-Key": "1"})
        for who in ("user", "other", "user")
    ]
    tickets = [response.json()["ticket_id"] for response in responses]
    assert tickets[0] == tickets[2] != tickets[1]


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "\x7f", "\xe9"])
async def test_an_invalid_idempotency_key_is_422(serve: Serve, cloud_tasks: CloudTasksServer, key: str) -> None:
    """A key must have 1 to 255 printable characters. With any other key, nothing is queued."""
    response = await serve(chat).post("/chat", json=BODY, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["header", "idempotency-key"]
    assert not cloud_tasks.tasks


async def test_a_chat_with_an_unknown_outcome_is_503_with_its_ticket(
    serve: Serve, database: Database, lines: Lines
) -> None:
    """If the outcome is unknown, the error has the ticket's id, so the caller can look it up. The id is also logged."""
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
    """A body over a mebibyte gets a 413, and so does a smaller one that Firestore cannot store."""
    client = serve(chat)
    for size in (1_048_576, 1_020_000):
        body = {**BODY, "messages": [{"role": "user", "content": "x" * size}]}
        response = await client.post("/chat", json=body)
        assert response.status_code == 413
        assert "the limit is" in response.json()["detail"]


async def test_a_body_full_of_errors_gets_a_short_response(serve: Serve) -> None:
    """The response to a body with many errors describes only the first ones, and has less than 5,000 bytes."""
    for invalid_fields in ({"messages": [1] * 40_000}, {"builtInTools": [1] * 300_000}, {"messages": [{}] * 40_000}):
        response = await serve(chat).post("/chat", json={**BODY, **invalid_fields})
        assert response.status_code == 422
        assert len(response.content) < 5_000


async def test_null_is_accepted_for_optional_fields(serve: Serve) -> None:
    """Optional fields can be null, which JavaScript clients send for missing values."""
    response = await serve(chat).post("/chat", json={**BODY, "parameters": None, "builtInTools": None})
    assert response.status_code == 200


@pytest.mark.parametrize("ticket", ["unknown", "00000000-0000-4000-8000-000000000000", "%2e%2e", "%00", "__x__"])
async def test_an_unknown_ticket_is_404(serve: Serve, ticket: str) -> None:
    """An unknown ticket id, which can contain any characters, gets a 404."""
    response = await serve(chat).get(f"/chat/{ticket}")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_a_wrong_method_is_405(serve: Serve, method: str) -> None:
    """A wrong method gets a 405 in JSON, which names the allowed method."""
    response = await serve(chat).request(method, "/chat")
    assert response.status_code == 405
    assert "POST" in response.json()["detail"]


@pytest.mark.parametrize("text", ["ünï¢ødé 😀 \u202e", "\x00", "\n" * 100 + ".", " ."])
async def test_any_text_can_be_sent(serve: Serve, text: str) -> None:
    """Unicode, control characters and surrounding whitespace are accepted, because only the model interprets them."""
    body = {**BODY, "messages": [{"role": "user", "content": text}]}
    assert (await serve(chat).post("/chat", json=body)).status_code == 200


@pytest.mark.parametrize("content", ["", " ", "\n" * 100, [], [{"type": "text", "text": " "}]])
async def test_a_message_without_text_is_refused(serve: Serve, content: Any) -> None:
    """A message without text is refused for all models: some providers reject it, and it leaves nothing to answer."""
    response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": content}]})
    assert response.status_code == 400
    assert response.json() == {"detail": "The last message has no text. Add some, or omit the message."}


async def test_a_message_can_consist_of_text_parts(serve: Serve) -> None:
    """A message can be a list of text parts, as OpenAI's clients send it."""
    content = [{"type": "text", "text": "What is "}, {"type": "text", "text": "up?"}]
    body = {**BODY, "messages": [{"role": "user", "content": content}]}
    assert (await serve(chat).post("/chat", json=body)).status_code == 200


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image"},
        {"type": "input_audio", "input_audio": {}},
        {"type": "file", "file": {}},
    ],
)
async def test_a_part_of_another_kind_is_refused(serve: Serve, part: dict[str, Any]) -> None:
    """A well-formed part of a kind that cannot be sent gets a 400, which names the kind."""
    content = [{"type": "text", "text": "What is this?"}, part]
    response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": content}]})
    assert response.status_code == 400
    assert part["type"] in response.json()["detail"]


@pytest.mark.parametrize(
    "part", [{"type": "text"}, {"type": "text", "text": 5}, {"type": "?", "text": "a"}, 7, None, {}]
)
async def test_a_malformed_part_is_422(serve: Serve, part: Any) -> None:
    """The error for a malformed part states its location."""
    response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": [part]}]})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"][:4] == ["body", "messages", 0, "content"]


@pytest.mark.parametrize("kind", [["text"], {"a": 1}])
async def test_a_part_with_a_malformed_type_is_422(serve: Serve, kind: Any) -> None:
    """A part whose type is not a string gets a 422."""
    content = [{"type": kind, "text": "a"}]
    response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": content}]})
    assert response.status_code == 422


def with_image(url: str, model: str = "gpt-4.1-mini") -> dict[str, Any]:
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {**BODY, "model": model, "messages": [{"role": "user", "content": content}]}


@pytest.mark.parametrize("url", [data_url(PNG), "https://example.com/cat.png", data_url(PNG.ljust(3_000_000, b"\0"))])
async def test_a_chat_may_have_images(serve: Serve, url: str) -> None:
    """Images are accepted as data: URLs of up to some megabytes, and as addresses."""
    assert (await serve(chat).post("/chat", json=with_image(url))).status_code == 200


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("http://example.com/cat.png", 400, "https address"),
        ("data:image/png;base64,AAAA", 400, "not an image"),
        (data_url(PNG, "image/gif"), 400, "declared as image/gif"),
        (data_url(PNG.ljust(MAX_IMAGE_BYTES + 1, b"\0")), 413, str(MAX_IMAGE_BYTES)),
        ("data:image/png;base64," + "A" * 13_000_000, 413, "limit is"),
    ],
)
async def test_an_image_that_cannot_be_sent_is_refused(serve: Serve, url: str, status: int, said: str) -> None:
    """The error says what is wrong in plain words, and does not quote the image."""
    response = await serve(chat).post("/chat", json=with_image(url))
    assert response.status_code == status
    assert said in response.json()["detail"]
    assert len(response.text) < 500


async def test_images_are_refused_for_a_model_without_vision(serve: Serve) -> None:
    """The error names the model and says how to choose another."""
    body = {**with_image(data_url(PNG)), "provider": "local", "model": "smollm2-135m-instruct"}
    response = await serve(chat).post("/chat", json=body)
    assert response.status_code == 400
    assert "local/smollm2-135m-instruct accepts no images" in response.json()["detail"]
    assert "GET /providers" in response.json()["detail"]


async def test_large_requests_are_refused_while_there_is_no_memory_for_them(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is too large for the memory that is left gets a 503. Small ones are still served."""
    monkeypatch.setattr("shared.web.large_bodies.MAX_BYTES", 2_000_000)
    client = serve(chat)
    refused = await client.post("/chat", json=with_image(data_url(PNG.ljust(2_000_000, b"\0"))))
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert (await client.post("/chat", json=with_image(data_url(PNG)))).status_code == 200


async def test_the_error_for_a_malformed_image_does_not_repeat_it(serve: Serve, lines: Lines) -> None:
    """The response to a request that is not valid does not contain its image, and the log does not either."""
    url = data_url(PNG.ljust(10_000, b"\0"))
    image = {"type": "image_url", "image_url": {"url": url, "detail": "everything"}}
    for part in (image, {"type": "image_url", "image_url": url}, {"type": "image_url", "url": url}):
        response = await serve(chat).post("/chat", json={**BODY, "messages": [{"role": "user", "content": [part]}]})
        assert response.status_code == 422
        assert len(response.text) < 1_000
    assert "iVBORw0KGgo" not in str(lines())
