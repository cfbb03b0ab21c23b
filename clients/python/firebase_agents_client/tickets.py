"""Waits for a chat's ticket, which it looks up at growing intervals until it is finished."""

import asyncio
import time
from urllib.parse import quote

import httpx

from firebase_agents_client.answers import ServiceError
from firebase_agents_client.generated.client import AuthenticatedClient
from firebase_agents_client.generated.models import ChatResponse, ChatResult, Error

_FIRST_PAUSE = 0.2
_MAX_PAUSE = 5.0
_GROWTH = 1.5
_MAX_LOOK_UP = 30.0
_TEMPORARY_STATUSES = (429, 500, 502, 503, 504)
"""Statuses after which the ticket is looked up again, because they say nothing about the chat."""


class TicketFailed(Exception):
    """The chat ended without an answer. `ticket`: the failed ticket; its `error` is a sentence for the user."""

    def __init__(self, ticket: ChatResponse) -> None:
        self.ticket = ticket
        super().__init__(ticket.error)


class TicketTimeout(TimeoutError):
    """The ticket was not finished in time. It may still finish: you can wait for it again.

    `ticket_id`: the ticket. `__cause__`: the error of the last look-up, if it failed.
    """

    def __init__(self, ticket_id: str, timeout: float) -> None:
        self.ticket_id = ticket_id
        super().__init__(f"The ticket {ticket_id} was not finished within {timeout:g} seconds.")


def wait_for_ticket(client: AuthenticatedClient, ticket_id: str, *, timeout: float = 300) -> ChatResult:
    """Waits for the ticket's result and returns it. `timeout`: total seconds.

    Raises `TicketFailed`, `TicketTimeout`, and `ServiceError` for an error that waiting cannot resolve, such as an
    unknown ticket or a missing token. After temporary errors (too many requests, an unavailable service or network), it
    tries again, after the time in `Retry-After` if the service sends that.
    """
    watch = _Watch(ticket_id, timeout)
    while True:
        try:
            response = client.get_httpx_client().get(watch.path, timeout=watch.limit)
        except (httpx.TransportError, ServiceError) as error:
            watch.handle_error(error)
        else:
            if (result := watch.result(response)) is not None:
                return result
        time.sleep(watch.pause())


async def wait_for_ticket_async(client: AuthenticatedClient, ticket_id: str, *, timeout: float = 300) -> ChatResult:
    """Does the same as `wait_for_ticket`, without blocking the event loop."""
    watch = _Watch(ticket_id, timeout)
    while True:
        try:
            response = await client.get_async_httpx_client().get(watch.path, timeout=watch.limit)
        except (httpx.TransportError, ServiceError) as error:
            watch.handle_error(error)
        else:
            if (result := watch.result(response)) is not None:
                return result
        await asyncio.sleep(watch.pause())


class _Watch:
    """The state of waiting for one ticket, and the pause before the next look-up. It sends nothing itself."""

    def __init__(self, ticket_id: str, timeout: float) -> None:
        self.path = f"/chat/{quote(ticket_id, safe='')}"
        self._ticket_id = ticket_id
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._next_pause = _FIRST_PAUSE
        self._error: Exception | None = None

    @property
    def limit(self) -> float:
        """The number of seconds that the next look-up may take."""
        return max(0.001, min(_MAX_LOOK_UP, self._deadline - time.monotonic()))

    def handle_error(self, error: Exception) -> None:
        """Records a temporary error of a look-up, and raises any other."""
        if isinstance(error, ServiceError) and error.status not in _TEMPORARY_STATUSES:
            raise error
        self._error = error

    def result(self, response: httpx.Response) -> ChatResult | None:
        """Returns the ticket's result, or None if it is not finished. Raises `TicketFailed` and `ServiceError`."""
        if response.status_code != 200:
            self.handle_error(ServiceError(response.status_code, _body(response), response.headers))
            return None
        self._error = None
        ticket = ChatResponse.from_dict(response.json())
        if ticket.status == "failed":
            raise TicketFailed(ticket)
        return ticket.result

    def pause(self) -> float:
        """Returns the seconds until the next look-up. Raises `TicketTimeout` if the time is up."""
        remaining = self._deadline - time.monotonic()
        retry_after = self._error.retry_after or 0 if isinstance(self._error, ServiceError) else 0
        if remaining <= 0 or retry_after > remaining:
            raise TicketTimeout(self._ticket_id, self._timeout) from self._error
        pause = max(retry_after, min(self._next_pause, remaining))
        self._next_pause = min(self._next_pause * _GROWTH, _MAX_PAUSE)
        return pause


def _body(response: httpx.Response) -> Error | None:
    """Returns the service's error, or None if the response is not from the service itself."""
    try:
        return Error(detail=str(response.json()["detail"]))
    except (ValueError, TypeError, KeyError):
        return None
