"""Rate limits apply across processes. The tests use the real Firestore emulator."""

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


async def test_a_burst_is_accepted_and_further_requests_are_not(limits: RateLimitService, key: str) -> None:
    """A minute's requests may arrive at once. The next one gets 429 with the seconds until it would be accepted."""
    for _ in range(5):
        await limits.acquire(key, 5)
    with pytest.raises(TooManyRequests) as raised:
        await limits.acquire(key, 5)
    assert raised.value.retry_after is not None
    assert 1 <= raised.value.retry_after <= 12


async def test_concurrent_requests_do_not_exceed_the_burst(limits: RateLimitService, key: str) -> None:
    """Concurrent requests are limited like sequential ones."""
    outcomes = await asyncio.gather(*(limits.acquire(key, 10) for _ in range(40)), return_exceptions=True)
    assert outcomes.count(None) == 10
    assert sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 30


async def test_a_request_is_accepted_again_after_its_share_of_the_minute(
    limits: RateLimitService, key: str, stopped_clock: StoppedClock
) -> None:
    """At 120 requests a minute, exactly one more is accepted after half a second."""
    for _ in range(120):
        await limits.acquire(key, 120)
    with pytest.raises(TooManyRequests):
        await limits.acquire(key, 120)
    stopped_clock.move(0.6)
    await limits.acquire(key, 120)
    with pytest.raises(TooManyRequests):
        await limits.acquire(key, 120)


async def test_keys_have_separate_limits(limits: RateLimitService, key: str) -> None:
    """One key's requests do not count towards another key's limit."""
    await limits.acquire(key, 1)
    await limits.acquire(f"{key}-other", 1)


async def test_zero_means_no_limit(limits: RateLimitService, key: str) -> None:
    """A limit of 0 accepts every request."""
    for _ in range(20):
        await limits.acquire(key, 0)
