"""Ends the sandbox's processes after each test."""

from collections.abc import AsyncIterator

import pytest

from shared.sandbox.workers import end_all


async def end_workers() -> None:
    """Ends the idle sandbox workers of this event loop, and their fork server.

    Otherwise, the workers would wait for another run after the test's event loop has ended.
    """
    await end_all()


@pytest.fixture(autouse=True)
async def end_workers_after_test() -> AsyncIterator[None]:
    """Ends the workers after each test, within its event loop. `conftest.py` files import this fixture."""
    yield
    await end_workers()
