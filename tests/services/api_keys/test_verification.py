"""Tests how API keys are verified."""

import asyncio
import logging
from datetime import timedelta

import pytest

from shared import clock
from shared.models.api_key import CreatedKey, CreateKeyRequest
from shared.models.caller import Caller
from shared.models.errors import TooManyRequests, Unauthenticated, Unavailable
from shared.services.api_keys.key_text import (
    KeyText,
    _checksum,  # pyright: ignore[reportPrivateUsage]
    make_key_text,
)
from shared.services.api_keys.keys import ApiKeyService
from shared.services.api_keys.verification import (
    GUESSES_PER_MINUTE,
    LOOK_UPS_AT_ONCE,
    MAX_SECONDS,
    KeyVerification,
)
from shared.settings import Settings
from shared.store import Database
from shared.store.api_keys import ApiKeyStore
from tests.stopped_clock import StoppedClock

USER, ADDRESS = Caller("u"), "192.0.2.1"


@pytest.fixture
def keys(database: Database, settings: Settings) -> ApiKeyService:
    return ApiKeyService(database, settings)


@pytest.fixture
async def verification(database: Database) -> KeyVerification:
    return KeyVerification(database)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the ids of the keys that are read outside of transactions."""
    ids: list[str] = []
    get = ApiKeyStore.get

    async def record(store: ApiKeyStore, key_id: str, transaction: object = None) -> object:
        if transaction is None:
            ids.append(key_id)
        return await get(store, key_id, transaction)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(ApiKeyStore, "get", record)
    return ids


async def create(keys: ApiKeyService, **fields: object) -> CreatedKey:
    return await keys.create(USER, CreateKeyRequest.model_validate({"name": "k", **fields}))


async def test_a_key_is_verified(keys: ApiKeyService, verification: KeyVerification) -> None:
    """A key leads to its user, its scopes and its budget's period."""
    created = await create(keys, scopes=["run"], budget={"amount": 1, "period": "day"})
    key = await verification.verify(created.key, ADDRESS)
    assert (key.owner, key.id, key.scopes, key.period) == ("u", created.id, ["run"], "day")


async def test_a_key_is_read_once_in_a_while(
    keys: ApiKeyService, verification: KeyVerification, stopped_clock: StoppedClock, reads: list[str]
) -> None:
    """Many requests with a key share one read, which counts for a few seconds."""
    created = await create(keys)
    await asyncio.gather(*(verification.verify(created.key, ADDRESS) for _ in range(100)))
    stopped_clock.move(MAX_SECONDS - 0.1)
    await verification.verify(created.key, ADDRESS)
    assert reads == [created.id]
    stopped_clock.move(0.2)
    await verification.verify(created.key, ADDRESS)
    assert reads == [created.id] * 2


async def test_a_revoked_key_opens_nothing_ten_seconds_later(
    keys: ApiKeyService, verification: KeyVerification, stopped_clock: StoppedClock
) -> None:
    """A process that has just verified a key refuses it within ten seconds of its revocation."""
    created = await create(keys)
    await verification.verify(created.key, ADDRESS)
    await keys.revoke(USER, created.id)
    assert MAX_SECONDS <= 5
    stopped_clock.move(MAX_SECONDS)
    with pytest.raises(Unauthenticated):
        await verification.verify(created.key, ADDRESS)


