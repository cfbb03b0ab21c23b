"""Opens a client: at which address, and with whose token."""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

import httpx

from firebase_agents_client.answers import ServiceError
from firebase_agents_client.generated.client import AuthenticatedClient
from firebase_agents_client.resending import ResendingClient

TokenProvider = Callable[[], str] | Callable[[], Awaitable[str]]
"""Gives a Firebase ID token that is good now. It is asked before every request, so it should keep what it has."""


def local_address(port: int = 8000) -> str:
    """What `make run` serves."""
    return f"http://127.0.0.1:{port}/api"


def hosting_address(project: str) -> str:
    """The Hosting site of a Firebase project, which leads to all functions."""
    return f"https://{project}.web.app/api"


def function_address(function: str, *, project: str, region: str = "us-central1") -> str:
    """One function's own address. It answers that function's operations alone: those in `generated.api.{function}`."""
    return f"https://{region}-{project}.cloudfunctions.net/{function}"


def connect(base_url: str, token: TokenProvider | None = None, *, timeout: float = 120) -> AuthenticatedClient:
    """A client, for calls of both kinds; close it by `with` or `async with`.

    `token`: None where none is needed. One that is awaited is for the `asyncio…` calls only. `timeout`: seconds that
    the service may be silent; `httpx.TimeoutException` after that.

    A chat, and a call of a published agent, has an `Idempotency-Key`, and is sent again under it, up to four times,
    when its answer is lost or it should come again soon. Give a key yourself to send it again later.
    """
    return ResendingClient(
        base_url,
        token="",  # the header is `_Bearer`'s care
        timeout=httpx.Timeout(timeout, connect=10),
        httpx_args={"auth": _Bearer(token)},
    )


class _Bearer(httpx.Auth):
    """Puts the provider's token into each request, and refuses an error that is not the service's own.

    Generated calls read every error as JSON, and a page of something before the service is none.
    """

    def __init__(self, token: TokenProvider | None) -> None:
        self._token = token

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = None if self._token is None else self._token()
        if inspect.isawaitable(token):
            if inspect.iscoroutine(token):
                token.close()
            raise TypeError("This client's token is awaited: use the asyncio calls.")
        _checked((yield _with_token(request, token)))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = None if self._token is None else self._token()
        _checked((yield _with_token(request, await token if inspect.isawaitable(token) else token)))


def _with_token(request: httpx.Request, token: str | None) -> httpx.Request:
    request.headers.pop("Authorization", None)
    if token is not None:
        request.headers["Authorization"] = f"Bearer {token}"
    return request


def _checked(response: httpx.Response) -> None:
    if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith("application/json"):
        raise ServiceError(response.status_code, None, response.headers)
