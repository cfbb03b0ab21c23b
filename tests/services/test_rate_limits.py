"""Rate limits apply across processes. The tests use the real Firestore emulator."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from shared.models.errors import NotStarted, TooManyRequests, Unavailable
from shared.services import rate_limits
from shared.services.rate_limits import UNSEEN_SHARE, RateLimitService
from shared.settings import Settings
from shared.store import Database, Transaction
from tests.database_faults import break_commits
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


def simulate_processes(monkeypatch: pytest.MonkeyPatch, database: Database, number: int) -> list[RateLimitService]:
    """Returns services that count separately, like those of several processes."""
    services = [RateLimitService(database) for _ in range(number)]
    counts: dict[int, dict[str, Any]] = {id(service): {} for service in services}

    def get_count(self: RateLimitService, key: str) -> Any:
        return counts[id(self)].setdefault(key, rate_limits._Count())  # pyright: ignore[reportPrivateUsage]

    monkeypatch.setattr(RateLimitService, "_get_count", get_count)
    return services


async def count_accepted(service: RateLimitService, key: str, per_minute: int, requests: int) -> int:
    accepted = 0
    for _ in range(requests):
        try:
            await service.acquire(key, per_minute)
        except TooManyRequests:
            continue
        accepted += 1
    return accepted


async def test_a_busy_key_is_rarely_written(
    limits: RateLimitService, database: Database, key: str, stopped_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key with many requests is written once per tenth of its limit, and once a second, instead of every time."""
    commits = 0
    transaction = database.transaction

    async def count(*args: Any, **options: Any) -> Any:
        nonlocal commits
        commits += 1
        return await transaction(*args, **options)

    monkeypatch.setattr(database, "transaction", count)
    assert await count_accepted(limits, key, 1000, 1200) == 1000
    assert commits <= 1 / UNSEEN_SHARE + 1
    commits = 0
    for _ in range(5):
        stopped_clock.move(1.01)
        assert await count_accepted(limits, key, 1000, 5) == 5
    assert commits == 5


async def test_a_slow_key_is_not_stored(
    limits: RateLimitService, database: Database, key: str, stopped_clock: StoppedClock
) -> None:
    """A key that uses less than a tenth of its limit costs no reads or writes. It is stored when it uses more."""
    for _ in range(30):
        assert await count_accepted(limits, key, 600, 1) == 1
        stopped_clock.move(1.01)

    async def get_stored(transaction: Transaction) -> float:
        return await database.rate_limits.get(key, transaction)

    assert await database.transaction(get_stored) == 0
    assert await count_accepted(limits, key, 600, 70) == 70
    assert await database.transaction(get_stored) > 0


@pytest.mark.parametrize("per_minute", [9, 20, 60])
async def test_several_processes_exceed_a_rate_by_a_tenth_each(
    database: Database, key: str, stopped_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch, per_minute: int
) -> None:
    """In two minutes, at most a burst, twice the rate, and a tenth of these for each process are accepted. A limit of
    fewer than ten is exact."""
    services = simulate_processes(monkeypatch, database, 3)
    accepted = 0
    for _ in range(120):
        accepted += sum([await count_accepted(service, key, per_minute, 1) for service in services])
        stopped_clock.move(1.0)
    tolerance = 0 if per_minute < 1 / UNSEEN_SHARE else 3 * UNSEEN_SHARE
    assert 3 * per_minute - 4 <= accepted <= 3 * per_minute * (1 + tolerance)


async def test_several_processes_exceed_a_limit_by_a_tenth_each(
    database: Database, key: str, stopped_clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a burst, each process may accept a tenth of the limit that the others do not know of, and no more.

    What was accepted beyond the limit counts as well, so the rate over a longer time is exact.
    """
    services = simulate_processes(monkeypatch, database, 4)
    accepted = sum(await asyncio.gather(*(count_accepted(service, key, 200, 300) for service in services)))
    assert 200 <= accepted <= 200 * (1 + 4 * UNSEEN_SHARE)
    for _ in range(60):
        stopped_clock.move(2.0)
        accepted += sum([await count_accepted(service, key, 200, 10) for service in services])
    assert 590 <= accepted <= 200 * (1 + 4 * UNSEEN_SHARE) + 400


async def test_no_count_is_lost_in_an_outage(
    limits: RateLimitService, database: Database, key: str, stopped_clock: StoppedClock, settings: Settings
) -> None:
    """If the count cannot be reconciled, the request fails, and the earlier ones are counted later."""
    impatient = RateLimitService(Database(settings.model_copy(update={"store_timeout_seconds": 0.2})))
    assert await count_accepted(impatient, key, 100, 5) == 5
    stopped_clock.move(1.01)
    restore = break_commits(database, 1)
    with pytest.raises(Unavailable):
        await impatient.acquire(key, 100)
    restore()
    assert await count_accepted(impatient, key, 100, 200) == 96


@pytest.mark.parametrize("processes", [1, 3, 10])
@pytest.mark.parametrize("burst", [8, 11])
async def test_repeated_bursts_do_not_add_up(
    database: Database,
    key: str,
    stopped_clock: StoppedClock,
    monkeypatch: pytest.MonkeyPatch,
    processes: int,
    burst: int,
) -> None:
    """Bursts in every process, with pauses after which each process has regained its own requests, stay in bounds."""
    services = simulate_processes(monkeypatch, database, processes)
    per_minute, accepted, seconds = 100, 0, 0.0
    pause = (2 * processes + burst - 2) * 60 / per_minute + 0.1
    while seconds < 180:
        for service in services:
            accepted += await count_accepted(service, key, per_minute, burst)
        stopped_clock.move(pause)
        seconds += pause
    assert accepted <= (per_minute + per_minute * seconds / 60) * (1 + UNSEEN_SHARE * (processes - 1))


async def test_requests_do_not_wait_for_each_other_in_an_outage(
    settings: Settings, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the database does not respond, all requests of a key fail after the same time."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 0.3}))

    async def respond_never(**_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(database._client._firestore_api, "batch_get_documents", respond_never)  # pyright: ignore[reportPrivateUsage]
    limits = RateLimitService(database)
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*(limits.acquire(key, 5) for _ in range(20)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {Unavailable, NotStarted}
