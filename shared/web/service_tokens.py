"""Verifies calls by Google's services: Cloud Tasks and Cloud Scheduler send an ID token of a service account.

The functions that they call are private, and the platform has checked the caller's permission before a request
arrives. The caller and the target function are checked again here, in case the platform's check is off by mistake.

The platform replaces the signature of a token that it has checked with a mark
(https://cloud.google.com/run/docs/troubleshooting#signature-removed). In a deployment, a token with that mark is
therefore accepted if its claims are right. In all other cases, the signature must be valid.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, Literal, cast

from fastapi import Request

from shared import clock
from shared.log import get_logger
from shared.models.errors import Forbidden, TooEarly, Unauthenticated
from shared.settings import Settings
from shared.web.dependencies import CurrentSettings

_log = get_logger("authentication")
CERTIFICATES_URL = "https://www.googleapis.com/oauth2/v1/certs"
SIGNATURE_REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
CLOCK_SKEW_SECONDS = 10
CACHE_SECONDS = 3600.0
MIN_FETCH_INTERVAL_SECONDS = 60.0
"""The minimum time between fetches for unknown keys, since anyone can invent a key."""
_FETCH_SECONDS = 5


class _NoCertificates(Exception):
    """The certificates could not be fetched, and none are cached."""


class Certificates:
    """Google's public certificates by key id, cached for an hour, or longer while new ones cannot be fetched."""

    def __init__(self, url: str, now: Callable[[], float] = clock.time) -> None:
        self._url = url
        self._now = now
        self._lock = Lock()
        self._tried_at = -CACHE_SECONDS
        self._known: dict[str, str] = {}

    def get(self, key: str) -> dict[str, str]:
        """Returns all known certificates, and fetches them if necessary; `key` may still be missing. Blocks.

        Raises `_NoCertificates`.
        """
        with self._lock:
            age = self._now() - self._tried_at
            if age >= (CACHE_SECONDS if key in self._known else MIN_FETCH_INTERVAL_SECONDS):
                self._tried_at = self._now()
                self._known = self._fetch() or self._known
            if not self._known:
                raise _NoCertificates
            return self._known

    def _fetch(self) -> dict[str, str] | None:
        from google.auth.exceptions import TransportError
        from google.auth.transport.requests import Request as Fetch

        try:
            response = Fetch()(self._url, method="GET", timeout=_FETCH_SECONDS)
            if response.status == 200:
                return json.loads(response.data)
            _log.error("The certificates of Google's service accounts could not be fetched: %d", response.status)
        except (TransportError, ValueError) as error:
            _log.error("The certificates of Google's service accounts could not be fetched: %s", type(error).__name__)
        return None


certificates = cache(Certificates)
"""The process's certificates, by URL."""


@dataclass(frozen=True)
class Expected:
    """The account and the audience that a token must have."""

    account: str
    audience: str


def verify(token: str, expected: Expected, allow_unsigned: bool, known: Certificates) -> None:
    """Checks a token. Blocks while certificates are fetched.

    Raises `Unauthenticated` for an invalid token, `Forbidden` for one with another account or audience, and `TooEarly`
    if the certificates cannot be fetched.
    """
    claims = _read_claims(token, allow_unsigned, known)
    now = clock.time()
    issued, expires = claims.get("iat"), claims.get("exp")
    if claims.get("iss") not in ISSUERS or not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise Unauthenticated("The token was not issued by Google.")
    if not issued - CLOCK_SKEW_SECONDS <= now <= expires + CLOCK_SKEW_SECONDS:
        raise Unauthenticated("The token is not valid at this time.")
    actual = (claims.get("email"), claims.get("email_verified"), claims.get("aud"))
    if actual != (expected.account, True, expected.audience):
        _log.error("Refused a call by %s for %s; expected %s for %s", actual[0], actual[2], *vars(expected).values())
        raise Forbidden("This account may not call this function, or the token is for another function.")


def _read_claims(token: str, allow_unsigned: bool, known: Certificates) -> dict[str, Any]:
    from google.auth import jwt

    signature = token.rpartition(".")[2]
    try:
        if signature == SIGNATURE_REMOVED:
            claims = jwt.decode(token, verify=False) if allow_unsigned else None
        else:
            key = jwt.decode_header(token).get("kid")
            claims = jwt.decode(token, certs=known.get(str(key)), clock_skew_in_seconds=CLOCK_SKEW_SECONDS)
    except _NoCertificates:
        raise TooEarly("The caller cannot be checked right now.", retry_after=5) from None
    except Exception as error:  # any other error of the library is caused by the token
        raise Unauthenticated("The token is not valid.") from error
    if not isinstance(claims, dict):
        raise Unauthenticated("The token is not valid.")
    return cast("dict[str, Any]", claims)


def only_from(service: Literal["queue", "scheduler"]) -> Callable[..., Coroutine[Any, Any, None]]:
    """Returns a dependency for routes that admits only `service`, if the deployment names the service's account."""

    async def check(request: Request, settings: CurrentSettings) -> None:
        expected = _find_expected(service, settings)
        if expected is None:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated(f"Only {expected.account} may call this function, with its ID token.")
        known = certificates(CERTIFICATES_URL)
        await asyncio.to_thread(verify, token.strip(), expected, settings.deployed, known)

    return check


def _find_expected(service: str, settings: Settings) -> Expected | None:
    """Returns None on a developer's machine, because the emulators send no token."""
    if settings.functions_emulator:
        return None
    if service == "queue":
        account, audience = settings.worker_service_account, settings.worker_address
    else:
        account, audience = settings.sweep_service_account, settings.sweep_address
    return Expected(account, audience) if account else None
