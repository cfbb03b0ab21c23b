"""Limits the size of request bodies, and parses them strictly as JSON.

A body that is compressed or not in UTF-8 is decoded if its format is certain, and otherwise refused with an
explanation. Python's own parser accepts `NaN`, `Infinity` and half of a surrogate pair, none of which is valid JSON or
can be stored. The parser used here refuses them, and excessive nesting.
"""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pydantic_core
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope

from shared.models.errors import BadRequest, TooLarge
from shared.numbers import is_finite_number
from shared.web.encodings import decompress, explain_not_utf8, to_utf8
from shared.web.request_headers import HeaderIndex, get_first

ARRIVAL_SECONDS = 30.0
"""The time limit for a whole body. Without it, slow or endless requests could occupy the few that a process serves."""


async def read_body(scope: Scope, headers: HeaderIndex, receive: Receive, limit: int) -> bytes:
    """Returns the whole body, decompressed, of at most `limit` bytes.

    The whole body is read before the application runs, so that an oversized body never interrupts its work. The limit
    applies to the declared, the actual and the decompressed size. FastAPI's own limit responds with plain text. Removes
    the encoding from the request's headers.

    Raises `TooLarge`, `InvalidInput` for an encoding that cannot be undone, and `BadRequest` for a body that ends too
    early or arrives too slowly.
    """
    declared = get_first(headers, b"content-length")
    if declared.isdecimal():
        _check_size(int(declared[:20]), limit)  # Python limits the number of digits that it converts
    may_be_slow = declared or b"transfer-encoding" in headers
    body = await (_receive_in_time if may_be_slow else _receive)(receive, limit)
    if body and (encoding := get_first(headers, b"content-encoding")):
        body = decompress(body, encoding, limit)
        changed = MutableHeaders(scope=scope)
        del changed["content-encoding"]
        changed["content-length"] = str(len(body))
    return body


async def _receive_in_time(receive: Receive, limit: int) -> bytes:
    try:
        async with asyncio.timeout(ARRIVAL_SECONDS):
            return await _receive(receive, limit)
    except TimeoutError as error:
        raise BadRequest(f"The request's body did not arrive within {ARRIVAL_SECONDS:g} seconds.") from error


async def _receive(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The request ended before its body was complete.")
        if part := message.get("body"):
            parts.append(part)
            size += len(part)
            _check_size(size, limit)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"The request body has at least {size} bytes; the limit is {limit}. Send less.")


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Returns a function that receives the body that has been read, and then what follows."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


_HUGE = re.compile(rb"\d[eE]\+?\d{3}|\d{210}")
"""Finds numbers that may be too large for a float, which the parser reads as infinity."""


def refuse_infinite(value: Any) -> None:
    """Raises `ValueError` for a number too large for a float, anywhere in a JSON value."""
    stack: list[Any] = [value]
    while stack:
        match stack.pop():
            case float(number) if not is_finite_number(number):
                raise ValueError("a number is too large")
            case dict(fields):
                stack.extend(cast("dict[str, Any]", fields).values())
            case list(items):
                stack.extend(cast("list[Any]", items))
            case _:
                pass


_POSITION = re.compile(r"line (\d+) column (\d+)$")
_DESCRIPTIONS = {
    "EOF": "it ends too early",
    "trailing comma": "there is a comma before the end",
    "trailing characters": "there is more text after its end",
    "recursion limit": "it is nested too deeply",
    "control character": "a string contains a control character, such as a line break",
    "hex escape": "a string contains half of a surrogate pair, or an incomplete escape",
    "escape": "a backslash is not a valid escape there",
    "key must be": "a name in double quotes is missing",
    "expected `:`": "a colon is missing",
    "expected `,`": "a comma or the end is missing",
    "number": "a number is malformed",
    "expected value": "a value is missing",
}


def _describe_error(message: str) -> str:
    """Rewords the parser's technical message, and adds the position."""
    description = next((text for part, text in _DESCRIPTIONS.items() if part in message), "it cannot be parsed")
    position = _POSITION.search(message)
    return f"{description} (line {position[1]}, column {position[2]})" if position else description


_LARGE_BYTES = 1024 * 1024
_MAX_VALUES = 200_000
"""The maximum number of values in a body of more than `_LARGE_BYTES`, which is large because of its images. Parsed, a
small value takes about fifty bytes, so that a body full of them would take more than twenty times its size."""


def _refuse_many_values(text: bytes) -> None:
    if len(text) > _LARGE_BYTES and text.count(b",") + text.count(b"[") + text.count(b"{") > _MAX_VALUES:
        raise TooLarge(f"A body of more than {_LARGE_BYTES} bytes may have {_MAX_VALUES} values. Send fewer.")


def _parse(text: bytes) -> Any:
    _refuse_many_values(text)
    try:
        value = pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(explain_not_utf8(text) or _describe_error(str(error))) from error
    if _HUGE.search(text):
        refuse_infinite(value)
    return value


class StrictRequest(Request):
    """A request whose JSON body is parsed strictly. `body`: the body, if it has been read."""

    def __init__(self, scope: Scope, receive: Receive, body: bytes | None = None) -> None:
        super().__init__(scope, receive)
        if body is not None:
            self._body = body

    async def json(self) -> Any:
        """Returns the parsed body. Raises `json.JSONDecodeError`."""
        if not hasattr(self, "_json"):
            try:
                self._json = _parse(to_utf8(await self.body()))
            except ValueError as error:
                raise json.JSONDecodeError(str(error), "", 0) from error
        return self._json


class StrictJsonRoute(APIRoute):
    """A route whose JSON body is parsed strictly. A body that does not parse gets a 422."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns a handler whose requests parse JSON strictly."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly
