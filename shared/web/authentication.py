"""Identifies the caller by the request's bearer token, which is an ID token or an API key.

If authentication is bypassed, the caller is the local user, who may nevertheless use keys.
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from shared.late_imports import import_late
from shared.models.caller import KEY_PREFIX, LOCAL_USER, Caller
from shared.models.errors import Unauthenticated
from shared.settings import Settings
from shared.web.auth_users import auth_user_checks
from shared.web.dependencies import CurrentSettings
from shared.web.verified_tokens import emulator_host, verified_tokens

if TYPE_CHECKING:
    from shared.models.api_key import ApiKey


class _DocumentedScheme(HTTPBearer):
    """Only for the OpenAPI document. `authenticate` reads and verifies tokens."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Does nothing."""


ID_TOKEN = _DocumentedScheme(
    scheme_name="IdToken",
    bearerFormat="JWT",
    description="A Firebase ID token, or an API key (`POST /users/me/keys`), required if `APP_ENV` is `firebase`. "
    "Otherwise the caller is `local-dev-user`.",
    auto_error=False,
)
TOKEN_OPTIONAL: dict[str, Any] = {"security": [{}]}
"""For `openapi_extra` of a route that takes a `CallerIfAny`."""
TOKEN_SOMETIMES: dict[str, Any] = {"security": [{ID_TOKEN.scheme_name: []}, {}]}
"""For `openapi_extra` of a route that calls `identify` only if it needs to know the caller."""


async def authenticate(request: Request, settings: Settings) -> Caller:
    """Returns the verified caller. Raises `Unauthenticated` if a token is required but not valid.

    Checks the signature, the project and the times of an ID token, and every `SIGN_IN_CHECK_SECONDS` also whether the
    user may still sign in. Raises `Unavailable` if the last check is impossible for an administrator. For an API key,
    raises what `verify_key` raises.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    is_bearer = scheme.lower() == "bearer"
    if is_bearer and token.startswith(KEY_PREFIX):
        return await _authenticate_key(token, request, settings)
    if not settings.authentication_required:
        return Caller(uid=LOCAL_USER)
    if not is_bearer or not token:
        raise Unauthenticated(
            "Sign in, and send the ID token as 'Authorization: Bearer <ID token>', or send an API key the same way."
        )
    claims = await verified_tokens(settings.google_cloud_project, emulator_host()).verify(token)
    checks = auth_user_checks(settings.google_cloud_project, settings.sign_in_check_seconds)
    await checks.check(claims["uid"], claims["iat"], strict=claims.get("admin") is True)
    return Caller(uid=claims["uid"], claims=claims)


async def _authenticate_key(text: str, request: Request, settings: Settings) -> Caller:
    """Returns the key's user. Signing in again does not end a key, but a user who may no longer sign in has none."""
    access = await import_late("shared.web.key_access")
    key: ApiKey = await access.verify_key(text, request, settings)
    request.state.is_still_valid = partial(access.is_still_valid, text, settings)
    if settings.authentication_required:
        checks = auth_user_checks(settings.google_cloud_project, settings.sign_in_check_seconds)
        await checks.check_user(key.owner)
    return Caller(uid=key.owner, key=key)


async def identify(request: Request, settings: Settings) -> Caller:
    """Returns the verified caller, and records who it is in the access log. Raises what `authenticate` raises."""
    caller = await authenticate(request, settings)
    request.state.user = caller.claims or {"uid": caller.uid}
    request.state.access["uid"] = caller.uid
    return caller


async def _current_caller(
    request: Request, settings: CurrentSettings, _scheme: Annotated[object, Depends(ID_TOKEN)] = None
) -> Caller:
    return await identify(request, settings)


async def _caller_if_any(
    request: Request, settings: CurrentSettings, _scheme: Annotated[object, Depends(ID_TOKEN)] = None
) -> Caller | None:
    if settings.authentication_required and "authorization" not in request.headers:
        return None
    try:
        return await identify(request, settings)
    except Unauthenticated:
        return None


CallerIfAny = Annotated[Caller | None, Depends(_caller_if_any)]
"""The verified caller, or None, for routes that are open to everyone."""

CurrentCaller = Annotated[Caller, Depends(_current_caller)]
"""The verified caller. A route that depends on it responds with 401 to requests without a valid token."""
