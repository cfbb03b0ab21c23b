"""Tests of turns within a process: one at a time, urgent waiters first, and waiters that left are skipped."""

import asyncio

import pytest

from shared.models.errors import NotStarted, Unavailable
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.store.priority_lock import PriorityLock


async def wait_in(line: PriorityLock, name: str, served: list[str], *, urgent: bool = False) -> None:
    async with line.turn(urgent=urgent):
        served.append(name)
        await asyncio.sleep(0)


async def start_waiters(line: PriorityLock, served: list[str], *names: str) -> dict[str, asyncio.Task[None]]:
    """Starts waiters in this order. A name in capitals is urgent."""
    tasks = {name: asyncio.create_task(wait_in(line, name, served, urgent=name.isupper())) for name in names}
    await asyncio.sleep(0)
    return tasks


async def test_urgent_waiters_go_first() -> None:
    """Urgent waiters are served in the order of their arrival, and then the others in theirs."""
    line, served = PriorityLock(), list[str]()
    async with line.turn():
        tasks = await start_waiters(line, served, "a", "b", "X", "c", "Y")
    await asyncio.gather(*tasks.values())
    assert served == ["X", "Y", "a", "b", "c"]


async def test_waiters_that_leave_are_skipped() -> None:
    """A waiter is skipped even if it is cancelled at the moment at which it gets the turn."""
    line, served = PriorityLock(), list[str]()
    async with line.turn():
        tasks = await start_waiters(line, served, "a", "b", "c")
        tasks["b"].cancel()
    tasks["a"].cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert served == ["c"]
    async with asyncio.timeout(1), line.turn():
        pass


async def test_a_failure_passes_the_turn_on() -> None:
    """The next waiter gets the turn if a block fails."""
    line, served = PriorityLock(), list[str]()

    async def fail() -> None:
        async with line.turn():
            await asyncio.sleep(0)
            raise ValueError("broken")

    failing = asyncio.create_task(fail())
    await asyncio.sleep(0)
    tasks = await start_waiters(line, served, "a")
    with pytest.raises(ValueError, match="broken"):
        await failing
    await asyncio.gather(*tasks.values())
    assert served == ["a"]


async def test_a_transaction_that_never_got_a_turn_raises_never_begun(settings: Settings) -> None:
    """Such a transaction has read and written nothing. One that had its turn may have done so."""
    database = Database(settings.model_copy(update={"store_timeout_seconds": 0.2}))
    runs: list[str] = []
    end = asyncio.Event()

    async def long(_: Transaction) -> None:
        runs.append("long")
        await end.wait()

    async def short(_: Transaction) -> None:
        runs.append("short")

    patient = Database(settings)
    first = asyncio.create_task(patient.transaction(long, serialize_on="mine"))
    await asyncio.sleep(0)
    with pytest.raises(NotStarted):
        await database.transaction(short, serialize_on="mine")
    assert runs == ["long"]
    end.set()
    await first
    end.clear()
    with pytest.raises(Unavailable) as late:
        await database.transaction(long, serialize_on="mine")
    assert not isinstance(late.value, NotStarted)
