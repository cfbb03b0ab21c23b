"""A session stores a configuration for one user. The tests use the real Firestore emulator."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.models.caller import Caller
from shared.models.errors import NotFound, TooLarge
from shared.models.session import ProviderConfig, Session
from shared.services.catalog.sessions import LIFETIME, SessionService
from shared.store import Database, Transaction
from tests.database_faults import lose_responses

CONFIG = ProviderConfig(provider="openai", model="gpt-4.1-mini", parameters={"temperature": 0.5})


@pytest.fixture
async def sessions(database: Database) -> SessionService:
    return SessionService(database)


@pytest.mark.parametrize("session_id", ["s-1", "..", "__x__", "ünï 😀", "x" * 500])
async def test_a_configuration_is_stored_and_replaced(
    sessions: SessionService, caller: Caller, session_id: str
) -> None:
    """Any string can be a session's id, and the configuration of a session can be replaced."""
    assert (await sessions.configure(caller, session_id, CONFIG)).session_id == session_id
    assert await sessions.get_config(caller, session_id) == CONFIG
    other = CONFIG.model_copy(update={"built_in_tool": "web_search"})
    await sessions.configure(caller, session_id, other)
    assert await sessions.get_config(caller, session_id) == other


async def test_a_session_belongs_to_its_owner_only(sessions: SessionService, caller: Caller) -> None:
    """Another user with the same id has a separate session, and can neither read, delete nor overwrite the first."""
    await sessions.configure(caller, "s", CONFIG)
    other = Caller(uid="other")
    with pytest.raises(NotFound):
        await sessions.get_config(other, "s")
    with pytest.raises(NotFound):
        await sessions.delete(other, "s")
    await sessions.configure(other, "s", CONFIG.model_copy(update={"model": "another"}))
    assert await sessions.get_config(caller, "s") == CONFIG


async def test_a_deleted_session_is_gone(sessions: SessionService, caller: Caller) -> None:
    """A deleted session is not found, and cannot be deleted twice."""
    await sessions.configure(caller, "s", CONFIG)
    assert (await sessions.delete(caller, "s")).message == "Session deleted"
    with pytest.raises(NotFound):
        await sessions.get_config(caller, "s")
    with pytest.raises(NotFound):
        await sessions.delete(caller, "s")


async def test_a_deletion_whose_response_is_lost_succeeds(
    sessions: SessionService, caller: Caller, database: Database
) -> None:
    """If the response to a deletion is lost, the retry succeeds and does not report that the session is unknown."""
    await sessions.configure(caller, "s", CONFIG)
    lose_responses(database, ServiceUnavailable("gone"))
    assert (await sessions.delete(caller, "s")).message == "Session deleted"


async def store_session(database: Database, caller: Caller, remaining: timedelta) -> None:
    session = Session(session_id="s", config=CONFIG, expire_at=datetime.now(UTC) + remaining)

    async def write(transaction: Transaction) -> None:
        await database.sessions.get(caller.uid, "s", transaction)
        database.sessions.put(caller.uid, session, transaction)

    await database.transaction(write)


async def test_a_session_expires_after_thirty_days_without_use(
    sessions: SessionService, database: Database, caller: Caller
) -> None:
    """An expired session is not found, even if Firestore has not deleted it yet."""
    await store_session(database, caller, timedelta(seconds=-1))
    with pytest.raises(NotFound):
        await sessions.get_config(caller, "s")


async def test_reading_a_session_extends_it(sessions: SessionService, database: Database, caller: Caller) -> None:
    """Reading a session extends it, at most once a day."""
    await store_session(database, caller, timedelta(days=2))
    await sessions.get_config(caller, "s")
    extended = await database.sessions.get(caller.uid, "s")
    assert extended is not None
    assert extended.expire_at > datetime.now(UTC) + LIFETIME - timedelta(minutes=1)
    await sessions.get_config(caller, "s")
    assert await database.sessions.get(caller.uid, "s") == extended


async def test_the_size_of_a_configuration_is_limited(sessions: SessionService, caller: Caller) -> None:
    """A configuration that is too large gets 413."""
    with pytest.raises(TooLarge):
        await sessions.configure(caller, "s", CONFIG.model_copy(update={"parameters": {"x": "y" * 100_000}}))
