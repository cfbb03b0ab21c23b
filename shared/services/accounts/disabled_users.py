"""Refuses users whom an administrator has disabled.

A transaction that holds or changes money reads the account anyway, and checks it (`refuse`). Elsewhere the account is
looked up, and the result is cached for `REMEMBERED_SECONDS` in this process. During that time, a user who was just
disabled may still read and publish, but not spend.
"""

import time

from shared.bounded_dict import BoundedDict
from shared.models.account import Account
from shared.models.errors import Forbidden
from shared.store import Database

REMEMBERED_SECONDS = 10.0
_DISABLED = "Your account is disabled. Ask an administrator."
_OWNER_DISABLED = "This agent cannot be called because its owner's account is disabled."
_remembered = BoundedDict[tuple[str, str], tuple[bool, float]]()
"""By project and user: whether the user is disabled, and when this entry expires on the monotonic clock."""


def refuse(account: Account | None) -> None:
    """Raises `Forbidden` for a disabled user's account."""
    if account is not None and account.disabled:
        raise Forbidden(_DISABLED)


class DisabledUserService:
    """Looks up whether users are disabled."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def refuse_disabled(self, uid: str) -> None:
        """Raises `Forbidden` if the user is disabled. One read, or none."""
        if await self.is_disabled(uid):
            raise Forbidden(_DISABLED)

    async def refuse_disabled_owner(self, uid: str) -> None:
        """Raises `Forbidden` if the owner of a called agent is disabled. One read, or none."""
        if await self.is_disabled(uid):
            raise Forbidden(_OWNER_DISABLED)

    async def is_disabled(self, uid: str, *, fresh: bool = False) -> bool:
        """Returns whether the user is disabled. `fresh` ignores the cache. One read, or none. Raises `Unavailable`."""
        cached = _remembered.get((self._database.project, uid))
        if cached is not None and not fresh and cached[1] > time.monotonic():
            return cached[0]
        async with self._database.raising_unavailable():
            account = await self._database.accounts.get(uid)
        disabled = account is not None and account.disabled
        self.remember(uid, disabled)
        return disabled

    def remember(self, uid: str, disabled: bool) -> None:
        """Caches a value that was just read or written."""
        _remembered[(self._database.project, uid)] = disabled, time.monotonic() + REMEMBERED_SECONDS
