"""Administrators list and change users. The tests use the real Firestore emulator."""

import asyncio
from datetime import UTC, datetime

import pytest
from google.api_core.exceptions import Aborted

from shared.models.account import Account
from shared.models.caller import Caller
from shared.models.errors import BadRequest, Conflict, Forbidden, NotFound
from shared.models.user import AccountChange, AdminChange
from shared.services.accounts.administration import AdminService
from shared.services.accounts.users import UserService
from shared.settings import Settings
from shared.store import Database
from tests.database_data import store_account
from tests.database_faults import lose_responses

NOW = datetime.now(UTC)
PAST_DATE = 100_000_000_000
"""March 1973, in milliseconds."""


@pytest.fixture
async def admin(database: Database, settings: Settings) -> AdminService:
    return AdminService(database, settings)


async def store_user(database: Database, uid: str = "u") -> Account:
    account = Account(uid=uid, allowance=100_000_000, remaining=60_000_000, created_at=NOW, updated_at=NOW)
    return await store_account(database, account)


async def test_pages_show_each_user_once(database: Database, admin: AdminService) -> None:
    """The pages of a list show every user once, sorted by id."""
    names = sorted([*(f"user-{number:02}" for number in range(23)), "ユーザー", "ü"])
    await asyncio.gather(*(store_user(database, name) for name in reversed(names)))
    ids: list[str] = []
    page = await admin.list_users(5)
    while page.next_token:
        assert page.next_token.isascii()
        ids += [user.id for user in page.items]
        page = await admin.list_users(5, page.next_token)
    assert ids + [user.id for user in page.items] == names


async def test_a_change_leaves_an_audit_record(database: Database, admin: AdminService) -> None:
    """The record contains the administrator, the user, the action, and the values before and after the change."""
    await store_user(database)
    user = await admin.change("the-admin", "u", AdminChange(monthly_allowance=50, allowance_reset_date=PAST_DATE))
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (50, 50)
    (record,) = await database.audit.newest("u", 10)
    assert (record.actor, record.action, record.target) == ("the-admin", "change user", "u")
    assert record.before == {
        "allowance": 100_000_000,
        "remaining": 60_000_000,
        "reset_at": 0,
        "ceiling": None,
        "disabled": False,
    }
    assert record.after == {
        "allowance": 50_000_000,
        "remaining": 50_000_000,
        "reset_at": PAST_DATE,
        "ceiling": 50_000_000,
        "disabled": False,
    }


async def test_an_empty_change_leaves_no_record(database: Database, admin: AdminService) -> None:
    """The response to an empty change is the unchanged user."""
    account = await store_user(database)
    user = await admin.change("a", "u", AdminChange())
    assert user.rev == str(account.rev)
    assert not await database.audit.newest("u", 10)


async def test_an_administrators_allowance_above_the_ceiling_raises_it(
    database: Database, admin: AdminService, settings: Settings
) -> None:
    """A user may raise their own allowance up to the amount that an administrator has set."""
    await store_user(database)
    await admin.change("a", "u", AdminChange(monthly_allowance=500, spend_remaining=700))
    users = UserService(database, settings.model_copy(update={"app_env": "firebase"}))
    await users.change(Caller(uid="u"), AccountChange(monthly_allowance=20))
    user = await users.change(Caller(uid="u"), AccountChange(monthly_allowance=500))
    assert user.usage_info.monthly_allowance == 500


async def test_a_stale_revision_changes_nothing(database: Database, admin: AdminService) -> None:
    """A change with an old revision gets 409, and leaves no record."""
    await store_user(database)
    with pytest.raises(Conflict):
        await admin.change("a", "u", AdminChange(rev="999", monthly_allowance=1))
    assert not await database.audit.newest("u", 10)


@pytest.mark.parametrize("uid", ["..", "__x__", "a/b", "", "x" * 129, "a\nb", "\x00", " ", "\ufffd"])
async def test_an_invalid_user_id_creates_no_user(database: Database, admin: AdminService, uid: str) -> None:
    """A change to a user with an invalid id gets 404."""
    with pytest.raises(NotFound):
        await admin.change("a", uid, AdminChange(monthly_allowance=1))
    assert (await admin.list_users(10)).items == []


