"""Whether the user of a valid ID token may still use it: not disabled, not deleted, not signed out everywhere.

A token is valid for an hour, whatever happens to its user meanwhile. Asking Firebase Auth at each request would cost a
network call, so an answer is trusted for `SIGN_IN_CHECK_SECONDS`. So is a new token, because Auth issues none to a user
who may not sign in. See docs/decisions/0021-who-is-let-in.md.
"""

import asyncio
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
"""How long Auth is not asked again after a failure, so that its outage does not slow down every request."""
_DISABLED = "This account is disabled."
_DELETED = "This account no longer exists. Sign in again."
_REVOKED = "This sign-in was revoked. Sign in again."


@dataclass(frozen=True)
class AuthUser:
    """What Auth knows. Tokens issued before `valid_since`, in epoch seconds, are revoked."""

    exists: bool
    disabled: bool = False
    valid_since: float = 0


Ask = Callable[[str], AuthUser]
"""Blocks. Raises anything when Auth cannot be asked."""


class AuthUserChecks:
    """What one process remembers, of at most `MAX_REMEMBERED` users; the least recently asked about go first."""

    def __init__(self, ask: Ask, seconds: float, now: Callable[[], float] = clock.time) -> None:
        self._ask = ask
        self._seconds = seconds
        self._now = now
        self._known: OrderedDict[str, tuple[float, AuthUser]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[AuthUser | None]] = {}
        self._silent_until = 0.0

    async def check(self, uid: str, issued: float, strict: bool) -> None:
        """Raises `Unauthenticated` for a user who may no longer sign in. `issued`: the token's `iat`, in epoch seconds.

        When Auth cannot be asked, the token holds until it expires, an hour at most, unless the last answer was
        against it; `strict` raises `Unavailable` then.
        """
        if not self._seconds:
            return
        now = self._now()
        asked, user = self._known.get(uid, (0.0, None))
        if max(asked, min(issued, now)) <= now - self._seconds:
            answer = await self._ask_once(uid)
            if answer is None and strict:
                raise Unavailable("Sign-in cannot be checked right now. Try again.", retry_after=5)
            user = answer or user
        elif asked < issued:
            return  # Auth has issued the token since
        if user is not None:
            _check_user(user, issued)

    async def _ask_once(self, uid: str) -> AuthUser | None:
        """Auth's answer, or None if Auth cannot be asked. Concurrent requests for the same user share one call."""
        if self._now() < self._silent_until:
            return None
        if uid not in self._asking:
            self._asking[uid] = asyncio.create_task(self._remember(uid))
            self._asking[uid].add_done_callback(lambda _: self._asking.pop(uid, None))
        return await asyncio.shield(self._asking[uid])

    async def _remember(self, uid: str) -> AuthUser | None:
        began = self._now()
        try:
            answer = asyncio.get_running_loop().run_in_executor(_threads(), self._ask, uid)
            user = await asyncio.wait_for(answer, TIMEOUT_SECONDS)
        except Exception as error:
            self._silent_until = self._now() + PAUSE_SECONDS
            _log.error("Firebase Auth could not be asked about a user: %s: %s", type(error).__name__, str(error)[:300])
            return None
        self._known[uid] = (began, user)
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
    """The loop's checks, which remember their answers."""
    return AuthUserChecks(lambda uid: _ask_auth(uid, project), seconds)


def _ask_auth(uid: str, project: str) -> AuthUser:
    """One call; needs `firebaseauth.users.get`, or the Auth emulator."""
    from firebase_admin import auth, credentials

    options: dict[str, Any] = {"projectId": project, "httpTimeout": TIMEOUT_SECONDS}
    app = firebase_app("auth-users", credentials.ApplicationDefault, options)
    try:
        user = auth.get_user(uid, app=app)
    except auth.UserNotFoundError:
        return AuthUser(exists=False)
    return AuthUser(True, bool(user.disabled), (user.tokens_valid_after_timestamp or 0) / 1000)
