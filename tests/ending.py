"""What ends with a test."""

import sys
from collections.abc import AsyncIterator

import pytest


@pytest.fixture(autouse=True)
async def interpreters_end_with_their_loop() -> AsyncIterator[None]:
    """Those that wait for a next run, which this test's event loop will not see."""
    yield
    module = sys.modules.get("shared.sandbox.full.interpreters")
    if module is not None:
        await module.end_ready()
