"""Runs one step of a sweep for many tickets or holds, several at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared.log import get_logger

_log = get_logger("sweep")
_MAX_AT_ONCE = 10


class Named(Protocol):
    """A ticket or a hold that a sweep examines. `id` names it in the log."""

    @property
    def id(self) -> str:
        """The document's id."""
        ...


T = TypeVar("T", bound=Named)
R = TypeVar("R")


async def sweep_each(items: Sequence[T], sweep: Callable[[T], Awaitable[R]], on_error: R) -> list[R]:
    """Returns what `sweep` returns for each of `items`, in their order.

    If `sweep` raises an error, logs it and returns `on_error` for that item; the others are still swept.
    """
    gate = asyncio.Semaphore(_MAX_AT_ONCE)

    async def sweep_one(item: T) -> R:
        async with gate:
            try:
                return await sweep(item)
            except Exception:
                _log.exception("A ticket or a hold could not be swept", extra={"fields": {"id": item.id}})
                return on_error

    return await asyncio.gather(*map(sweep_one, items))
