"""Ends the sandbox's processes after a test."""

from collections.abc import AsyncIterator

import pytest

from shared.sandbox.workers import end_all


async def end_workers() -> None:
    """End the idle sandbox workers of this event loop, and their fork server.

    Workers wait for a next run, which never comes once the test's event loop has ended.
    """
    await end_all()


@pytest.fixture(autouse=True)
async def end_workers_after_test() -> AsyncIterator[None]:
    """For a `conftest.py` to import: ends the workers after each test, within the test's event loop."""
    yield
    await end_workers()
