"""Administration of users. Every change is written together with an audit record."""

from datetime import datetime
from typing import Any

from shared import clock
from shared.models.account import Account
from shared.models.allowance_terms import Terms
from shared.models.audit import AuditRecord
from shared.models.errors import NotFound
from shared.models.money import to_micros
from shared.models.user import AdminChange, AdminUser, to_admin_user
from shared.models.wire import is_plain_id
from shared.services.accounts.disabled_users import DisabledUserService
from shared.services.accounts.users import refuse_stale
from shared.services.pagination import Page, read_name_token, write_name_token
from shared.settings import Settings
from shared.store import Database, Transaction

_AUDITED = {"allowance", "remaining", "reset_at", "ceiling", "disabled"}
_MAX_UID_CHARACTERS = 128
_UNKNOWN = "There is no such user."


class AdminService:
    """Shows and changes users."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._terms = Terms.from_settings(settings)

    async def list_users(self, limit: int, page_token: str | None = None) -> Page[AdminUser]:
        """Users, sorted by id, without their usage entries. One read for each user, and one more.

        Raises `BadRequest` for an invalid `page_token`.
        """
        after = None if page_token is None else read_name_token(page_token)
        now = clock.now()
        async with self._database.raising_unavailable():
            accounts = await self._database.accounts.page(limit + 1, after)
        users = [to_admin_user(account.advance(now, self._terms)) for account in accounts[:limit]]
        return Page(users, write_name_token(users[-1].id) if len(accounts) > limit else None)

    async def change(self, actor: str, uid: str, change: AdminChange) -> AdminUser:
        """Changes a user. A new allowance also becomes the user's ceiling. A new reset date causes a refill then.

        `actor`: the administrator's user id, or the name that identifies the administrators' password. Creates a user
        who has never signed in, if the request changes anything; the name and the email address are added at the user's
        first request. Raises `NotFound` for an impossible user id, and `Conflict` for a stale `_rev`.
        """
        if not _is_uid(uid):
            raise NotFound(_UNKNOWN)

        async def write(transaction: Transaction) -> Account:
            now = clock.now()
            stored = await self._database.accounts.get(uid, transaction)
            refuse_stale(stored, change.rev)
            if stored is None and not change.model_fields_set - {"rev"}:
                raise NotFound(_UNKNOWN)
            before = stored or Account.open(uid, self._terms, now)
            after = apply_change(before.advance(now, self._terms), change, self._terms, now)
            if after == stored:
                return after
            record = AuditRecord(
                at=now,
                actor=actor,
                action="change user" if stored else "create user",
                target=uid,
                before=_to_audit(stored) if stored else {},
                after=_to_audit(after),
            )
            self._database.audit.add(record, transaction)
            return self._database.accounts.put(after, transaction)

        account = await self._database.transaction(write)
        DisabledUserService(self._database).remember(uid, account.disabled)
        return to_admin_user(account)


def _is_uid(text: str) -> bool:
    """Whether `text` can be a Firebase user's id: https://firebase.google.com/docs/auth/admin/manage-users."""
    printable = text.isprintable() and bool(text.strip()) and "\ufffd" not in text  # replaces undecodable bytes
    return is_plain_id(text) and len(text) <= _MAX_UID_CHARACTERS and printable


def apply_change(account: Account, change: AdminChange, terms: Terms, now: datetime) -> Account:
    """The account after a change by an administrator, to whom no limit applies.

    If users may set their allowance freely, lowering it lowers the remainder, as in a change by the user.
    """
    if change.monthly_allowance is not None:
        allowance = to_micros(change.monthly_allowance)
        if terms.bounding:
            account = account.limit(allowance, now)
        else:
            remaining = min(account.remaining, allowance)
            account = account.change(now, allowance=allowance, ceiling=allowance, remaining=remaining, spare=0)
    if change.allowance_reset_date is not None:
        date = int(change.allowance_reset_date)
        account = account.with_reset_date(date, now).change(now, refill_at=date)
    if change.spend_remaining is not None:
        account = account.grant(to_micros(change.spend_remaining), now)
    if change.disabled is not None and change.disabled != account.disabled:
        account = account.change(now, disabled=change.disabled)
    return account


def _to_audit(account: Account) -> dict[str, Any]:
    return account.model_dump(include=_AUDITED)
