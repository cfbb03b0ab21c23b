"""Tests the priority lock: one holder at a time, urgent waiters first, and cancelled waiters skipped."""

import asyncio

import pytest

from shared.models.errors import NotStarted, Unavailable
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.store.priority_lock import PriorityLock


async def acquire(lock: PriorityLock, name: str, served: list[str], *, urgent: bool = False) -> None:
    async with lock.turn(urgent=urgent):
        served.append(name)
        await asyncio.sleep(0)


async def start_waiters(lock: PriorityLock, served: list[str], *names: str) -> dict[str, asyncio.Task[None]]:
    """Starts waiters in this order. A waiter whose name is a capital letter is urgent."""
    tasks = {name: asyncio.create_task(acquire(lock, name, served, urgent=name.isupper())) for name in names}
    await asyncio.sleep(0)
    return tasks


async def test_urgent_waiters_go_first() -> None:
    """Urgent waiters are served first, and then all others, both in the order of their arrival."""
    lock, served = PriorityLock(), list[str]()
    async with lock.turn():
        tasks = await start_waiters(lock, served, "a", "b", "X", "c", "Y")
    await asyncio.gather(*tasks.values())
    assert served == ["X", "Y", "a", "b", "c"]


async def test_cancelled_waiters_are_skipped() -> None:
    """A cancelled waiter is skipped, even if it is cancelled at the moment when it gets the lock."""
    lock, served = PriorityLock(), list[str]()
    async with lock.turn():
        tasks = await start_waiters(lock, served, "a", "b", "c")
        tasks["b"].cancel()
    tasks["a"].cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert served == ["c"]
    async with asyncio.timeout(1), lock.turn():
        pass


async def test_a_failure_releases_the_lock() -> None:
    """If the code that holds the lock fails, the next waiter gets the lock."""
    lock, served = PriorityLock(), list[str]()

    async def fail() -> None:
        async with lock.turn():
            await asyncio.sleep(0)
            raise ValueError("broken")

    failing = asyncio.create_task(fail())
    await asyncio.sleep(0)
    tasks = await start_waiters(lock, served, "a")
    with pytest.raises(ValueError, match="broken"):
        await failing
    await asyncio.gather(*tasks.values())
    assert served == ["a"]


async def test_a_transaction_that_times_out_before_its_turn_raises_not_started(settings: Settings) -> None:
    """A transaction that times out before its turn raises `NotStarted`, because it has read and written nothing. One
    that has had its turn raises only `Unavailable`."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 0.2}))
    runs: list[str] = []
    end = asyncio.Event()

    async def long(_: Transaction) -> None:
        runs.append("long")
        await end.wait()

    async def short(_: Transaction) -> None:
        runs.append("short")

    patient_database = Database(settings)
    first = asyncio.create_task(patient_database.transaction(long, serialize_on="mine"))
    await asyncio.sleep(0)
    with pytest.raises(NotStarted):
        await database.transaction(short, serialize_on="mine")
    assert runs == ["long"]
    end.set()
    await first
    end.clear()
    with pytest.raises(Unavailable) as timed_out:
        await database.transaction(long, serialize_on="mine")
    assert not isinstance(timed_out.value, NotStarted)
