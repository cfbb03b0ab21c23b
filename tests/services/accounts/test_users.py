"""Users read and change their accounts and report usage. The tests use the real Firestore emulator."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import Aborted

from shared.models.account import Account, to_milliseconds
from shared.models.caller import Caller
from shared.models.errors import Conflict, Forbidden, TooLarge
from shared.models.user import AccountChange, UsageReport
from shared.services.accounts.users import UserService
from shared.settings import Settings
from shared.store import Database
from tests.database_data import store_account
from tests.database_faults import lose_responses


@pytest.fixture
async def users(database: Database, settings: Settings) -> UserService:
    return UserService(database, settings)


@pytest.fixture
async def firebase_users(database: Database, settings: Settings) -> UserService:
    """Returns the service as in a Firebase deployment, with a ceiling of $100."""
    return UserService(database, settings.model_copy(update={"app_env": "firebase"}))


def usage(cost: float, **metadata: str) -> UsageReport:
    return UsageReport(response_cost=cost, metadata=dict(metadata))


async def test_a_first_request_creates_the_user(users: UserService) -> None:
    """A new user has an unspent allowance of 100, and the name and email address from the token."""
    caller = Caller(uid="new", claims={"name": "Nó Body", "email": "no@example.com", "uid": "new"})
    user = await users.get(caller)
    assert (user.id, user.basic_info.display_name, user.basic_info.email) == ("new", "Nó Body", "no@example.com")
    assert user.usage_info.model_dump() == {
        "monthly_allowance": 100,
        "allowance_reset_date": 0,
        "spend_remaining": 100,
        "usage": [],
    }
    assert await users.get(caller) == user


async def test_twenty_concurrent_first_requests_create_one_user(users: UserService, caller: Caller) -> None:
    """All concurrent first requests get the same user."""
    responses = await asyncio.gather(*(users.get(caller) for _ in range(20)))
    assert len({(user.rev, user.created_at) for user in responses}) == 1


async def test_usage_is_charged_and_listed(users: UserService, caller: Caller) -> None:
    """Usage is charged exactly, to the millionth, and listed newest first."""
    for cost in (0.1, 0.2, 0.000001):
        user = (await users.report(caller, usage(cost, why=str(cost)))).user
    assert user.usage_info.spend_remaining == 99.699999
    assert [entry.response_cost for entry in user.usage_info.usage] == [0.000001, 0.2, 0.1]
    assert user.usage_info.usage[2].metadata == {"why": "0.1"}


async def test_a_cost_above_the_remaining_allowance_leaves_nothing(users: UserService, caller: Caller) -> None:
    """The remaining allowance is never negative. The usage entry shows the whole cost."""
    user = (await users.report(caller, usage(150))).user
    assert user.usage_info.spend_remaining == 0
    assert user.usage_info.usage[0].response_cost == 150


async def test_a_hundred_concurrent_reports_are_all_charged(users: UserService, caller: Caller) -> None:
    """Each of a hundred concurrent reports is charged and listed once."""
    await asyncio.gather(*(users.report(caller, usage(0.01)) for _ in range(100)))
    user = await users.get(caller)
    assert user.usage_info.spend_remaining == 99
    assert len(user.usage_info.usage) == 100


async def test_a_report_with_a_key_is_charged_once(users: UserService, caller: Caller) -> None:
    """Ten concurrent reports with the same key are charged once. A report with another key is charged separately."""
    await asyncio.gather(*(users.report(caller, usage(1), "key-1") for _ in range(10)))
    user = (await users.report(caller, usage(1), "key-2")).user
    assert user.usage_info.spend_remaining == 98


async def test_a_key_identifies_one_report(users: UserService, caller: Caller) -> None:
    """A repeated report is replayed. A different report with the same key causes 409 and is not charged."""
    first = await users.report(caller, usage(1, why="a"), "key")
    repeated = await users.report(caller, usage(1, why="a"), "key")
    assert (first.replayed, repeated.replayed) == (False, True)
    assert repeated.user == first.user
    for other in (usage(7, why="a"), usage(1, why="b"), usage(1)):
        with pytest.raises(Conflict, match="Idempotency-Key"):
            await users.report(caller, other, "key")
    assert (await users.get(caller)).usage_info.spend_remaining == 99


async def test_metadata_of_a_different_type_causes_a_conflict(users: UserService, caller: Caller) -> None:
    """`1` and `true` conflict although they are equal in Python. The order of names does not matter."""
    await users.report(caller, UsageReport(response_cost=1, metadata={"a": 1, "b": 2}), "key")
    assert (await users.report(caller, UsageReport(response_cost=1, metadata={"b": 2, "a": 1}), "key")).replayed
    with pytest.raises(Conflict):
        await users.report(caller, UsageReport(response_cost=1, metadata={"a": True, "b": 2}), "key")


@pytest.mark.parametrize("key", ["a/b", "..", "__x__", " ", "ü ß", "x" * 255, "/" * 255, "%2F"])
async def test_a_key_may_be_any_string(users: UserService, caller: Caller, key: str) -> None:
    """A key can be a string that is not a valid document name."""
    await users.report(caller, usage(1), key)
    repeated = await users.report(caller, usage(1), key)
    assert (repeated.replayed, repeated.user.usage_info.spend_remaining) == (True, 99)


async def test_a_report_whose_response_was_lost_is_not_a_replay(
    users: UserService, database: Database, caller: Caller
) -> None:
    """If the response to a commit is lost, the retry charges nothing and does not count as a replay."""
    await users.get(caller)
    lose_responses(database, Aborted("lost"))
    reported = await users.report(caller, usage(1), "key")
    assert (reported.replayed, reported.user.usage_info.spend_remaining) == (False, 99)


async def test_the_list_shows_the_newest_hundred(users: UserService, database: Database, caller: Caller) -> None:
    """The list contains at most the hundred newest usage entries."""
    await asyncio.gather(*(users.report(caller, usage(0, n=str(n))) for n in range(105)))
    assert len((await users.get(caller)).usage_info.usage) == 100


async def test_the_size_of_metadata_is_limited(users: UserService, caller: Caller) -> None:
    """A report with too much metadata gets 413 and is not charged."""
    with pytest.raises(TooLarge):
        await users.report(caller, usage(1, long="x" * 20_000))
    assert (await users.get(caller)).usage_info.spend_remaining == 100


async def test_lowering_the_allowance_lowers_what_remains(users: UserService, caller: Caller) -> None:
    """A lower allowance lowers what remains, but a higher one does not raise it."""
    user = await users.change(caller, AccountChange(monthly_allowance=40))
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (40, 40)
    user = await users.change(caller, AccountChange(monthly_allowance=400))
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (400, 40)


async def test_a_reset_begins_a_new_period(users: UserService, database: Database, caller: Caller) -> None:
    """After a reset, the whole allowance remains. Old usage entries stay stored, but are not shown."""
    await users.report(caller, usage(30))
    user = await users.reset(caller)
    assert (user.usage_info.spend_remaining, user.usage_info.usage) == (100, [])
    assert len(await database.accounts.newest_entries(caller.uid, 1, 10)) == 1


async def test_a_date_in_the_past_resets_once(users: UserService, caller: Caller) -> None:
    """Concurrent reads and reports begin one new period, which contains every charge, and move the date forward."""
    await users.report(caller, usage(30))
    yesterday = to_milliseconds(datetime.now(UTC) - timedelta(days=1))
    await users.change(caller, AccountChange(allowance_reset_date=yesterday))
    await asyncio.gather(*(users.get(caller) for _ in range(10)), *(users.report(caller, usage(1)) for _ in range(10)))
    user = await users.get(caller)
    assert user.usage_info.spend_remaining == 90
    assert len(user.usage_info.usage) == 10
    assert user.usage_info.allowance_reset_date > to_milliseconds(datetime.now(UTC))


async def test_a_stale_revision_changes_nothing(users: UserService, caller: Caller) -> None:
    """A change with an old revision gets 409; one without a revision succeeds. Every change creates a new revision."""
    first = await users.get(caller)
    second = await users.change(caller, AccountChange(rev=first.rev, monthly_allowance=50))
    assert second.rev != first.rev
    with pytest.raises(Conflict):
        await users.change(caller, AccountChange(rev=first.rev, monthly_allowance=60))
    assert (await users.get(caller)).usage_info.monthly_allowance == 50
    assert (await users.change(caller, AccountChange(monthly_allowance=60))).usage_info.monthly_allowance == 60


@pytest.mark.parametrize("change", [{"monthly_allowance": 100.000001}, {"spend_remaining": 101}])
async def test_in_firebase_users_cannot_raise_their_allowance_above_the_ceiling(
    firebase_users: UserService, caller: Caller, change: dict[str, float]
) -> None:
    """A change above the ceiling gets 403 and has no effect."""
    before = await firebase_users.get(caller)
    with pytest.raises(Forbidden, match=r"\$100"):
        await firebase_users.change(caller, AccountChange.model_validate(change))
    assert await firebase_users.get(caller) == before


async def test_in_firebase_users_may_change_their_allowance_below_the_ceiling(
    firebase_users: UserService, caller: Caller
) -> None:
    """Users may raise their allowance up to and including the ceiling."""
    await firebase_users.change(caller, AccountChange(monthly_allowance=10, spend_remaining=5))
    user = await firebase_users.change(caller, AccountChange(monthly_allowance=100, spend_remaining=100))
    assert user.usage_info.spend_remaining == 100


async def test_there_is_no_ceiling_locally(users: UserService, caller: Caller) -> None:
    """On a developer's machine, users may set any allowance."""
    user = await users.change(caller, AccountChange(monthly_allowance=5000, spend_remaining=6000))
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (5000, 6000)


