"""Who is calling: the bearer token of the request, verified; or the local user while authentication is bypassed."""

import asyncio
import time
from threading import Lock
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from shared.log import get_logger
from shared.models.caller import LOCAL_USER, Caller
from shared.models.errors import Unauthenticated, Unavailable
from shared.models.wire import is_plain_id
from shared.settings import Settings
from shared.web.dependencies import CurrentSettings

_log = get_logger("authentication")
_app_lock = Lock()
_EXPIRED = "The ID token has expired. Sign in again, or refresh the token."
_INVALID = "The bearer token is not a valid Firebase ID token of this project. Sign in, and send its ID token."

ID_TOKEN = HTTPBearer(
    scheme_name="IdToken",
    bearerFormat="JWT",
    description="A Firebase ID token. Unless `APP_ENV` is `firebase` none is needed: everybody is `local-dev-user`.",
    auto_error=False,
)
"""For the document alone: tokens are read and verified by `authenticate`."""
TOKEN_OPTIONAL: dict[str, Any] = {"security": [{}]}
"""For `openapi_extra` of a route that takes a `CallerIfAny`."""


def _verify(token: str, project: str) -> dict[str, Any]:
    """The decoded claims of a Firebase ID token for `project`; blocks while certificates are fetched.

    Imported here, not above: with authentication bypassed firebase-admin is not needed at all.
    """
    import firebase_admin
    from firebase_admin import auth, exceptions
    from google.auth.credentials import AnonymousCredentials

    with _app_lock:
        try:
            app = firebase_admin.get_app()
        except ValueError:
            # Verifying takes Google's public certificates and no credentials, so none are looked for.
            app = firebase_admin.initialize_app(AnonymousCredentials(), {"projectId": project})
    try:
        claims: dict[str, Any] = auth.verify_id_token(token, app=app)
    except auth.CertificateFetchError as error:
        _log.error("The certificates that sign ID tokens could not be fetched")
        raise Unavailable("Sign-in cannot be checked right now. Try again.", retry_after=5) from error
    except auth.ExpiredIdTokenError as error:
        raise Unauthenticated(_EXPIRED) from error
    except (ValueError, auth.InvalidIdTokenError, exceptions.FirebaseError) as error:
        raise Unauthenticated(_INVALID) from error
    if not is_plain_id(claims["uid"]):
        raise Unauthenticated(_INVALID)
    expiry = claims.get("exp")  # which firebase-admin does not check in tokens of the Auth emulator
    if not isinstance(expiry, int | float) or expiry <= time.time():
        raise Unauthenticated(_EXPIRED)
    return claims


async def authenticate(request: Request, settings: Settings) -> Caller:
    """Raises `Unauthenticated` when a token is demanded and does not hold.

    Checks signature, project and expiry; it does not ask whether the token was revoked, which would cost every
    request a call over the network.
    """
    if not settings.authentication_required:
        return Caller(uid=LOCAL_USER)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Sign in, and send the ID token as 'Authorization: Bearer <ID token>'.")
    claims = await asyncio.to_thread(_verify, token, settings.google_cloud_project)
    return Caller(uid=claims["uid"], claims=claims)


async def _current_caller(
    request: Request, settings: CurrentSettings, _shown: Annotated[object, Depends(ID_TOKEN)] = None
) -> Caller:
    caller = await authenticate(request, settings)
    request.state.user = caller.claims or {"uid": caller.uid}
    request.state.access["uid"] = caller.uid
    return caller


async def _caller_if_any(
    request: Request, settings: CurrentSettings, _shown: Annotated[object, Depends(ID_TOKEN)] = None
) -> Caller | None:
    if settings.authentication_required and "authorization" not in request.headers:
        return None
    try:
        return await _current_caller(request, settings)
    except Unauthenticated:
        return None


CallerIfAny = Annotated[Caller | None, Depends(_caller_if_any)]
"""The verified caller, None for everybody else: for routes that are open to all."""

CurrentCaller = Annotated[Caller, Depends(_current_caller)]
"""The verified caller; a route that asks for it answers 401 to everybody else."""
