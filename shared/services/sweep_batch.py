"""Runs one step of a sweep for many tickets, holds or schedules, some of them concurrently."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared.log import get_logger

_log = get_logger("sweep")
_MAX_CONCURRENT = 10


class Named(Protocol):
    """A ticket, a hold or a schedule that a sweep examines. `id` names it in the log."""

    @property
    def id(self) -> str:
        """The document's id."""
        ...


T = TypeVar("T", bound=Named)
R = TypeVar("R")


async def sweep_each(items: Sequence[T], sweep: Callable[[T], Awaitable[R]], on_error: R) -> list[R]:
    """Calls `sweep` for each of `items`, and returns the results in the same order.

    If `sweep` raises an error, logs it, and uses `on_error` as the result for that item. The other items are still
    swept.
    """
    semaphore = asyncio.Semaphore(_MAX_CONCURRENT)

    async def sweep_one(item: T) -> R:
        async with semaphore:
            try:
                return await sweep(item)
            except Exception:
                _log.exception("A ticket, a hold or a schedule could not be swept", extra={"fields": {"id": item.id}})
                return on_error

    return await asyncio.gather(*map(sweep_one, items))
