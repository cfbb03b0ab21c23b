"""Waits for a chat's result: looks up its ticket at growing intervals until the ticket is finished."""

import asyncio
import time
from urllib.parse import quote

import httpx

from firebase_agents_client.answers import ServiceError
from firebase_agents_client.generated.client import AuthenticatedClient
from firebase_agents_client.generated.models import ChatResponse, ChatResult, Error

_FIRST_PAUSE = 0.2
_MAX_PAUSE = 5.0
_PAUSE_GROWTH = 1.5
_MAX_LOOK_UP_SECONDS = 30.0
TEMPORARY_STATUSES = (429, 500, 502, 503, 504)
"""The statuses after which the ticket is looked up again. They do not mean that the chat failed."""


class TicketFailed(Exception):
    """The chat ended without an answer. `ticket`: the failed ticket, whose `error` is a message for the user."""

    def __init__(self, ticket: ChatResponse) -> None:
        self.ticket = ticket
        super().__init__(ticket.error or f"The chat was {ticket.status}.")


class TicketCancelled(TicketFailed):
    """The chat was cancelled. `ticket.result` is what the model had said until then, or None."""


class TicketTimeout(TimeoutError):
    """The ticket was not finished in time. It may still finish, so you can wait for it again.

    `ticket_id`: the id of the ticket. `__cause__`: the error of the last look-up, if it failed.
    """

    def __init__(self, ticket_id: str, timeout: float) -> None:
        self.ticket_id = ticket_id
        super().__init__(f"The ticket {ticket_id} was not finished within {timeout:g} seconds.")


def wait_for_ticket(client: AuthenticatedClient, ticket_id: str, *, timeout: float = 300) -> ChatResult:
    """Waits for the ticket's result and returns it. `timeout`: the maximum total time, in seconds.

    Raises `TicketFailed`, `TicketCancelled`, `TicketTimeout`, and `ServiceError` for an error that waiting cannot
    resolve, such as an unknown ticket or a missing token. After a temporary error (too many requests, an unavailable
    service or network), it looks the ticket up again, after the time in `Retry-After` if the service sends one.
    """
    polling = _Polling(ticket_id, timeout)
    while True:
        try:
            response = client.get_httpx_client().get(polling.path, timeout=polling.look_up_timeout)
        except (httpx.TransportError, ServiceError) as error:
            polling.handle_error(error)
        else:
            if (result := polling.result(response)) is not None:
                return result
        time.sleep(polling.pause())


async def wait_for_ticket_async(client: AuthenticatedClient, ticket_id: str, *, timeout: float = 300) -> ChatResult:
    """Does the same as `wait_for_ticket`, without blocking the event loop."""
    polling = _Polling(ticket_id, timeout)
    while True:
        try:
            response = await client.get_async_httpx_client().get(polling.path, timeout=polling.look_up_timeout)
        except (httpx.TransportError, ServiceError) as error:
            polling.handle_error(error)
        else:
            if (result := polling.result(response)) is not None:
                return result
        await asyncio.sleep(polling.pause())


class _Polling:
    """The state of the wait for one ticket. Decides when the next look-up happens, but sends nothing itself."""

    def __init__(self, ticket_id: str, timeout: float) -> None:
        self.path = f"/chat/{quote(ticket_id, safe='')}"
        self._ticket_id = ticket_id
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._next_pause = _FIRST_PAUSE
        self._error: Exception | None = None

    @property
    def look_up_timeout(self) -> float:
        """The maximum time for the next look-up, in seconds."""
        return max(0.001, min(_MAX_LOOK_UP_SECONDS, self._deadline - time.monotonic()))

    def handle_error(self, error: Exception) -> None:
        """Records the error if it is temporary, and raises any other error."""
        if isinstance(error, ServiceError) and error.status not in TEMPORARY_STATUSES:
            raise error
        self._error = error

    def result(self, response: httpx.Response) -> ChatResult | None:
        """Returns the ticket's result, or None if it is not finished. Raises `TicketFailed` and `ServiceError`."""
        if response.status_code != 200:
            self.handle_error(ServiceError(response.status_code, parse_error(response), response.headers))
            return None
        self._error = None
        ticket = ChatResponse.from_dict(response.json())
        if ticket.status == "failed":
            raise TicketFailed(ticket)
        if ticket.status == "cancelled":
            raise TicketCancelled(ticket)
        return ticket.result

    def pause(self) -> float:
        """Returns the number of seconds until the next look-up. Raises `TicketTimeout` if the time is up."""
        remaining = self._deadline - time.monotonic()
        retry_after = self._error.retry_after or 0 if isinstance(self._error, ServiceError) else 0
        if remaining <= 0 or retry_after > remaining:
            raise TicketTimeout(self._ticket_id, self._timeout) from self._error
        pause = max(retry_after, min(self._next_pause, remaining))
        self._next_pause = min(self._next_pause * _PAUSE_GROWTH, _MAX_PAUSE)
        return pause


def parse_error(response: httpx.Response) -> Error | None:
    """Returns the service's error, or None if the response is not from the service itself."""
    try:
        return Error(detail=str(response.json()["detail"]))
    except (ValueError, TypeError, KeyError):
        return None
