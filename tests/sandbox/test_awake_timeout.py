"""What is prepared may be frozen for as long as it pleases the platform, and is given up only when it hangs."""

import asyncio
import time
from collections.abc import Callable

import pytest

from shared.sandbox.awake_timeout import awake_timeout


@pytest.fixture
def freeze() -> Callable[[float], None]:
    """Moves the event loop's clock on by so many seconds, in which nothing ran."""
    frozen = 0.0

    def move(seconds: float) -> None:
        nonlocal frozen
        frozen += seconds
        asyncio.get_running_loop().time = lambda: time.monotonic() + frozen

    return move


async def test_time_for_which_nothing_ran_does_not_count(freeze: Callable[[float], None]) -> None:
    """However long; and it goes on with the time that was left."""
    async with awake_timeout(5):
        await asyncio.sleep(0.01)
        freeze(3600)
        await asyncio.sleep(0.01)
        freeze(3600)
        await asyncio.sleep(0.01)


async def test_what_hangs_is_given_up() -> None:
    """As by `asyncio.timeout`."""
    with pytest.raises(TimeoutError):
        async with awake_timeout(0.05):
            await asyncio.Event().wait()


async def test_what_hangs_after_it_was_frozen_is_given_up(freeze: Callable[[float], None]) -> None:
    """A freeze counts for two seconds at most, so it cannot go on for ever."""

    async def hang() -> None:
        async with awake_timeout(2.05):
            freeze(3600)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await hang()


async def test_what_is_cancelled_from_outside_is_cancelled() -> None:
    """And leaves nothing behind that runs."""

    async def wait() -> None:
        async with awake_timeout(60):
            await asyncio.Event().wait()

    before = asyncio.all_tasks()
    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before
