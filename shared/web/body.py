"""Request bodies: bounded in size, and JSON by the letter.

Python's own parser takes `NaN`, `Infinity` and half of a surrogate pair, none of which is JSON and none of which
can be stored or answered; the parser here refuses them, as well as nesting without end.
"""

import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pydantic_core
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.models.errors import TooLarge


class BodyLimit:
    """Refuses a body over `limit` bytes, by its declared length or else while it arrives.

    FastAPI's own limit answers plain text. The whole body is read before the application runs, so that being too
    large is never an error in the middle of something.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit():
            self._check(int(declared[:20]))  # Python itself limits how many digits it reads
        messages: list[Message] = []
        size = 0
        more = True
        while more:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            self._check(size)
            more = message.get("more_body", False)
        messages.reverse()

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self.app(scope, replay, send)

    def _check(self, size: int) -> None:
        if size > self.limit:
            raise TooLarge(f"The request body is {size} bytes or more; at most {self.limit} are accepted. Send less.")


_HUGE = re.compile(rb"\d[eE]\+?\d{3}")
"""Where a number may be that is too large for a float, which the parser reads as infinity."""


def refuse_infinite(value: Any) -> None:
    """Raises `ValueError` for a number too large for a float, anywhere in a JSON value."""
    todo: list[Any] = [value]
    while todo:
        match todo.pop():
            case float(number) if not math.isfinite(number):
                raise ValueError("a number is too large")
            case dict(fields):
                todo.extend(cast("dict[str, Any]", fields).values())
            case list(items):
                todo.extend(cast("list[Any]", items))
            case _:
                pass


class _StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            try:
                self._json = pydantic_core.from_json(body, allow_inf_nan=False)
                if _HUGE.search(body):
                    refuse_infinite(self._json)
            except ValueError as error:
                raise json.JSONDecodeError(str(error), "", 0) from error
        return self._json


class StrictJsonRoute(APIRoute):
    """A route whose JSON body is parsed strictly; what does not parse is answered 422."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict
