"""Runs one step of a sweep for many things, some at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared.log import get_logger

_log = get_logger("sweep")
_MAX_AT_ONCE = 10


class Named(Protocol):
    """Something that a sweep looks at: a ticket, a hold. `id` names it in the log."""

    @property
    def id(self) -> str:
        """The document's id."""
        ...


T = TypeVar("T", bound=Named)
R = TypeVar("R")


async def sweep_each(things: Sequence[T], sweep: Callable[[T], Awaitable[R]], left: R) -> list[R]:
    """What `sweep` returns for each of `things`, in their order.

    If it raises an error, that is logged, and the outcome is `left`; the others are swept all the same.
    """
    gate = asyncio.Semaphore(_MAX_AT_ONCE)

    async def sweep_one(thing: T) -> R:
        async with gate:
            try:
                return await sweep(thing)
            except Exception:
                _log.exception("A ticket or a hold could not be swept", extra={"fields": {"id": thing.id}})
                return left

    return await asyncio.gather(*map(sweep_one, things))
