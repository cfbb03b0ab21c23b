"""The caller of a request."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.models.api_key import ApiKey

LOCAL_USER = "local-dev-user"
"""The only user while authentication is bypassed."""


@dataclass(frozen=True)
class Caller:
    """A verified identity: the user's id and the ID token's claims, empty while authentication is bypassed.

    `key`: the API key with which the caller acts for the user, None for the user's own ID token. What the caller spends
    also counts against the key's budget. The claims are then empty, so a key never acts as an administrator.
    """

    uid: str
    claims: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    key: "ApiKey | None" = field(default=None, repr=False)
