"""Verifies Firebase ID tokens, and checks the types of their claims, so that later code can rely on them.

`shared.web.auth_users` checks whether the user may still sign in.
"""

import json
from threading import Lock
from typing import Any

from shared import clock
from shared.log import get_logger
from shared.models.errors import Unauthenticated, Unavailable
from shared.models.wire import is_plain_id
from shared.numbers import is_finite_number

_log = get_logger("authentication")
_app_lock = Lock()
CLOCK_SKEW_SECONDS = 10
"""The maximum number of seconds that the issuer's clock may be ahead of this service's clock."""
_EXPIRED = "The ID token has expired. Sign in again, or refresh the token."
_INVALID = (
    "The bearer token is neither a valid Firebase ID token of this project, nor an API key of this service; keys begin "
    "with 'fba_'. Sign in and send the ID token, or create a key."
)
_EARLY = "According to this service's clock, the ID token was issued in the future. Try again in a moment."
_TIMES = ("exp", "iat", "auth_time")
_STRINGS = ("sub", "user_id", "name", "email", "picture", "phone_number")


def verify(token: str, project: str) -> dict[str, Any]:
    """Returns the claims of a Firebase ID token for `project`, including `uid`. Blocks while certificates are fetched.

    Raises `Unauthenticated`, and `Unavailable` if the certificates cannot be fetched. firebase-admin is imported here
    because it is not needed if authentication is bypassed.
    """
    from firebase_admin import auth
    from google.auth.credentials import AnonymousCredentials

    # Verifying needs Google's public certificates but no credentials.
    app = firebase_app("[DEFAULT]", AnonymousCredentials, {"projectId": project})
    try:
        claims: dict[str, Any] = auth.verify_id_token(token, app=app, clock_skew_seconds=CLOCK_SKEW_SECONDS)
    except auth.CertificateFetchError as error:
        _log.error("The certificates that sign ID tokens could not be fetched")
        raise Unavailable("Sign-in cannot be checked right now. Try again.", retry_after=5) from error
    except auth.ExpiredIdTokenError as error:
        raise Unauthenticated(_EXPIRED) from error
    except Exception as error:  # any other error of the library is caused by the token
        raise Unauthenticated(_INVALID) from error
    check_claims(claims, clock.time())
    return claims


def firebase_app(name: str, credential: Any, options: dict[str, Any]) -> Any:
    """Returns the process's firebase-admin application of that name, created with `credential()` at first use."""
    import firebase_admin

    with _app_lock:
        try:
            return firebase_admin.get_app(name)
        except ValueError:
            return firebase_admin.initialize_app(credential(), options, name)


def check_claims(claims: dict[str, Any], now: float) -> None:
    """Raises `Unauthenticated` for claims that have a wrong type or invalid times, or that JSON or UTF-8 cannot encode.

    firebase-admin checks neither types nor times in tokens of the Auth emulator, and never checks the sign-in time.
    """
    try:
        json.dumps(claims, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Unauthenticated(_INVALID) from error
    times = {name: claims[name] for name in _TIMES if name in claims}
    if not all(is_finite_number(value) for value in times.values()) or "iat" not in times or "exp" not in times:
        raise Unauthenticated(_INVALID)
    if not all(isinstance(claims.get(name), str | None) for name in _STRINGS) or not is_plain_id(claims["uid"]):
        raise Unauthenticated(_INVALID)
    check_times(claims, now)


def check_times(claims: dict[str, Any], now: float) -> None:
    """Raises `Unauthenticated` for a token that has expired, or that was issued in the future. The claims are valid."""
    if claims["exp"] <= now:
        raise Unauthenticated(_EXPIRED)
    if max(claims["iat"], claims.get("auth_time", 0)) > now + CLOCK_SKEW_SECONDS:
        raise Unauthenticated(_EARLY)
