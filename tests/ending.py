"""What ends with a test."""

from collections.abc import AsyncIterator

import pytest

from shared.sandbox.workers import end_all


async def end_workers() -> None:
    """Those that wait for a next run, which this event loop will not see, and their fork server."""
    await end_all()


@pytest.fixture(autouse=True)
async def workers_end_with_their_loop() -> AsyncIterator[None]:
    """See `end_workers`."""
    yield
    await end_workers()
