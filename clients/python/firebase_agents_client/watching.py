"""Watches a ticket: yields what its model says while it says it, and continues after every interruption.

A run is watched in the same way (`firebase_agents_client.runs`).
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from firebase_agents_client.answers import ServiceError
from firebase_agents_client.generated.client import AuthenticatedClient
from firebase_agents_client.generated.models import ChatResponse
from firebase_agents_client.tickets import TEMPORARY_STATUSES, TicketTimeout, parse_error

_FIRST_PAUSE = 0.2
_MAX_PAUSE = 5.0
_PAUSE_GROWTH = 1.5
_SILENT_SECONDS = 45.0
"""The service sends something every 15 seconds. After a longer silence, the connection is lost."""
_HELD_SECONDS = 1.0
"""A response that has nothing new lasts longer than this, unless something in between ends it."""
_HOSTING_WAIT = 2
"""Firebase Hosting holds a response back until its end, so this client asks it for a short one, again and again."""


@dataclass(frozen=True)
class Delta:
    """The next piece of the answer, or of the model's `reasoning`; the other is empty. `id`: the cursor after it."""

    id: int
    content: str = ""
    reasoning: str = ""


@dataclass(frozen=True)
class ToolCalls:
    """Tool calls that are left to you, in the format of OpenAI's chat API. `id`: the cursor after them."""

    id: int
    tool_calls: list[dict[str, Any]]


@dataclass(frozen=True)
class Status:
    """The ticket's status, at the beginning and when it changes."""

    status: str
    attempt: int


@dataclass(frozen=True)
class Restart:
    """The answer begins again: discard all earlier deltas and tool calls. `id`: the cursor after this event."""

    id: int


@dataclass(frozen=True)
class Done:
    """The last event: the ticket has ended as `completed`, `failed` or `cancelled`. `id`: the last cursor."""

    id: int
    ticket: ChatResponse


E = TypeVar("E")
TicketEvent = Delta | ToolCalls | Status | Restart | Done


async def watch_ticket(
    client: AuthenticatedClient, ticket_id: str, *, starting_after: int = 0, timeout: float = 600
) -> AsyncGenerator[TicketEvent]:
    """Yields the ticket's events until it has ended. The contents of all deltas, joined, are the answer.

    If the connection breaks or the service is temporarily unavailable, continues after the last event, without losing
    or repeating a character. `starting_after`: the `id` of the last event that you have; 0 for all. `timeout`: the
    maximum total time, in seconds.

    Raises `TicketTimeout`, and `ServiceError` for an error that waiting cannot resolve, such as an unknown ticket.
    """
    path = f"/chat/{quote(ticket_id, safe='')}/events"
    connection = EventConnection(client, path, _to_event, ticket_id, starting_after, timeout)
    while True:
        async for event in connection.read():
            yield event
            if isinstance(event, Done):
                return
        await sleep(connection.pause())


class EventConnection(Generic[E]):
    """Reads the events of one ticket or run, from one response after the other.

    `to_event` gets an event's name, its data and the cursor after it, and returns None for an event to ignore.
    """

    def __init__(
        self,
        client: AuthenticatedClient,
        path: str,
        to_event: Callable[[str, Any, int], E | None],
        ticket_id: str,
        cursor: int,
        timeout: float,
    ) -> None:
        self._client = client.get_async_httpx_client()
        self._path = path
        self._to_event = to_event
        self._ticket_id = ticket_id
        self._cursor = cursor
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._next_pause = _FIRST_PAUSE
        self._error: Exception | None = None
        self._has_news = False
        """Whether the last response had something new, or was at least held open to wait for it."""
        self._is_through_hosting = self._client.base_url.path.startswith("/api/")

    async def read(self) -> AsyncIterator[E]:
        """Yields the events of the next response. Raises `ServiceError` for an error that is not temporary."""
        params = {"starting_after": self._cursor} | ({"wait": _HOSTING_WAIT} if self._is_through_hosting else {})
        timeout = httpx.Timeout(min(_SILENT_SECONDS, self._seconds_left), connect=10)
        self._error, self._has_news = None, False
        began = time.monotonic()
        try:
            async with self._client.stream("GET", self._path, params=params, timeout=timeout) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise ServiceError(response.status_code, parse_error(response), response.headers)
                async for id_, name, data in _parse(self._read_in_time(response)):
                    if id_ is not None:
                        self._cursor, self._next_pause, self._has_news = id_, _FIRST_PAUSE, True
                    if (event := self._to_event(name, data, self._cursor)) is not None:
                        yield event
                self._has_news |= time.monotonic() - began >= _HELD_SECONDS
        except httpx.TransportError as error:
            self._error = error
        except ServiceError as error:
            if error.status not in TEMPORARY_STATUSES:
                raise
            self._error = error

    async def _read_in_time(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """Yields the body's chunks until the total time is up."""
        chunks = response.aiter_bytes()
        while True:
            try:
                yield await asyncio.wait_for(anext(chunks), self._seconds_left)
            except (StopAsyncIteration, TimeoutError):
                return

    @property
    def _seconds_left(self) -> float:
        return max(0.001, self._deadline - time.monotonic())

    def pause(self) -> float:
        """Returns the number of seconds until the next request. Raises `TicketTimeout` if the time is up."""
        remaining = self._deadline - time.monotonic()
        retry_after = self._error.retry_after or 0 if isinstance(self._error, ServiceError) else 0
        if remaining <= 0 or retry_after > remaining:
            raise TicketTimeout(self._ticket_id, self._timeout) from self._error
        if self._error is None and self._has_news:
            return 0  # the response has only reached its time limit
        pause = max(retry_after, min(self._next_pause, remaining))
        self._next_pause = min(self._next_pause * _PAUSE_GROWTH, _MAX_PAUSE)
        return pause


async def _parse(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int | None, str, Any]]:
    """Yields the id, the name and the data of each complete event. An incomplete one at the end is dropped."""
    rest = b""
    async for chunk in chunks:
        *blocks, rest = (rest + chunk).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line[1:])
            if b"event" in fields and b"data" in fields:
                id_ = int(fields[b"id"]) if b"id" in fields else None
                yield id_, fields[b"event"].decode(), json.loads(fields[b"data"])


async def sleep(seconds: float) -> None:
    """Waits. Tests replace it."""
    await asyncio.sleep(seconds)


def _to_event(name: str, data: Any, id_: int) -> TicketEvent | None:
    """Returns the event. None for one of a newer version of the service."""
    match name:
        case "delta":
            return Delta(id_, data.get("content") or "", data.get("reasoning") or "")
        case "tool":
            return ToolCalls(id_, data["tool_calls"])
        case "status":
            return Restart(id_) if data.get("restart") else Status(data["status"], data["attempt"])
        case "done":
            return Done(id_, ChatResponse.from_dict(data))
        case _:
            return None
