"""Cancels work for callers who disconnect."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from shared.models.errors import CallerDisconnected

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Runs `work`, and returns its result or raises its error.

    If the caller of `request` disconnects, cancels `work` and raises `CallerDisconnected`. The request's body must have
    been read. Cancelled work is awaited, because it may have to clean up.
    """
    work_task = asyncio.create_task(work)
    disconnect_task = asyncio.create_task(_wait_for_disconnect(request))
    try:
        await asyncio.wait({work_task, disconnect_task}, return_when=asyncio.FIRST_COMPLETED)
        if not work_task.done():
            work_task.cancel()
            await asyncio.wait({work_task})
            if work_task.cancelled():
                raise CallerDisconnected("The caller has disconnected.")
        return work_task.result()
    finally:
        disconnect_task.cancel()
        if not work_task.done():
            work_task.cancel()
        await asyncio.gather(work_task, disconnect_task, return_exceptions=True)


async def _wait_for_disconnect(request: Request) -> None:
    """Returns when the server reports that the connection is closed."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
