"""Administration of users. Every change leaves an audit record, written together with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from shared.models.account import Account
from shared.models.audit import AuditRecord
from shared.models.errors import NotFound
from shared.models.money import to_micros
from shared.models.user import AccountChange, User, user_of
from shared.models.wire import is_plain_id
from shared.services.page_tokens import name_token, read_name_token
from shared.services.users import changed, refuse_stale
from shared.store import Database, Transaction

_AUDITED = {"allowance", "remaining", "reset_at", "ceiling"}
_UNKNOWN = "There is no such user."


@dataclass(frozen=True)
class UserPage:
    """`next_token` leads to the next page; None on the last."""

    users: list[User]
    next_token: str | None


class AdminService:
    """Lives as long as a request. `actor` is the admin's uid, or what stands for the password."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def users(self, limit: int, page_token: str | None = None) -> UserPage:
        """Users by id, without their usage entries. As many reads as users, and one.

        Raises `BadRequest` for a `page_token` that no page gave.
        """
        after = None if page_token is None else read_name_token(page_token)
        now = datetime.now(UTC)
        async with self._database.outages_told():
            accounts = await self._database.accounts.page(limit + 1, after)
        users = [user_of(account.current(now), []) for account in accounts[:limit]]
        return UserPage(users, name_token(users[-1].id) if len(accounts) > limit else None)

    async def change(self, actor: str, uid: str, change: AccountChange) -> User:
        """An allowance that an admin sets is the user's ceiling too.

        Raises `NotFound`, and `Conflict` for a stale `_rev`.
        """
        if not is_plain_id(uid):
            raise NotFound(_UNKNOWN)
        write_id = str(uuid4())

        async def write(transaction: Transaction) -> Account:
            now = datetime.now(UTC)
            stored = await self._database.accounts.get(uid, transaction)
            if stored is None:
                raise NotFound(_UNKNOWN)
            if stored.last_write == write_id:  # an earlier run was committed unnoticed
                return stored
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
            return self._database.accounts.put(after.model_copy(update={"last_write": write_id}), transaction)

        return user_of(await self._database.transaction(write), [])


def _audited(account: Account) -> dict[str, Any]:
    return account.model_dump(include=_AUDITED)
