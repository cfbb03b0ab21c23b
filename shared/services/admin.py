"""Administration of users. Every change leaves an audit record, written together with it."""

from datetime import UTC, datetime
from typing import Any

from shared.models.account import Account
from shared.models.audit import AuditRecord
from shared.models.errors import BadRequest, NotFound
from shared.models.money import to_micros
from shared.models.user import AccountChange, User, user_of
from shared.models.wire import is_plain_id
from shared.services.users import changed, refuse_stale
from shared.settings import Settings
from shared.store import Database, Transaction

_AUDITED = {"allowance", "remaining", "reset_at", "ceiling"}
_UNKNOWN = "There is no such user."


class AdminService:
    """Lives as long as a request. `actor` is the admin's uid, or what stands for the password."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def users(self, limit: int, after: str | None) -> list[User]:
        """Users by id, from the one after `after` on, without their usage entries. As many reads as users."""
        if after is not None and not is_plain_id(after):
            raise BadRequest("This is no page token. Take it from the X-Next-Page-Token of the page before.")
        now = datetime.now(UTC)
        async with self._database.outages_told():
            accounts = await self._database.accounts.page(limit, after)
        return [user_of(account.current(now), []) for account in accounts]

    async def change(self, actor: str, uid: str, change: AccountChange) -> User:
        """An allowance that an admin sets is the user's ceiling too.

        Raises `NotFound`, and `Conflict` for a stale `_rev`.
        """

        if not is_plain_id(uid):
            raise NotFound(_UNKNOWN)

        async def write(transaction: Transaction) -> Account:
            now = datetime.now(UTC)
            stored = await self._database.accounts.get(uid, transaction)
            if stored is None:
                raise NotFound(_UNKNOWN)
            refuse_stale(stored, change.rev)
            after = changed(stored.current(now), change, now)
            if change.monthly_allowance is not None:
                after = after.changed(now, ceiling=to_micros(change.monthly_allowance))
            if after == stored:
                return stored
            record = AuditRecord(
                at=now, actor=actor, action="change user", target=uid, before=_audited(stored), after=_audited(after)
            )
            self._database.audit.add(record, transaction)
            return self._database.accounts.put(after, transaction)

        return user_of(await self._database.transaction(write), [])


def _audited(account: Account) -> dict[str, Any]:
    return account.model_dump(include=_AUDITED)
