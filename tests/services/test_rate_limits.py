"""Rate limits, in the real Firestore emulator."""

import asyncio
from uuid import uuid4

import pytest

from shared.models.errors import TooManyRequests
from shared.services.rate_limits import RateLimitService
from shared.store import Database
from tests.stopped_clock import StoppedClock


@pytest.fixture
async def limits(database: Database) -> RateLimitService:
    return RateLimitService(database)


@pytest.fixture
def key() -> str:
    return f"test:{uuid4()}"


async def test_a_burst_is_let_through_and_what_follows_is_not(limits: RateLimitService, key: str) -> None:
    """As many as for a minute, at once; then 429, with the seconds until the next."""
    for _ in range(5):
        await limits.acquire(key, 5)
    with pytest.raises(TooManyRequests) as refused:
        await limits.acquire(key, 5)
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 12


async def test_many_at_once_get_no_more_than_the_burst(limits: RateLimitService, key: str) -> None:
    """Concurrent requests get as much as sequential ones."""
    outcomes = await asyncio.gather(*(limits.acquire(key, 10) for _ in range(40)), return_exceptions=True)
    assert outcomes.count(None) == 10
    assert sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 30


async def test_one_request_comes_back_after_its_share_of_the_minute(
    limits: RateLimitService, key: str, stopped_clock: StoppedClock
) -> None:
    """120 a minute: one each half second, and no more than that one."""
    for _ in range(120):
        await limits.acquire(key, 120)
    with pytest.raises(TooManyRequests):
        await limits.acquire(key, 120)
    stopped_clock.move(0.6)
    await limits.acquire(key, 120)
    with pytest.raises(TooManyRequests):
        await limits.acquire(key, 120)


async def test_keys_have_separate_limits(limits: RateLimitService, key: str) -> None:
    """One caller's flood does not count against another."""
    await limits.acquire(key, 1)
    await limits.acquire(f"{key}-other", 1)


async def test_zero_means_no_limit(limits: RateLimitService, key: str) -> None:
    """0 switches it off."""
    for _ in range(20):
        await limits.acquire(key, 0)
