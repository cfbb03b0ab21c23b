"""Checks that the user of a valid ID token has not been disabled, deleted or signed out everywhere.

A token is valid for an hour, whatever happens to its user during that time. Looking up the user in Firebase Auth for
each request would cost a network call, so a result is trusted for `SIGN_IN_CHECK_SECONDS`. A new token is trusted for
the same time, because Auth issues no token to a user who may not sign in. See docs/decisions/0021-who-is-let-in.md.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared import clock
from shared.log import get_logger
from shared.models.errors import Unauthenticated, Unavailable
from shared.per_loop import per_loop
from shared.web.id_tokens import firebase_app

_log = get_logger("authentication")
MAX_REMEMBERED = 10_000
TIMEOUT_SECONDS = 4.0
PAUSE_SECONDS = 30.0
"""The pause after a failed call to Auth, so that an outage of Auth does not slow down every request."""
_DISABLED = "This account is disabled."
_DELETED = "This account no longer exists. Sign in again."
_REVOKED = "This sign-in was revoked. Sign in again."


@dataclass(frozen=True)
class AuthUser:
    """A user's state in Auth. Tokens issued before `valid_since`, in epoch seconds, are revoked."""

    exists: bool
    disabled: bool = False
    valid_since: float = 0


LookUp = Callable[[str], AuthUser]
"""Looks up a user. Blocks. May raise any exception if Auth cannot be reached."""


class AuthUserChecks:
    """Caches at most `MAX_REMEMBERED` users in one process. Drops those that were looked up longest ago first."""

    def __init__(self, look_up: LookUp, seconds: float, now: Callable[[], float] = clock.time) -> None:
        self._look_up = look_up
        self._seconds = seconds
        self._now = now
        self._known: OrderedDict[str, tuple[float, AuthUser]] = OrderedDict()
        self._pending: dict[str, asyncio.Task[AuthUser | None]] = {}
        self._paused_until = 0.0

    async def check(self, uid: str, issued: float, strict: bool) -> None:
        """Raises `Unauthenticated` for a user who may no longer sign in. `issued`: the token's `iat`, in epoch seconds.

        If Auth cannot be reached, the token stays valid until it expires, at most an hour, unless the last result
        ruled it out. With `strict`, raises `Unavailable` instead.
        """
        if not self._seconds:
            return
        now = self._now()
        checked_at, user = self._known.get(uid, (0.0, None))
        if max(checked_at, min(issued, now)) <= now - self._seconds:
            newest = await self._look_up_once(uid)
            if newest is None and strict:
                raise Unavailable("Sign-in cannot be checked right now. Try again.", retry_after=5)
            user = newest or user
        elif checked_at < issued:
            return  # Auth has issued the token since the last look-up
        if user is not None:
            _check_user(user, issued)

    async def check_user(self, uid: str) -> None:
        """Raises `Unauthenticated` for a user who is disabled or deleted, as of the last `SIGN_IN_CHECK_SECONDS`.

        If Auth cannot be reached, the last result counts, or the user is let in.
        """
        now = self._now()
        checked_at, user = self._known.get(uid, (-math.inf, None))
        if self._seconds and checked_at <= now - self._seconds:
            user = await self._look_up_once(uid) or user
        if self._seconds and user is not None:
            _check_user(user, math.inf)

    async def _look_up_once(self, uid: str) -> AuthUser | None:
        """Returns the user, or None if Auth cannot be reached. Concurrent requests for the same user share one call."""
        if self._now() < self._paused_until:
            return None
        if uid not in self._pending:
            self._pending[uid] = asyncio.create_task(self._look_up_and_cache(uid))
            self._pending[uid].add_done_callback(lambda _: self._pending.pop(uid, None))
        return await asyncio.shield(self._pending[uid])

    async def _look_up_and_cache(self, uid: str) -> AuthUser | None:
        started_at = self._now()
        try:
            pending = asyncio.get_running_loop().run_in_executor(_threads(), self._look_up, uid)
            user = await asyncio.wait_for(pending, TIMEOUT_SECONDS)
        except Exception as error:
            self._paused_until = self._now() + PAUSE_SECONDS
            _log.error("Firebase Auth could not look up a user: %s: %s", type(error).__name__, str(error)[:300])
            return None
        self._known[uid] = (started_at, user)
        self._known.move_to_end(uid)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return user


def _check_user(user: AuthUser, issued: float) -> None:
    if not user.exists:
        raise Unauthenticated(_DELETED)
    if user.disabled:
        raise Unauthenticated(_DISABLED)
    if issued < user.valid_since:
        raise Unauthenticated(_REVOKED)


@cache
def _threads() -> ThreadPoolExecutor:
    """A separate pool, so that a hanging Auth does not use up the threads for other blocking work."""
    return ThreadPoolExecutor(16, thread_name_prefix="auth-users")


@per_loop
def auth_user_checks(project: str, seconds: float) -> AuthUserChecks:
    """Returns the checks of the current event loop, with their cache."""
    return AuthUserChecks(lambda uid: _look_up_in_auth(uid, project), seconds)


def _look_up_in_auth(uid: str, project: str) -> AuthUser:
    """Looks up the user with one call. Needs the permission `firebaseauth.users.get`, or the Auth emulator."""
    from firebase_admin import auth, credentials

    options: dict[str, Any] = {"projectId": project, "httpTimeout": TIMEOUT_SECONDS}
    app = firebase_app("auth-users", credentials.ApplicationDefault, options)
    try:
        user = auth.get_user(uid, app=app)
    except auth.UserNotFoundError:
        return AuthUser(exists=False)
    return AuthUser(True, bool(user.disabled), (user.tokens_valid_after_timestamp or 0) / 1000)