async def test_limits_can_be_set_for_a_user_who_has_never_signed_in(
    database: Database, admin: AdminService, settings: Settings
) -> None:
    """The change creates the account. The user's first request adds a name and an address, but no money."""
    created = await admin.change("the-admin", "new", AdminChange(monthly_allowance=7))
    assert (created.usage_info.monthly_allowance, created.usage_info.spend_remaining) == (7, 7)
    assert (created.basic_info.display_name, created.disabled) == (None, False)
    (record,) = await database.audit.newest("new", 10)
    assert (record.action, record.before) == ("create user", {})
    users = UserService(database, settings.model_copy(update={"app_env": "firebase"}))
    user = await users.get(Caller(uid="new", claims={"name": "Ada", "email": "ada@example.com"}))
    assert (user.basic_info.display_name, user.basic_info.email) == ("Ada", "ada@example.com")
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (7, 7)
    with pytest.raises(Forbidden, match=r"\$7\."):
        await users.change(Caller(uid="new"), AccountChange(monthly_allowance=8))


async def test_an_empty_change_creates_no_user(database: Database, admin: AdminService) -> None:
    """An empty change to an unknown user gets 404, and a change with a revision gets 409."""
    with pytest.raises(NotFound):
        await admin.change("a", "unknown", AdminChange())
    with pytest.raises(Conflict):
        await admin.change("a", "unknown", AdminChange(rev="1", monthly_allowance=1))
    assert (await admin.list_users(10)).items == []


async def test_a_first_request_and_an_administrators_change_create_one_user(
    database: Database, admin: AdminService, settings: Settings
) -> None:
    """The administrator's limits apply and the name is stored, no matter which request comes first."""
    users = UserService(database, settings.model_copy(update={"app_env": "firebase"}))
    caller = Caller(uid="new", claims={"name": "Ada"})
    await asyncio.gather(
        users.get(caller), admin.change("a", "new", AdminChange(monthly_allowance=7)), users.get(caller)
    )
    user = await users.get(caller)
    assert (user.basic_info.display_name, user.usage_info.spend_remaining) == ("Ada", 7)


async def test_an_administrator_can_lower_an_allowance_that_its_user_had_set_to_zero(
    database: Database, admin: AdminService, settings: Settings
) -> None:
    """The change lowers the remaining allowance. It does not count as a raise from the user's 0, which would not."""
    users = UserService(database, settings.model_copy(update={"app_env": "firebase"}))
    await users.change(Caller(uid="u"), AccountChange(monthly_allowance=0))
    await users.change(Caller(uid="u"), AccountChange(spend_remaining=10))
    user = await admin.change("a", "u", AdminChange(monthly_allowance=1))
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (1, 1)
    with pytest.raises(Forbidden, match=r"\$1,"):
        await users.change(Caller(uid="u"), AccountChange(spend_remaining=1.5))


async def test_disabling_a_user_leaves_a_record(database: Database, admin: AdminService) -> None:
    """Responses and lists show that a user is disabled. Disabling a user again changes nothing."""
    await store_user(database)
    assert (await admin.change("the-admin", "u", AdminChange(disabled=True))).disabled
    assert [user.disabled for user in (await admin.list_users(10)).items] == [True]
    await admin.change("the-admin", "u", AdminChange(disabled=True))
    (record,) = await database.audit.newest("u", 10)
    assert (record.before["disabled"], record.after["disabled"]) == (False, True)
    assert not (await admin.change("the-admin", "u", AdminChange(disabled=False))).disabled


@pytest.mark.parametrize("token", ["", "__x__", "ü", "%00", "X194X18=", "a", "w7w"])
async def test_an_invalid_page_token_is_reported(admin: AdminService, token: str) -> None:
    """An invalid token gets 400 instead of a database error."""
    with pytest.raises(BadRequest):
        await admin.list_users(10, token)


async def test_a_commit_whose_response_is_lost_leaves_one_record(database: Database, admin: AdminService) -> None:
    """The retry recognizes its own commit, and causes neither a conflict nor a second record."""
    account = await store_user(database)
    lose_responses(database, Aborted("lost"))
    user = await admin.change("a", "u", AdminChange(rev=str(account.rev), monthly_allowance=7))
    assert user.usage_info.monthly_allowance == 7
    assert len(await database.audit.newest("u", 10)) == 1
