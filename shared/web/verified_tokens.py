"""Remembers verified ID tokens, so that a token that is sent again need not be verified again.

Verifying a signature takes half a millisecond in another thread, and a client sends the same token for up to an hour.
What can change in that time is still checked for each request: the token's times here, and whether its user may still
sign in in `shared.web.auth_users`.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from pydantic_core import from_json, to_json

from shared import clock
from shared.per_loop import per_loop
from shared.web.id_tokens import check_times, verify

MAX_TOKENS = 2000
MAX_CLAIMS_BYTES = 4096
"""Tokens with larger claims are verified each time. Firebase limits an application's own claims to 1000 bytes."""
MAX_SECONDS = 300.0
"""How long a verification counts. Afterwards, the token's signature is checked with the keys that are valid then."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """The claims as JSON, so that no request can change them for the next, and the time of their verification."""

    claims: bytes
    time: float


class VerifiedTokens:
    """The tokens that `verify` has accepted, by their digests, so that comparing them reveals nothing about a token.

    Refused tokens are not remembered. `verify` may block.
    """

    def __init__(self, verify: Callable[[str], dict[str, Any]], now: Callable[[], float]) -> None:
        self._verify = verify
        self._now = now
        self._known: OrderedDict[bytes, _Verified] = OrderedDict()

    async def verify(self, token: str) -> dict[str, Any]:
        """Returns the token's claims. Raises `Unauthenticated` and what `verify` raises."""
        key, now = sha256(token.encode()).digest(), self._now()
        known = self._known.get(key)
        if known is not None and known.time <= now < known.time + MAX_SECONDS:
            claims: dict[str, Any] = from_json(known.claims)
            check_times(claims, now)
            self._known.move_to_end(key)
            return claims
        claims = await asyncio.to_thread(self._verify, token)
        self._remember(key, to_json(claims), now)
        return claims

    def _remember(self, key: bytes, claims: bytes, now: float) -> None:
        if len(claims) > MAX_CLAIMS_BYTES:
            return
        self._known[key] = _Verified(claims, now)
        self._known.move_to_end(key)
        if len(self._known) > MAX_TOKENS:
            self._known.popitem(last=False)


def emulator_host() -> str | None:
    """Returns the address of the Auth emulator, whose tokens are not signed. None if tokens must be signed."""
    return os.environ.get("FIREBASE_AUTH_EMULATOR_HOST")


@per_loop
def verified_tokens(project: str, emulator: str | None) -> VerifiedTokens:
    """Returns the current event loop's tokens for `project`, separately for each `emulator_host()`."""
    del emulator
    return VerifiedTokens(partial(verify, project=project), lambda: clock.time())