async def test_in_firebase_a_reset_empties_the_list_and_refills_nothing(
    firebase_users: UserService, caller: Caller
) -> None:
    """Resets restore what the user had set aside, but not what was spent."""
    await firebase_users.report(caller, usage(30))
    await firebase_users.change(caller, AccountChange(spend_remaining=10))
    for _ in range(3):
        user = await firebase_users.reset(caller)
        assert (user.usage_info.spend_remaining, user.usage_info.usage) == (70, [])


async def test_in_firebase_the_users_own_date_refills_nothing(firebase_users: UserService, caller: Caller) -> None:
    """When a user's date is reached, a new period begins without a refill, and the date moves forward."""
    await firebase_users.report(caller, usage(30))
    yesterday = to_milliseconds(datetime.now(UTC) - timedelta(days=1))
    await firebase_users.change(caller, AccountChange(allowance_reset_date=yesterday))
    user = await firebase_users.get(caller)
    assert (user.usage_info.spend_remaining, user.usage_info.usage) == (70, [])
    assert user.usage_info.allowance_reset_date > yesterday


async def test_in_firebase_users_cannot_restore_spent_amounts(firebase_users: UserService, caller: Caller) -> None:
    """The 403 response states the maximum. Users may lower what remains, and raise it again up to that maximum."""
    await firebase_users.report(caller, usage(30))
    with pytest.raises(Forbidden, match=r"cannot be raised above \$70, "):
        await firebase_users.change(caller, AccountChange(spend_remaining=70.000001))
    await firebase_users.change(caller, AccountChange(spend_remaining=0))
    user = await firebase_users.change(caller, AccountChange(spend_remaining=70))
    assert user.usage_info.spend_remaining == 70


