"""The event loop of the measuring process. There is only one, since gRPC's clients outlive the measurements."""

import asyncio
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end and returns its result."""
    return _runner().run(work)
