"""The caller of a request."""

from dataclasses import dataclass, field
from typing import Any

LOCAL_USER = "local-dev-user"
"""The only user while authentication is bypassed."""


@dataclass(frozen=True)
class Caller:
    """A verified identity: the user's id and the ID token's claims, empty while authentication is bypassed."""

    uid: str
    claims: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