@pytest.mark.parametrize(("refill", "remaining"), [("monthly", 100), ("never", 7)])
async def test_in_firebase_the_allowance_is_refilled_monthly_if_configured(
    database: Database, settings: Settings, caller: Caller, refill: str, remaining: float
) -> None:
    """The first read in a month refills the allowance of a user who was stored by an earlier version."""
    earlier = datetime.now(UTC) - timedelta(days=32)
    old = Account(uid=caller.uid, allowance=100_000_000, remaining=7_000_000, created_at=earlier, updated_at=earlier)
    await store_account(database, old)
    terms = settings.model_copy(update={"app_env": "firebase", "allowance_refill": refill})
    user = await UserService(database, terms).get(caller)
    assert user.usage_info.spend_remaining == remaining


async def test_a_user_may_raise_the_default_allowance_to_the_ceiling(
    database: Database, settings: Settings, caller: Caller
) -> None:
    """A new user begins with the default allowance, and may raise it up to the ceiling."""
    terms = settings.model_copy(update={"app_env": "firebase", "default_allowance": 20, "allowance_ceiling": 50})
    users = UserService(database, terms)
    assert (await users.get(caller)).usage_info.spend_remaining == 20
    user = await users.change(caller, AccountChange(monthly_allowance=50, spend_remaining=50))
    assert user.usage_info.spend_remaining == 50
    with pytest.raises(Forbidden, match=r"\$50"):
        await users.change(caller, AccountChange(spend_remaining=51))


async def test_a_report_never_leads_to_a_debt(firebase_users: UserService, database: Database, caller: Caller) -> None:
    """A report above the remaining allowance causes no debt, so that a mistake does not use up future refills."""
    await firebase_users.report(caller, usage(1_000_000))
    account = await database.accounts.get(caller.uid)
    assert account is not None
    assert (account.remaining, account.owed) == (0, 0)
