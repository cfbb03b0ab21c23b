"""Time limits that do not count the time during which the process was frozen."""

import asyncio
import time
from collections.abc import Callable

import pytest

from shared.sandbox.awake_timeout import awake_timeout


@pytest.fixture
def freeze() -> Callable[[float], None]:
    """Returns a function that advances the event loop's clock by a number of seconds in which nothing runs."""
    frozen = 0.0

    def advance(seconds: float) -> None:
        nonlocal frozen
        frozen += seconds
        asyncio.get_running_loop().time = lambda: time.monotonic() + frozen

    return advance


async def test_frozen_time_does_not_count(freeze: Callable[[float], None]) -> None:
    """After a freeze, the block continues with its remaining time, however long the freeze was."""
    async with awake_timeout(5):
        await asyncio.sleep(0.01)
        freeze(3600)
        await asyncio.sleep(0.01)
        freeze(3600)
        await asyncio.sleep(0.01)


async def test_a_block_that_hangs_times_out() -> None:
    """Without a freeze, the time limit works like `asyncio.timeout`."""
    with pytest.raises(TimeoutError):
        async with awake_timeout(0.05):
            await asyncio.Event().wait()


async def test_a_block_that_hangs_after_a_freeze_times_out(freeze: Callable[[float], None]) -> None:
    """A freeze counts as at most two seconds, and the time limit still applies afterwards."""

    async def hang() -> None:
        async with awake_timeout(2.05):
            freeze(3600)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await hang()


async def test_a_block_can_be_cancelled_from_outside() -> None:
    """A cancelled block raises `CancelledError`, and leaves no running tasks."""

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
