"""Tests how users create, list and revoke API keys."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from shared.models.api_key import CreateKeyRequest, Scope
from shared.models.caller import Caller
from shared.models.errors import Forbidden, NotFound, TooLarge
from shared.services.api_keys.keys import ApiKeyService
from shared.settings import Settings
from shared.store import Database

USER, OTHER = Caller("u"), Caller("other")


@pytest.fixture
def keys(database: Database, settings: Settings) -> ApiKeyService:
    return ApiKeyService(database, settings)


def request(**fields: object) -> CreateKeyRequest:
    return CreateKeyRequest.model_validate({"name": "k", **fields})


async def test_a_key_is_shown_once(keys: ApiKeyService, database: Database) -> None:
    """Only the response to its creation contains a key. Neither the list nor the database does."""
    created = await keys.create(USER, request(scopes=["chat", "chat"], budget={"amount": 2.5, "period": "day"}))
    (listed,) = (await keys.list(USER, 10)).items
    assert listed.model_dump() == created.model_dump(exclude={"key"})
    assert created.key.startswith(listed.prefix)
    assert listed.scopes == [Scope.CHAT]
    assert (listed.budget and listed.budget.amount, listed.spent, listed.last_used_at) == (2.5, 0, None)
    stored = await database.api_keys.get(created.id)
    assert created.key not in repr(stored and stored.model_dump())
    assert created.key[16:] not in repr(stored and stored.model_dump())


async def test_a_key_has_all_scopes_and_no_budget_by_default(keys: ApiKeyService) -> None:
    """Without scopes and a budget, a key opens everything that keys open, and does not expire."""
    created = await keys.create(USER, request())
    assert (created.scopes, created.budget, created.expires_at) == (list(Scope), None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"name": "x" * 101},
        {"scopes": []},
        {"scopes": ["admin"]},
        {"budget": {"amount": -1, "period": "day"}},
        {"budget": {"amount": 1}},
        {"budget": {"amount": 1, "period": "week"}},
        {"budget": {"amount": 1e9, "period": "day"}},
        {"budget": {"amount": 1e-7, "period": "day"}},
        {"budget": {"amount": 1, "period": "day", "currency": "EUR"}},
        {"scope": ["chat"]},
        {"expires": "2999-01-01T00:00:00Z"},
        {"expiresAt": "2020-01-01T00:00:00Z"},
        {"expiresAt": "2999-01-01T00:00:00"},
        {"expiresAt": "9999-12-31T23:59:59-12:00"},
    ],
)
def test_invalid_keys_are_refused(fields: dict[str, object]) -> None:
    """A key needs a name, known scopes, an amount for a known period, and a time in the future with its zone."""
    with pytest.raises(ValidationError):
        request(**fields)


async def test_only_their_user_sees_and_revokes_keys(keys: ApiKeyService) -> None:
    """Another user's keys are not listed, and do not exist for those who would revoke them."""
    created = await keys.create(USER, request())
    assert (await keys.list(OTHER, 10)).items == []
    with pytest.raises(NotFound):
        await keys.revoke(OTHER, created.id)
    await keys.revoke(USER, created.id)
    assert (await keys.list(USER, 10)).items == []
    with pytest.raises(NotFound):
        await keys.revoke(USER, created.id)


async def test_keys_are_listed_in_pages(keys: ApiKeyService) -> None:
    """The newest key comes first, and each page leads to the next one."""
    names = [(await keys.create(USER, request(name=name))).name for name in "abc"]
    first = await keys.list(USER, 2)
    second = await keys.list(USER, 2, first.next_token)
    assert [key.name for key in (*first.items, *second.items)] == names[::-1]
    assert second.next_token is None


async def test_a_user_has_a_limited_number_of_keys(database: Database, settings: Settings) -> None:
    """Beyond the limit, further keys are refused, even if they are created at the same time."""
    keys = ApiKeyService(database, settings.model_copy(update={"max_api_keys": 3}))
    created = await asyncio.gather(*(keys.create(USER, request()) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, TooLarge) for result in created) == 2
    assert len((await keys.list(USER, 10)).items) == 3


async def test_no_key_manages_keys(keys: ApiKeyService, database: Database) -> None:
    """A caller with a key can neither create, nor list, nor revoke keys."""
    created = await keys.create(USER, request())
    caller = Caller("u", key=await database.api_keys.get(created.id))
    for attempt in (keys.create(caller, request()), keys.list(caller, 10), keys.revoke(caller, created.id)):
        with pytest.raises(Forbidden):
            await attempt


async def test_a_key_may_expire_soon(keys: ApiKeyService) -> None:
    """Any time in the future is accepted."""
    moment = datetime.now(UTC) + timedelta(minutes=1)
    assert (await keys.create(USER, request(expiresAt=moment.isoformat()))).expires_at == moment


async def test_times_are_in_utc(keys: ApiKeyService) -> None:
    """A time in another zone is shown in UTC, in the response to the creation as in the list."""
    created = await keys.create(USER, request(expiresAt="2999-01-01T00:00:00+02:00"))
    (listed,) = (await keys.list(USER, 10)).items
    assert {key.model_dump(mode="json")["expires_at"] for key in (created, listed)} == {"2998-12-31T22:00:00Z"}
