"""Cancels work for callers who disconnect."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from shared.models.errors import CallerLeft

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return or raise what `work` does. If the caller of `request` disconnects, cancel it and raise `CallerLeft`.

    For a route whose body has been read. Cancelled work is awaited, because it may have to clean up.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_wait_for_disconnect(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
            if working.cancelled():
                raise CallerLeft("The caller has disconnected.")
        return working.result()
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _wait_for_disconnect(request: Request) -> None:
    """Returns when the server says that the connection is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
