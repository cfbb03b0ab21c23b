"""Retries requests that are safe to repeat: chats and calls to published agents, each with its own `Idempotency-Key`.

The service processes a request only once per key, so the client can safely repeat a request whose response was lost.
No other request is sent more than once.
"""

import asyncio
import random
import re
import time
from typing import Any
from uuid import uuid4

import httpx

from firebase_agents_client.answers import ServiceError
from firebase_agents_client.generated.client import AuthenticatedClient

KEY_HEADER = "Idempotency-Key"
_KEYED_PATH = re.compile(r".*/(chat|runs|rest/[^/]+)/?")
_MAX_ATTEMPTS = 5
_FIRST_PAUSE = 0.5
_MAX_PAUSE = 8.0
_MAX_RETRY_AFTER = 30.0
"""The longest `Retry-After`, in seconds, that the client waits for. After a longer one, the caller decides."""
_MAX_RUN_WAIT = 120.0
"""The maximum time, in seconds, that a repeated request waits while the first one is still running."""
_RETRY_STATUSES = (429, 503)
_RUNNING_STATUS = 409
_PROXY_STATUSES = (502, 503, 504)
"""The statuses that a proxy returns if it got no response from the service."""


class ResendingClient(AuthenticatedClient):
    """The generated client, with httpx clients that retry."""

    def get_httpx_client(self) -> httpx.Client:
        if self._client is None:
            self.set_httpx_client(_Client(**self._arguments()))
        return super().get_httpx_client()

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        if self._async_client is None:
            self.set_async_httpx_client(_AsyncClient(**self._arguments()))
        return super().get_async_httpx_client()

    def _arguments(self) -> dict[str, Any]:
        return {
            "base_url": self._base_url,
            "cookies": self._cookies,
            "headers": self._headers,
            "timeout": self._timeout,
            "verify": self._verify_ssl,
            "follow_redirects": self._follow_redirects,
            **self._httpx_args,
        }


class _Client(httpx.Client):
    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        attempts = _Attempts(request)
        while True:
            try:
                outcome: httpx.Response | Exception = super().send(request, **options)
            except (httpx.TransportError, ServiceError) as error:
                outcome = error
            if (pause := attempts.pause_after(outcome)) is None:
                return _response_or_raise(outcome)
            time.sleep(pause)


class _AsyncClient(httpx.AsyncClient):
    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        attempts = _Attempts(request)
        while True:
            try:
                outcome: httpx.Response | Exception = await super().send(request, **options)
            except (httpx.TransportError, ServiceError) as error:
                outcome = error
            if (pause := attempts.pause_after(outcome)) is None:
                return _response_or_raise(outcome)
            await asyncio.sleep(pause)


class _Attempts:
    """Counts the attempts of a request, and decides whether to repeat it. It sends nothing itself."""

    def __init__(self, request: httpx.Request) -> None:
        self._is_repeatable = request.method == "POST" and _KEYED_PATH.fullmatch(request.url.path) is not None
        if self._is_repeatable:
            request.headers.setdefault(KEY_HEADER, str(uuid4()))
        self._count = 0
        self._pause = _FIRST_PAUSE
        self._wait_deadline = time.monotonic() + _MAX_RUN_WAIT

    def pause_after(self, outcome: httpx.Response | Exception) -> float | None:
        """Returns the number of seconds to wait before the request is sent again, or None if this outcome is final."""
        if not self._is_repeatable:
            return None
        retry_after = _retry_after(outcome)
        if isinstance(outcome, httpx.Response) and outcome.status_code == _RUNNING_STATUS and retry_after is not None:
            return retry_after if time.monotonic() + retry_after < self._wait_deadline else None
        self._count += 1
        if (
            self._count >= _MAX_ATTEMPTS
            or not _is_temporary(outcome, retry_after)
            or (retry_after or 0) > _MAX_RETRY_AFTER
        ):
            return None
        pause, self._pause = self._pause, min(self._pause * 2, _MAX_PAUSE)
        return (retry_after or 0) + pause * random.uniform(0.5, 1)  # noqa: S311 - it only spreads out retries


def _is_temporary(outcome: httpx.Response | Exception, retry_after: int | None) -> bool:
    match outcome:
        case httpx.Response():
            return outcome.status_code in _RETRY_STATUSES and retry_after is not None
        case ServiceError():  # a proxy's error
            return outcome.status in _PROXY_STATUSES
        case _:
            return not isinstance(outcome, httpx.UnsupportedProtocol)


def _retry_after(outcome: httpx.Response | Exception) -> int | None:
    if isinstance(outcome, ServiceError):
        return outcome.retry_after
    header = outcome.headers.get("Retry-After", "") if isinstance(outcome, httpx.Response) else ""
    return int(header) if header.isascii() and header.isdigit() else None


def _response_or_raise(outcome: httpx.Response | Exception) -> httpx.Response:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
