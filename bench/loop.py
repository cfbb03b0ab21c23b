"""The event loop of the measuring process. There is only one, since gRPC's clients outlive the measurements."""

import asyncio
import time
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from bench.watching import CHECK_SECONDS, MeasurementFailed, check_processes

RUN_SECONDS = 180.0
T = TypeVar("T")


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


def run(work: Coroutine[Any, Any, T], timeout: float = RUN_SECONDS) -> T:
    """Runs a coroutine to its end and returns its result.

    Raises `MeasurementFailed` after `timeout` seconds, or when a process that the measurement depends on ends.
    """
    return _runner().run(_guard(work, timeout))


async def _guard(work: Coroutine[Any, Any, T], timeout: float) -> T:
    deadline = time.monotonic() + timeout
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=CHECK_SECONDS))[0]:
            check_processes()
            if time.monotonic() > deadline:
                raise MeasurementFailed(f"a step took longer than {timeout:.0f} s")
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CHECK_SECONDS)
    return task.result()
