"""Who is an administrator: who knows the password, while the panel is enabled, or has the claim `admin`."""

import hmac
from typing import Annotated

from fastapi import Depends, Request

from shared.models.errors import Forbidden, Unauthenticated
from shared.settings import Settings
from shared.web.authentication import authenticate
from shared.web.dependencies import CurrentSettings

PASSWORD_HEADER = "X-Admin-Password"  # noqa: S105 - a header's name
BY_PASSWORD = "admin by password"  # noqa: S105 - what the audit trail calls them


async def _current_admin(request: Request, settings: CurrentSettings) -> str:
    """Raises `Forbidden` while the panel is disabled, and for users without the claim; else `Unauthenticated`."""
    if settings.authentication_required and "authorization" in request.headers:
        caller = await authenticate(request, settings)
        if caller.claims.get("admin") is True:
            request.state.access["uid"] = caller.uid
            return caller.uid
        if PASSWORD_HEADER not in request.headers:
            raise Forbidden("Only administrators may do this.")
    if not settings.admin_panel_enabled:
        raise Forbidden("The admin panel is disabled. Set ADMIN_PANEL_ENABLED to use it.")
    if not _is_password(request.headers.get(PASSWORD_HEADER, ""), settings):
        raise Unauthenticated(f"Send the administrators' password as '{PASSWORD_HEADER}'.")
    return BY_PASSWORD


def _is_password(given: str, settings: Settings) -> bool:
    """In constant time. Without a configured password, none is right."""
    if settings.admin_password is None:
        return False
    return hmac.compare_digest(given.encode(), settings.admin_password.get_secret_value().encode())


CurrentAdmin = Annotated[str, Depends(_current_admin)]
"""The administrator's uid, or `BY_PASSWORD`."""
