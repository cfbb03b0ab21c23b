"""Callers who leave: what is done for a caller alone ends when that one has hung up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from shared.models.errors import CallerLeft

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns or raises; ends it when the caller of `request` has hung up, and raises `CallerLeft`.

    For a route whose body has been read. `work` is waited for to its end: it may have things to put in order.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_wait_for_disconnect(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
            if working.cancelled():
                raise CallerLeft("The caller has hung up.")
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