async def test_a_slow_read_does_not_let_a_revoked_key_in(
    keys: ApiKeyService,
    verification: KeyVerification,
    stopped_clock: StoppedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A request that arrives ten seconds after the revocation does not wait for a read that began before it."""
    created = await create(keys)
    get, began, end = ApiKeyStore.get, asyncio.Event(), asyncio.Event()

    async def get_slowly(store: ApiKeyStore, key_id: str, transaction: object = None) -> object:
        key = await get(store, key_id, transaction)  # pyright: ignore[reportArgumentType]
        if not began.is_set():
            began.set()
            await end.wait()
        return key

    monkeypatch.setattr(ApiKeyStore, "get", get_slowly)
    early = asyncio.create_task(verification.verify(created.key, ADDRESS))
    await began.wait()
    await keys.revoke(USER, created.id)
    stopped_clock.move(10)
    late = asyncio.create_task(verification.verify(created.key, ADDRESS))
    with pytest.raises(Unauthenticated):
        await asyncio.wait_for(late, 10)
    end.set()
    await early
    with pytest.raises(Unauthenticated):
        await verification.verify(created.key, ADDRESS)


async def test_nobody_waits_for_the_look_ups_of_another_address(
    keys: ApiKeyService, verification: KeyVerification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who knows the id of a key, and has many wrong keys looked up, does not hold up the key's user."""
    created = await create(keys)
    get, end = ApiKeyStore.get, asyncio.Event()

    async def get_slowly(store: ApiKeyStore, key_id: str, transaction: object = None) -> object:
        if key_id != created.id:
            await end.wait()
        return await get(store, key_id, transaction)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(ApiKeyStore, "get", get_slowly)
    body = created.key[:16] + make_key_text().text[16:46]
    texts = [*(make_key_text().text for _ in range(LOOK_UPS_AT_ONCE)), body + _checksum(body)]
    guesses = [asyncio.create_task(verification.verify(text, ADDRESS)) for text in texts]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert (await verification.verify(created.key, "192.0.2.2")).id == created.id
    end.set()
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unauthenticated}


