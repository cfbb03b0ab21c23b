"""Repeats work during a database outage, if giving up would lose the record of a cost that has been incurred."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from shared.models.errors import Unavailable

T = TypeVar("T")


async def wait_out_outages(work: Callable[[], Awaitable[T]], seconds: float, max_pause_seconds: float) -> T:
    """Does `work`, and repeats it while it raises `Unavailable`, with pauses that grow to `max_pause_seconds`.

    Raises the last `Unavailable` after `seconds`, and any other error immediately.
    """

    async def do_work() -> T:  # tenacity awaits coroutine functions only, and a lambda is not one
        return await work()

    return await AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_random_exponential(multiplier=0.5, max=max_pause_seconds),
        stop=stop_after_delay(seconds),
        reraise=True,
    )(do_work)
