"""Administrators: callers with the claim `admin`, or with the password while the panel is enabled."""

import hmac
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from shared.models.errors import Forbidden, Unauthenticated
from shared.services.accounts.admin_password import AdminPasswordAttempts
from shared.services.accounts.disabled_users import DisabledUserService
from shared.settings import Settings
from shared.store import Database
from shared.web.address import ClientAddress, address_block
from shared.web.authentication import ID_TOKEN, authenticate
from shared.web.dependencies import CurrentSettings

PASSWORD_HEADER = "X-Admin-Password"  # noqa: S105 - a header's name
BY_PASSWORD = "admin by password"  # noqa: S105 - the name for the audit trail


_PASSWORD = APIKeyHeader(
    name=PASSWORD_HEADER,
    scheme_name="AdminPassword",
    description="The administrators' password, while `ADMIN_PANEL_ENABLED`.",
    auto_error=False,
)
"""Only for the OpenAPI document."""


async def _current_admin(
    request: Request,
    settings: CurrentSettings,
    address: ClientAddress,
    _token: Annotated[object, Depends(ID_TOKEN)] = None,
    _password: Annotated[object, Depends(_PASSWORD)] = None,
) -> str:
    """Identifies the administrator.

    Raises `Forbidden` if the panel is disabled, for users without the claim, and for disabled users. Raises
    `TooManyRequests` after too many attempts from one address or from all addresses, and otherwise `Unauthenticated`.
    """
    password = request.headers.get(PASSWORD_HEADER)
    if password is None and settings.authentication_required and "authorization" in request.headers:
        caller = await authenticate(request, settings)
        request.state.access["uid"] = caller.uid
        await DisabledUserService(Database(settings)).refuse_disabled(caller.uid)
        if caller.claims.get("admin") is not True:
            raise Forbidden("Only administrators may do this.")
        return caller.uid
    if not settings.admin_panel_enabled:
        raise Forbidden("The admin panel is disabled. Set ADMIN_PANEL_ENABLED to use it.")
    if password is not None:
        attempts, block = AdminPasswordAttempts(Database(settings), settings), address_block(address)
        known_until = await attempts.take(block)
        if _is_password(password, settings):
            await attempts.remember(block, known_until)
            return BY_PASSWORD
        raise Unauthenticated("The administrators' password is not correct.")
    raise Unauthenticated(f"Send the administrators' password in the header '{PASSWORD_HEADER}'.")


def _is_password(password: str, settings: Settings) -> bool:
    """Compares digests, in constant time for any lengths. If no password is configured, accepts none.

    The server decodes a header's bytes as Latin-1, whatever encoding the sender used. Most senders use UTF-8.
    """
    if settings.admin_password is None:
        return False
    expected = settings.admin_password.get_secret_value()
    sent = sha256(password.encode("latin-1", "replace")).digest()
    as_utf8 = hmac.compare_digest(sent, sha256(expected.encode()).digest())
    as_latin1 = hmac.compare_digest(sent, sha256(expected.encode("latin-1", "xmlcharrefreplace")).digest())
    return as_utf8 or as_latin1


CurrentAdmin = Annotated[str, Depends(_current_admin)]
"""The administrator's uid, or `BY_PASSWORD`."""
