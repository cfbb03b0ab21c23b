"""Tests how tickets are stored, in the Firestore emulator."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.firestore import AsyncClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import JsonValue

from shared.models.chat import ChatRequest, ChatResult, Message, Usage
from shared.models.errors import TooLarge, Unavailable
from shared.models.ticket import Ticket
from shared.settings import Settings
from shared.store import Database, Transaction
from tests.database_data import store

NOW = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)


def ticket(id_: str = "t") -> Ticket:
    return Ticket(id=id_, owner="u", provider="openai", model="m", created_at=NOW, updated_at=NOW)


def request(content: str = "hi", **parameters: JsonValue) -> ChatRequest:
    message = Message(role="user", content=content)
    return ChatRequest(messages=[message], provider="openai", model="m", parameters=parameters)


async def put(database: Database, changed: Ticket) -> None:
    async def write(transaction: Transaction) -> None:
        await database.tickets.get(changed.id, transaction)
        database.tickets.put(changed, transaction)

    await database.transaction(write)


async def test_stored_tickets_and_requests_are_read_unchanged(database: Database) -> None:
    """A ticket in any state and its request are read exactly as they were stored, including microseconds."""
    usage = Usage(prompt_tokens=9, cached=4, cache_write=2, reasoning=1)
    result = ChatResult(content="hi", thoughts={"reasoning": "…"}, model="openai/m", usage=usage, cost=0.25)
    leased = ticket().lease_to("w", NOW, 60)
    await store(database, ticket(), request())
    for state in (ticket(), leased, leased.release(NOW), leased.complete(result, NOW), leased.fail("No.", NOW)):
        await put(database, state)
        assert await database.tickets.get("t") == state
    assert await database.tickets.get_request("t") == request()


async def expiry(settings: Settings, collection: str) -> datetime | None:
    client = AsyncClient(project=settings.google_cloud_project)
    document = (await client.collection(collection).document("t").get()).to_dict()
    client.close()
    assert document is not None
    return document.get("expire_at")


async def test_only_finished_tickets_expire(settings: Settings) -> None:
    """A finished ticket expires some days later, and a running one does not. Its request is written only once, with the
    latest possible expiry."""
    settings = settings.model_copy(update={"ticket_retention_days": 7, "ticket_max_age_seconds": 3600})
    database = Database(settings)
    await store(database, ticket(), request())
    await put(database, ticket().lease_to("w", NOW, 60))
    assert await expiry(settings, "tickets") is None
    assert await expiry(settings, "requests") == NOW + timedelta(days=7, hours=1)
    await put(database, ticket().fail("No.", NOW + timedelta(minutes=5)))
    assert await expiry(settings, "tickets") == NOW + timedelta(days=7, minutes=5)


async def test_without_a_retention_nothing_expires(settings: Settings) -> None:
    """With a retention of 0 days, tickets and requests are stored forever."""
    settings = settings.model_copy(update={"ticket_retention_days": 0})
    await store(Database(settings), ticket().fail("No.", NOW), request())
    assert await expiry(settings, "tickets") is None
    assert await expiry(settings, "requests") is None


async def test_a_missing_ticket_is_none(database: Database) -> None:
    """Reading an unknown ticket returns None."""
    assert await database.tickets.get("unknown") is None
    assert await database.tickets.get_request("unknown") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


async def test_any_json_can_be_stored(database: Database) -> None:
    """Values that Firestore's maps refuse can be stored: nested lists, empty keys, dunder keys and huge integers."""
    unusual: JsonValue = {"": [[1, [2]], []], "__name__": 10**30, "a.b/c`": {"\x00": "\ud7ff😀"}}
    await store(database, ticket(), request(logit_bias=unusual))
    result = ChatResult(content="", thoughts=unusual, model="m")
    await put(database, ticket().complete(result, NOW))
    stored = await database.tickets.get_request("t")
    assert isinstance(stored, ChatRequest)
    assert stored.parameters == {"logit_bias": unusual}
    assert await database.tickets.get("t") == ticket().complete(result, NOW)


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=50), json_values)
def test_requests_are_restored_exactly(content: str, value: JsonValue) -> None:
    """Parsing the JSON of a request returns an equal request."""
    original = request(content, anything=value)
    assert ChatRequest.model_validate_json(original.model_dump_json()) == original


async def test_a_chat_too_long_for_a_document_is_refused(database: Database) -> None:
    """If a chat is too long for a document, the error states both sizes, and no part of the chat is stored."""
    with pytest.raises(TooLarge, match=r"1000\d\d\d bytes long; the limit is 1000000"):
        await store(database, ticket(), request("x" * 1_000_000))
    assert await database.tickets.get("t") is None


async def test_the_longest_chat_and_the_longest_answer_fit(database: Database) -> None:
    """The longest chat and the longest answer fit, because they are stored in separate documents."""
    await store(database, ticket(), request("ü" * 499_900))
    longest = ticket().complete(ChatResult(content="ü" * 499_900, model="m"), NOW)
    await put(database, longest)
    assert await database.tickets.get("t") == longest


async def test_an_id_can_be_used_only_once(settings: Settings) -> None:
    """Storing a second ticket with the same id fails, and overwrites nothing."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 0.5}))
    await store(database, ticket(), request("first"))
    with pytest.raises(Unavailable):
        await store(database, ticket(), request("second"))
    assert await database.tickets.get_request("t") == request("first")


async def test_contending_transactions_are_all_committed(database: Database) -> None:
    """If a hundred concurrent transactions read and write the same ticket, no change is lost."""
    await store(database, ticket(), request())

    async def count(transaction: Transaction) -> None:
        current = await database.tickets.get("t", transaction)
        assert current is not None
        database.tickets.put(current.model_copy(update={"attempts": current.attempts + 1}), transaction)

    await asyncio.gather(*(database.transaction(count) for _ in range(100)))
    final = await database.tickets.get("t")
    assert final is not None
    assert final.attempts == 100


async def test_an_exception_in_a_transaction_writes_nothing(database: Database) -> None:
    """If a transaction raises an exception, nothing is written, and the caller gets the exception unchanged."""
    await store(database, ticket(), request())

    async def fail(transaction: Transaction) -> None:
        await database.tickets.get("t", transaction)
        database.tickets.put(ticket().fail("No.", NOW), transaction)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await database.transaction(fail)
    assert await database.tickets.get("t") == ticket()


async def test_an_outage_is_reported_as_unavailable(monkeypatch: pytest.MonkeyPatch, project: str) -> None:
    """If the database cannot be reached, reads and transactions raise `Unavailable` within seconds."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    database = Database(Settings(google_cloud_project=project, store_timeout_seconds=2))

    async def get_ticket(transaction: Transaction) -> None:
        await database.tickets.get("t", transaction)

    with pytest.raises(Unavailable):
        await database.transaction(get_ticket)
    with pytest.raises(Unavailable):
        async with database.raising_unavailable():
            await database.tickets.get("t")
