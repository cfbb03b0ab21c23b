"""Opens a client for an address, and adds the caller's token to each request."""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

import httpx

from firebase_agents_client.answers import ServiceError
from firebase_agents_client.generated.models import Accepted, StartedRun
from firebase_agents_client.resending import ResendingClient
from firebase_agents_client.runs import RunEvent, watch_run
from firebase_agents_client.watching import TicketEvent, watch_ticket

TokenProvider = Callable[[], str] | Callable[[], Awaitable[str]]
"""Returns a valid Firebase ID token. It is called before every request, so it should cache the token."""


def local_address(port: int = 8000) -> str:
    """Returns the address that `make run` serves."""
    return f"http://127.0.0.1:{port}/api"


def hosting_address(project: str) -> str:
    """Returns the address of a Firebase project's Hosting site, which serves all functions."""
    return f"https://{project}.web.app/api"


def function_address(function: str, *, project: str, region: str = "us-central1") -> str:
    """Returns the address of a single function, which serves only the operations in `generated.api.{function}`."""
    return f"https://{region}-{project}.cloudfunctions.net/{function}"


class Client(ResendingClient):
    """A client for the service."""

    def watch(
        self, ticket: str | Accepted, *, starting_after: int = 0, timeout: float = 600
    ) -> AsyncGenerator[TicketEvent]:
        """Yields the events of a ticket, which is an id or the result of `chat_submit`. See `watch_ticket`."""
        ticket_id = ticket if isinstance(ticket, str) else ticket.ticket_id
        return watch_ticket(self, ticket_id, starting_after=starting_after, timeout=timeout)

    def watch_run(
        self, run: str | StartedRun, *, starting_after: int = 0, timeout: float = 600
    ) -> AsyncGenerator[RunEvent]:
        """Yields the events of a run, which is an id or the result of `runs_start`. See `watch_run`."""
        run_id = run if isinstance(run, str) else run.run_id
        return watch_run(self, run_id, starting_after=starting_after, timeout=timeout)


def connect(base_url: str, token: TokenProvider | None = None, *, timeout: float = 120) -> Client:
    """Opens a client for sync and async calls; close it with `with` or `async with`.

    `token`: None if no token is needed. An async provider works only with the `asyncio…` calls. `timeout`: the
    number of seconds without data from the service after which a call raises `httpx.TimeoutException`.

    Chats and calls to published agents are sent with an `Idempotency-Key`. They are retried with the same key, up to
    four times, if the response is lost or the service asks for a retry within 30 seconds. Pass your own key to be able
    to repeat a request later.
    """
    return Client(
        base_url,
        token="",  # `_Bearer` sets the header
        timeout=httpx.Timeout(timeout, connect=10),
        httpx_args={"auth": _Bearer(token)},
    )


class _Bearer(httpx.Auth):
    """Adds the provider's token to each request, and raises `ServiceError` for errors from a proxy.

    Generated calls parse every error as JSON, but a proxy's error page is not JSON.
    """

    def __init__(self, token: TokenProvider | None) -> None:
        self._token = token

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = None if self._token is None else self._token()
        if inspect.isawaitable(token):
            if inspect.iscoroutine(token):
                token.close()
            raise TypeError("This client's token provider is async: use the asyncio calls.")
        _raise_for_non_json_error((yield _with_token(request, token)))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = None if self._token is None else self._token()
        _raise_for_non_json_error((yield _with_token(request, await token if inspect.isawaitable(token) else token)))


def _with_token(request: httpx.Request, token: str | None) -> httpx.Request:
    request.headers.pop("Authorization", None)
    if token is not None:
        request.headers["Authorization"] = f"Bearer {token}"
    return request


def _raise_for_non_json_error(response: httpx.Response) -> None:
    if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith("application/json"):
        raise ServiceError(response.status_code, None, response.headers)
