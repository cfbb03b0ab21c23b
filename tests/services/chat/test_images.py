"""Chats with images: what is stored of them, when, and for how long."""

from datetime import timedelta
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import ChatRequest
from shared.models.conversation import CompletionRequest
from shared.models.errors import AllowanceSpent, BadRequest, Conflict, TooManyRequests, Unavailable
from shared.models.images import MAX_IMAGES_BYTES
from shared.models.money import CostBounds
from shared.models.user import AccountChange
from shared.services.chat.admission import Admission, make_draft
from shared.services.chat.submission import ChatService
from shared.services.chat.tickets import TicketService
from shared.settings import Settings
from shared.store import Database
from shared.store.images import CHUNK_BYTES
from tests.conftest import Lines
from tests.database_faults import lose_responses
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.images import JPEG, PNG, data_url, image_part
from tests.rules.stored import list_document_paths
from tests.services.chat.keyed_chats import KEY, chat_request
from tests.services.harness import Harness

LARGE = PNG + bytes(range(256)) * (CHUNK_BYTES // 200)


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


def with_images(*images: bytes, **fields: Any) -> ChatRequest:
    parts = [{"type": "text", "text": "hi"}]
    parts += [image_part(data_url(image, "image/jpeg" if image == JPEG else "image/png")) for image in images]  # pyright: ignore[reportArgumentType]
    return chat_request(messages=[{"role": "user", "content": parts}], parameters={"max_tokens": 100}, **fields)


async def list_images(project: str) -> list[str]:
    return [path for path in await list_document_paths(project) if "/images/" in path]


async def test_the_worker_gets_the_images_that_were_sent(
    harness: Harness, caller: Caller, model_server: ModelServer, project: str
) -> None:
    """Images that fill several documents reach the model unchanged, and the ticket is answered and charged."""
    request = with_images(LARGE, JPEG, PNG)
    accepted = await harness.chat.submit(caller, request)
    assert len(await list_images(project)) == 2
    assert await harness.database.tickets.get_request(accepted.ticket_id) == request
    model_server.script("hi", Answer("A dot."))
    await harness.deliver(accepted.ticket_id)
    ticket = await harness.tickets.look_up(caller, accepted.ticket_id)
    assert ticket.result is not None
    assert ticket.result.content == "A dot."
    (call,) = model_server.calls
    urls = [part["image_url"]["url"] for part in call.body["messages"][0]["content"][1:]]
    assert urls == [data_url(LARGE), data_url(JPEG, "image/jpeg"), data_url(PNG)]
    assert await harness.get_charges(caller.uid)


async def test_the_largest_request_is_stored(harness: Harness, caller: Caller) -> None:
    """Images of the maximum total size, beside a long text, are stored and read again."""
    images = [PNG.ljust(MAX_IMAGES_BYTES // 4, bytes([number])) for number in range(4)]
    request = with_images(*images)
    accepted = await harness.chat.submit(caller, request)
    assert await harness.database.tickets.get_request(accepted.ticket_id) == request


async def test_a_conversation_with_functions_keeps_its_images(harness: Harness, caller: Caller) -> None:
    """What the OpenAI-compatible endpoints store is treated in the same way."""
    chat = with_images(PNG)
    request = CompletionRequest.model_validate({**chat.model_dump(), "functions": [{"name": "f"}], "echo": {"a": 1}})
    admission = Admission(harness.database, harness.queue, harness.settings)
    draft = make_draft(caller.uid, request.provider, request.model)
    ticket_id, _ = await admission.admit_once(caller, draft, request, CostBounds(1, 1), None)
    assert await harness.database.tickets.get_request(ticket_id) == request


async def test_images_expire_with_their_request(
    chat: ChatService, caller: Caller, database: Database, settings: Settings
) -> None:
    """The documents of the images have the expiry of the request's document. None of them has an image in its text."""
    accepted = await chat.submit(caller, with_images(LARGE))
    request = database._client.collection("requests").document(accepted.ticket_id)  # pyright: ignore[reportPrivateUsage]
    stored = (await request.get()).to_dict() or {}
    assert "base64" not in stored["body"]
    assert len(stored["body"]) < 1_000
    for chunk in await request.collection("images").get():
        assert abs(chunk.get("expire_at") - stored["expire_at"]) < timedelta(minutes=1)
    assert settings.ticket_retention_days


async def test_images_are_not_stored_forever(caller: Caller, settings: Settings, catalog: Catalog) -> None:
    """Where tickets are stored forever, images are not: only the worker needs them."""
    forever = settings.model_copy(update={"ticket_retention_days": 0})
    harness = Harness(forever, catalog)
    accepted = await harness.chat.submit(caller, with_images(PNG))
    request = harness.database._client.collection("requests").document(accepted.ticket_id)  # pyright: ignore[reportPrivateUsage]
    assert "expire_at" not in ((await request.get()).to_dict() or {})
    (chunk,) = await request.collection("images").get()
    assert chunk.get("expire_at") is not None


async def test_images_are_deleted_with_their_ticket(harness: Harness, caller: Caller, project: str) -> None:
    """`DELETE /chat/{id}` leaves nothing of them."""
    accepted = await harness.chat.submit(caller, with_images(LARGE))
    await harness.deliver(accepted.ticket_id)
    assert await list_images(project)
    await TicketService(harness.database).delete(caller, accepted.ticket_id)
    assert not [path for path in await list_document_paths(project) if path.startswith(("requests", "tickets"))]


async def test_a_chat_whose_images_are_gone_fails(harness: Harness, caller: Caller) -> None:
    """The model is not called without an image that was sent to it."""
    accepted = await harness.chat.submit(caller, with_images(LARGE))
    await harness.database.tickets.delete_images(accepted.ticket_id)
    await harness.deliver(accepted.ticket_id)
    ticket = await harness.tickets.look_up(caller, accepted.ticket_id)
    assert ticket.error == "The chat's messages are gone. Send the chat again."


async def test_images_of_a_refused_chat_are_not_stored(harness: Harness, caller: Caller, project: str) -> None:
    """A chat that is not covered, or sent too often, is refused before its images are written."""
    await harness.users.change(caller, AccountChange(spend_remaining=0.000001))
    with pytest.raises(AllowanceSpent):
        await harness.chat.submit(caller, with_images(PNG))
    await harness.users.change(caller, AccountChange(spend_remaining=10))
    slow = harness.settings.model_copy(update={"chat_rate_per_minute": 1})
    chats = ChatService(harness.database, harness.queue, harness.catalog, slow)
    await chats.submit(caller, chat_request())
    with pytest.raises(TooManyRequests):
        await chats.submit(caller, with_images(PNG))
    assert not await list_images(project)
    account = await harness.account(caller.uid)
    assert account.unfinished == 1


async def test_a_chat_that_is_refused_after_all_leaves_no_images(
    harness: Harness, caller: Caller, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the chat is refused although it could have been admitted a moment before, its images are deleted."""

    async def refuse(*_: object) -> str:
        raise TooManyRequests("Too many.")

    monkeypatch.setattr(Admission, "_admit", refuse)
    with pytest.raises(TooManyRequests):
        await harness.chat.submit(caller, with_images(LARGE))
    assert not await list_images(project)


async def test_a_repeated_chat_stores_its_images_once(harness: Harness, caller: Caller, project: str) -> None:
    """With its `Idempotency-Key`, the chat gets the same ticket. With other images, the key is refused."""
    first, _ = await harness.chat.submit_once(caller, with_images(PNG), KEY)
    again, replayed = await harness.chat.submit_once(caller, with_images(PNG), KEY)
    assert (again.ticket_id, replayed) == (first.ticket_id, True)
    with pytest.raises(Conflict):
        await harness.chat.submit_once(caller, with_images(LARGE), KEY)
    assert len(await list_images(project)) == 1


async def test_chats_that_are_sent_at_once_with_one_key_store_their_images_once(
    harness: Harness, caller: Caller, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images of the chat that came second are deleted."""
    first, _ = await harness.chat.submit_once(caller, with_images(PNG), KEY)

    async def find_nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(Admission, "find", find_nothing)
    again, replayed = await harness.chat.submit_once(caller, with_images(PNG), KEY)
    assert (again.ticket_id, replayed) == (first.ticket_id, True)
    assert len(await list_images(project)) == 1


@pytest.mark.parametrize("commit", [1, 2])
async def test_lost_responses_do_not_lose_images(harness: Harness, caller: Caller, commit: int) -> None:
    """Whichever commit's response is lost, an accepted chat has its images."""
    await harness.users.get(caller)
    lose_responses(harness.database, ServiceUnavailable("gone"), commit)
    request = with_images(LARGE)
    accepted = await harness.chat.submit(caller, request)
    assert await harness.database.tickets.get_request(accepted.ticket_id) == request


async def test_agents_get_no_images(chat: ChatService, caller: Caller) -> None:
    """An agent's input is text, so an image would be lost."""
    with pytest.raises(BadRequest, match="Agents take text, and no images"):
        await chat.submit(caller, with_images(PNG, provider="gofannon", model="some-agent"))


async def test_agents_get_no_functions(chat: ChatService, caller: Caller) -> None:
    """An agent could not call them, so a request with functions is refused instead of answered without them."""
    body = {**chat_request(provider="gofannon", model="some-agent").model_dump(), "functions": [{"name": "f"}]}
    with pytest.raises(BadRequest, match="cannot call functions"):
        await chat.submit(caller, CompletionRequest.model_validate(body))


async def test_no_image_reaches_a_log(
    harness: Harness, caller: Caller, model_server: ModelServer, lines: Lines
) -> None:
    """Neither a successful nor a failed chat logs anything of its images, even if the provider quotes them."""
    encoded = data_url(LARGE).partition(",")[2]
    lines()
    for step in (Answer("A dot."), Fail(400, f"Invalid image: {encoded}"), Fail(400, f"Invalid: {data_url(LARGE)}")):
        model_server.script("hi", step)
        accepted = await harness.chat.submit(caller, with_images(LARGE))
        await harness.deliver(accepted.ticket_id)
        ticket = await harness.tickets.look_up(caller, accepted.ticket_id)
        assert encoded[:40] not in str(ticket)
    assert encoded[:40] not in str(lines())


async def test_an_outage_while_images_are_stored_refuses_the_chat(
    harness: Harness, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chat may be sent again, and nothing is held."""
    await harness.users.get(caller)
    stored = harness.database.tickets

    def fail(*_: object) -> None:
        raise Unavailable("The database cannot be reached.")

    monkeypatch.setattr(stored, "add_images", fail)
    with pytest.raises(Unavailable):
        await harness.chat.submit(caller, with_images(PNG))
    assert (await harness.account(caller.uid)).held == 0
