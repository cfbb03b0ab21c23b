"""A revoked key spends nothing more, whatever happens at the same time, and however instances' clocks differ."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import clock
from shared.llm.catalog import Catalog
from shared.models.api_key import ApiKey, CreateKeyRequest
from shared.models.caller import Caller
from shared.models.errors import KeyBudgetSpent
from shared.models.key_period import Period, period_id
from shared.models.money import CostBounds
from shared.services.accounts.spending import SpendingService
from shared.services.api_keys.keys import ApiKeyService
from shared.settings import Settings
from shared.store import Transaction
from shared.store.api_keys import ApiKeyStore
from tests.services.harness import Harness, chat
from tests.stopped_clock import StoppedClock

USER = Caller("u")
_SECOND = timedelta(seconds=1)


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


@pytest.fixture
async def keys(harness: Harness) -> ApiKeyService:
    return ApiKeyService(harness.database, harness.settings)


async def create_key(keys: ApiKeyService, period: str = "day") -> ApiKey:
    budget = {"amount": 1, "period": period}
    created = await keys.create(USER, CreateKeyRequest.model_validate({"name": "k", "budget": budget}))
    key = await keys.database.api_keys.get(created.id)
    assert key is not None
    return key


async def spends(harness: Harness, key: ApiKey) -> bool:
    """Whether what the key has started may still begin something that costs something."""
    try:
        await harness.chat.submit(Caller("u", key=key), chat("hi"))
    except KeyBudgetSpent:
        return False
    return True


async def test_a_first_call_that_meets_the_revocation_opens_no_period(
    harness: Harness, keys: ApiKeyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a key is revoked while its first call in a period is admitted, that call and all later ones are refused."""
    key = await create_key(keys)
    get = ApiKeyStore.get
    revoked = False

    async def get_before_revocation(
        store: ApiKeyStore, key_id: str, transaction: Transaction | None = None
    ) -> ApiKey | None:
        nonlocal revoked
        found = await get(store, key_id, transaction)
        if not revoked:
            revoked = True
            await keys.revoke(USER, key_id)
        return found

    monkeypatch.setattr(ApiKeyStore, "get", get_before_revocation)
    assert [await spends(harness, key), await spends(harness, key)] == [False, False]
    assert revoked
    assert await harness.database.key_periods.get(period_id(key.id, key.period, clock.now())) is None


@pytest.mark.parametrize("period", ["day", "month"])
@pytest.mark.parametrize("ahead", [-1, 1])
async def test_a_revocation_counts_on_instances_with_other_clocks(
    harness: Harness, keys: ApiKeyService, stopped_clock: StoppedClock, period: str, ahead: int
) -> None:
    """A key that has spent something on an instance whose clock has, or has not yet, passed midnight is revoked there,
    too."""
    key = await create_key(keys, period)
    midnight = Period(period).end(clock.now())
    move_to(stopped_clock, midnight + ahead * _SECOND)
    assert await spends(harness, key)
    move_to(stopped_clock, midnight - ahead * _SECOND)
    assert await spends(harness, key)
    await keys.revoke(USER, key.id)
    for seconds in (-1, 1):
        move_to(stopped_clock, midnight + seconds * _SECOND)
        assert not await spends(harness, key)


def move_to(stopped_clock: StoppedClock, moment: datetime) -> None:
    stopped_clock.move((moment - clock.now()).total_seconds())


async def test_a_key_in_heavy_use_is_revoked_at_once(harness: Harness, keys: ApiKeyService) -> None:
    """However often its spending changes at the same time, a key is revoked with the first commit."""
    key = await create_key(keys)
    assert await spends(harness, key)
    client = harness.database._client  # pyright: ignore[reportPrivateUsage]
    period = client.collection("keyPeriods").document(period_id(key.id, key.period, clock.now()))
    api, commits = client._firestore_api, 0  # pyright: ignore[reportPrivateUsage]
    commit = api.commit

    async def commit_too_late(*args: Any, **kwargs: Any) -> Any:
        nonlocal commits
        commits += 1
        api.commit = commit
        await period.update({"spent": commits})
        api.commit = commit_too_late
        return await commit(*args, **kwargs)

    api.commit = commit_too_late
    async with asyncio.timeout(20):
        await keys.revoke(USER, key.id)
    api.commit = commit
    assert commits == 1
    assert not (await period.get()).exists
    assert not await spends(harness, key)


async def test_a_call_is_not_made_again_after_the_revocation(harness: Harness, keys: ApiKeyService) -> None:
    """A call whose process has died is made again with its hold, unless its key has been revoked in the meantime."""
    key = await create_key(keys)
    caller, spending = Caller("u", key=key), SpendingService(harness.database, harness.settings)
    bounds = CostBounds(1, 1000)
    hold = await spending.hold(caller, "run-1", bounds, again=True)
    assert (await spending.hold(caller, "run-1", bounds, again=True)).amount == hold.amount == 1000
    await keys.revoke(USER, key.id)
    with pytest.raises(KeyBudgetSpent, match="revoked"):
        await spending.hold(caller, "run-1", bounds, again=True)
    await spending.settle(hold, 0.0, {})
    assert (await harness.account("u")).held == 0
