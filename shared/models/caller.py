"""The caller of a request."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.models.errors import Forbidden

if TYPE_CHECKING:
    from shared.models.api_key import KeyUse, Scope

LOCAL_USER = "local-dev-user"
"""The only user while authentication is bypassed."""
KEY_PREFIX = "fba_"
"""How an API key begins. An ID token never does."""


@dataclass(frozen=True)
class Caller:
    """A verified identity: the user's id and the ID token's claims, empty while authentication is bypassed.

    `key`: the API key with which the caller acts for the user, None for the user's own ID token. What the caller spends
    also counts against the key's budget. The claims are then empty, so a key never acts as an administrator.
    """

    uid: str
    claims: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    key: "KeyUse | None" = field(default=None, repr=False)

    def require_scope(self, scope: "Scope") -> None:
        """Raises `Forbidden` if the caller acts with a key that does not have this scope."""
        if self.key is not None and scope not in self.key.scopes:
            raise Forbidden(f"This API key needs the scope '{scope}'. Create a key that has it.")