async def test_an_outage_holds_up_no_queue(
    keys: ApiKeyService, verification: KeyVerification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All requests with the same key that the process does not know share a read, also one that fails."""
    created = await create(keys)
    attempts: list[str] = []

    async def fail(_store: ApiKeyStore, key_id: str, *_: object) -> None:
        attempts.append(key_id)
        await asyncio.sleep(0)
        raise TimeoutError

    monkeypatch.setattr(ApiKeyStore, "get", fail)
    outcomes = await asyncio.gather(
        *(verification.verify(created.key, ADDRESS) for _ in range(100)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert attempts == [created.id]


async def test_wrong_keys_are_refused(keys: ApiKeyService, verification: KeyVerification, reads: list[str]) -> None:
    """Text that is no key is refused without a read; so is a key with the right id and another secret, after one."""
    created = await create(keys)
    for text in ("fba_", created.key[:-1], created.key + "x", "fba_" + "0" * 48, created.key.swapcase()):
        with pytest.raises(Unauthenticated, match=r"not a complete API key|mistyped"):
            await verification.verify(text, ADDRESS)
    assert reads == []
    with pytest.raises(Unauthenticated, match="not valid"):
        await verification.verify(make_key_text().text, ADDRESS)


async def test_a_key_with_anothers_id_is_refused(
    keys: ApiKeyService, verification: KeyVerification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id alone, which lists show, opens nothing: the whole key is compared."""
    created, other = await create(keys), make_key_text()

    def parse(_: str) -> KeyText:
        return KeyText(text=other.text, id=created.id)

    monkeypatch.setattr("shared.services.api_keys.verification.parse_key_text", parse)
    with pytest.raises(Unauthenticated):
        await verification.verify(other.text, ADDRESS)


async def test_an_expired_key_is_refused(
    keys: ApiKeyService, verification: KeyVerification, stopped_clock: StoppedClock
) -> None:
    """From the second on at which it expires, the key opens nothing, even if the process knows it."""
    expires_at = clock.now() + timedelta(seconds=3)
    created = await create(keys, expiresAt=expires_at.isoformat())
    await verification.verify(created.key, ADDRESS)
    stopped_clock.move(3)
    with pytest.raises(Unauthenticated, match="expired"):
        await verification.verify(created.key, ADDRESS)


async def test_guesses_are_limited(
    keys: ApiKeyService, verification: KeyVerification, stopped_clock: StoppedClock, reads: list[str]
) -> None:
    """After too many wrong keys, an address gets 429 without a read. Keys that the process knows still work there."""
    known, unknown = await create(keys), await create(keys)
    await verification.verify(known.key, ADDRESS)
    for _ in range(GUESSES_PER_MINUTE):
        with pytest.raises(Unauthenticated):
            await verification.verify(make_key_text().text, ADDRESS)
    with pytest.raises(TooManyRequests):
        await verification.verify(make_key_text().text, ADDRESS)
    count = len(reads)
    with pytest.raises(TooManyRequests):
        await verification.verify(unknown.key, ADDRESS)
    assert len(reads) == count
    await verification.verify(known.key, ADDRESS)
    await verification.verify(unknown.key, "192.0.2.2")
    stopped_clock.move(60)
    await verification.verify(unknown.key, ADDRESS)


async def test_guesses_are_limited_even_if_they_are_sent_at_once(
    keys: ApiKeyService, verification: KeyVerification, stopped_clock: StoppedClock, reads: list[str]
) -> None:
    """Of many wrong keys from one address, not many more are read than it may send in a minute, however many are sent
    at the same time. Meanwhile, many users at another address are let in at once."""
    users = [await create(keys) for _ in range(40)]

    async def guess() -> None:
        with pytest.raises((Unauthenticated, TooManyRequests)):
            await verification.verify(make_key_text().text, ADDRESS)

    await asyncio.gather(
        *(guess() for _ in range(300)), *(verification.verify(user.key, "192.0.2.2") for user in users)
    )
    assert len(reads) <= len(users) + GUESSES_PER_MINUTE + 2 * LOOK_UPS_AT_ONCE
    before = len(reads)
    for _ in range(3):
        stopped_clock.move(60 / GUESSES_PER_MINUTE)
        await asyncio.gather(*(guess() for _ in range(100)))
    assert len(reads) - before <= 3 * 2 * LOOK_UPS_AT_ONCE


async def test_wrong_keys_do_not_shut_out_others_at_their_address(
    keys: ApiKeyService, verification: KeyVerification, stopped_clock: StoppedClock
) -> None:
    """While an address is blocked for its wrong keys, a key that was valid there a moment ago is read again."""
    created = await create(keys)
    await verification.verify(created.key, ADDRESS)
    for _ in range(GUESSES_PER_MINUTE + 1):
        with pytest.raises((Unauthenticated, TooManyRequests)):
            await verification.verify(make_key_text().text, ADDRESS)
    stopped_clock.move(MAX_SECONDS)
    assert (await verification.verify(created.key, ADDRESS)).id == created.id
    await keys.revoke(USER, created.id)
    stopped_clock.move(MAX_SECONDS)
    with pytest.raises((Unauthenticated, TooManyRequests)):
        await verification.verify(created.key, ADDRESS)


async def test_the_last_use_is_recorded_to_the_minute(
    keys: ApiKeyService, verification: KeyVerification, stopped_clock: StoppedClock
) -> None:
    """A key that is in constant use is written once a minute."""
    created = await create(keys)
    await asyncio.gather(*(verification.verify(created.key, ADDRESS) for _ in range(10)))
    used = (await keys.list(USER, 1)).items[0].last_used_at
    assert used == clock.now()
    stopped_clock.move(30)
    await verification.verify(created.key, ADDRESS)
    assert (await keys.list(USER, 1)).items[0].last_used_at == used
    stopped_clock.move(30)
    await verification.verify(created.key, ADDRESS)
    assert (await keys.list(USER, 1)).items[0].last_used_at == clock.now()


async def test_no_key_is_logged(
    keys: ApiKeyService, verification: KeyVerification, caplog: pytest.LogCaptureFixture
) -> None:
    """No log line and no error contains a key or its digest, at any level."""
    caplog.set_level(logging.DEBUG)
    created = await create(keys)
    key = await verification.verify(created.key, ADDRESS)
    with pytest.raises(Unauthenticated) as raised:
        await verification.verify(make_key_text().text, ADDRESS)
    for secret in (created.key, created.key[16:], key.digest):
        assert secret not in caplog.text
        assert secret not in repr(key) + str(raised.value)


async def test_an_outage_is_reported(
    keys: ApiKeyService, verification: KeyVerification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database cannot be reached, a key is neither accepted nor refused: 503, and it works afterwards."""
    created = await create(keys)

    async def fail(*_: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as broken:
        broken.setattr(ApiKeyStore, "get", fail)
        with pytest.raises(Unavailable):
            await verification.verify(created.key, ADDRESS)
    await verification.verify(created.key, ADDRESS)
