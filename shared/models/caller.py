"""Who is calling."""

from dataclasses import dataclass, field
from typing import Any

LOCAL_USER = "local-dev-user"
"""The one user there is while authentication is bypassed."""


@dataclass(frozen=True)
class Caller:
    """A verified identity: the user's id, and the claims of the ID token (empty while bypassed)."""

    uid: str
    claims: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
