"""Users and their money, in the real Firestore emulator."""

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
from tests.database_faults import lose_answers


@pytest.fixture
async def users(database: Database, settings: Settings) -> UserService:
    return UserService(database, settings)


@pytest.fixture
async def firebase_users(database: Database, settings: Settings) -> UserService:
    """As in a Firebase deployment, with a ceiling of $100."""
    return UserService(database, settings.model_copy(update={"app_env": "firebase"}))


def spent(cost: float, **metadata: str) -> UsageReport:
    return UsageReport(response_cost=cost, metadata=dict(metadata))


async def test_a_first_request_creates_the_user(users: UserService) -> None:
    """With an allowance and a remainder of 100, and the token's name and address."""
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


async def test_twenty_first_requests_at_once_create_one_user(users: UserService, caller: Caller) -> None:
    """All get the same user."""
    seen = await asyncio.gather(*(users.get(caller) for _ in range(20)))
    assert len({(user.rev, user.created_at) for user in seen}) == 1


async def test_usage_is_charged_and_listed(users: UserService, caller: Caller) -> None:
    """Newest first, exact to the millionth."""
    for cost in (0.1, 0.2, 0.000001):
        user = (await users.report(caller, spent(cost, why=str(cost)))).user
    assert user.usage_info.spend_remaining == 99.699999
    assert [entry.response_cost for entry in user.usage_info.usage] == [0.000001, 0.2, 0.1]
    assert user.usage_info.usage[2].metadata == {"why": "0.1"}


async def test_a_cost_above_what_remains_leaves_nothing(users: UserService, caller: Caller) -> None:
    """What remains is never negative; the entry has the whole cost."""
    user = (await users.report(caller, spent(150))).user
    assert user.usage_info.spend_remaining == 0
    assert user.usage_info.usage[0].response_cost == 150


async def test_a_hundred_charges_at_once_are_all_charged(users: UserService, caller: Caller) -> None:
    """None is lost, none doubled."""
    await asyncio.gather(*(users.report(caller, spent(0.01)) for _ in range(100)))
    user = await users.get(caller)
    assert user.usage_info.spend_remaining == 99
    assert len(user.usage_info.usage) == 100


async def test_a_report_under_a_key_is_charged_once(users: UserService, caller: Caller) -> None:
    """However often it is sent, and however many at once. Another key is another charge."""
    await asyncio.gather(*(users.report(caller, spent(1), "key-1") for _ in range(10)))
    user = (await users.report(caller, spent(1), "key-2")).user
    assert user.usage_info.spend_remaining == 98


async def test_a_key_names_one_report(users: UserService, caller: Caller) -> None:
    """The same report is replayed. Another cost or other metadata under its key is a conflict, and charges nothing."""
    first = await users.report(caller, spent(1, why="a"), "key")
    again = await users.report(caller, spent(1, why="a"), "key")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.user == first.user
    for other in (spent(7, why="a"), spent(1, why="b"), spent(1)):
        with pytest.raises(Conflict, match="Idempotency-Key"):
            await users.report(caller, other, "key")
    assert (await users.get(caller)).usage_info.spend_remaining == 99


async def test_metadata_of_another_type_are_different(users: UserService, caller: Caller) -> None:
    """`1` and `true` are equal in Python, but not in JSON. The order of names does not matter."""
    await users.report(caller, UsageReport(response_cost=1, metadata={"a": 1, "b": 2}), "key")
    assert (await users.report(caller, UsageReport(response_cost=1, metadata={"b": 2, "a": 1}), "key")).replayed
    with pytest.raises(Conflict):
        await users.report(caller, UsageReport(response_cost=1, metadata={"a": True, "b": 2}), "key")


@pytest.mark.parametrize("key", ["a/b", "..", "__x__", " ", "ü ß", "x" * 255, "/" * 255, "%2F"])
async def test_a_key_may_be_any_text(users: UserService, caller: Caller, key: str) -> None:
    """Also one that cannot be the name of a document."""
    await users.report(caller, spent(1), key)
    again = await users.report(caller, spent(1), key)
    assert (again.replayed, again.user.usage_info.spend_remaining) == (True, 99)


async def test_a_report_whose_commit_went_unnoticed_is_not_a_replay(
    users: UserService, database: Database, caller: Caller
) -> None:
    """The retry finds the request's own entry: charged once, and not replayed."""
    await users.get(caller)
    lose_answers(database, Aborted("lost"))
    reported = await users.report(caller, spent(1), "key")
    assert (reported.replayed, reported.user.usage_info.spend_remaining) == (False, 99)


async def test_the_list_shows_the_newest_hundred(users: UserService, database: Database, caller: Caller) -> None:
    """Reading it costs no more than that."""
    await asyncio.gather(*(users.report(caller, spent(0, n=str(n))) for n in range(105)))
    assert len((await users.get(caller)).usage_info.usage) == 100


async def test_metadata_are_bounded(users: UserService, caller: Caller) -> None:
    """413, and nothing is charged."""
    with pytest.raises(TooLarge):
        await users.report(caller, spent(1, long="x" * 20_000))
    assert (await users.get(caller)).usage_info.spend_remaining == 100


async def test_lowering_the_allowance_lowers_what_remains(users: UserService, caller: Caller) -> None:
    """Raising it does not raise what remains."""
    user = await users.change(caller, AccountChange(monthly_allowance=40))
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (40, 40)
    user = await users.change(caller, AccountChange(monthly_allowance=400))
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (400, 40)


async def test_a_reset_begins_a_new_period(users: UserService, database: Database, caller: Caller) -> None:
    """What remains is the allowance again. Old entries stay stored, but are not shown."""
    await users.report(caller, spent(30))
    user = await users.reset(caller)
    assert (user.usage_info.spend_remaining, user.usage_info.usage) == (100, [])
    assert len(await database.accounts.newest_entries(caller.uid, 1, 10)) == 1


async def test_a_date_in_the_past_resets_once_however_many_see_it(users: UserService, caller: Caller) -> None:
    """Reads and charges at once: one new period, every charge in it, and the date moved on."""
    await users.report(caller, spent(30))
    yesterday = to_milliseconds(datetime.now(UTC) - timedelta(days=1))
    await users.change(caller, AccountChange(allowance_reset_date=yesterday))
    await asyncio.gather(*(users.get(caller) for _ in range(10)), *(users.report(caller, spent(1)) for _ in range(10)))
    user = await users.get(caller)
    assert user.usage_info.spend_remaining == 90
    assert len(user.usage_info.usage) == 10
    assert user.usage_info.allowance_reset_date > to_milliseconds(datetime.now(UTC))


async def test_a_stale_revision_changes_nothing(users: UserService, caller: Caller) -> None:
    """409; without one, it is written; every write makes a new one."""
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
    """403, and nothing changes. Locally there is no ceiling."""
    before = await firebase_users.get(caller)
    with pytest.raises(Forbidden, match=r"\$100"):
        await firebase_users.change(caller, AccountChange.model_validate(change))
    assert await firebase_users.get(caller) == before


async def test_in_firebase_users_may_change_their_allowance_below_the_ceiling(
    firebase_users: UserService, caller: Caller
) -> None:
    """Up to and including the ceiling."""
    await firebase_users.change(caller, AccountChange(monthly_allowance=10, spend_remaining=5))
    user = await firebase_users.change(caller, AccountChange(monthly_allowance=100, spend_remaining=100))
    assert user.usage_info.spend_remaining == 100


async def test_locally_there_is_no_ceiling(users: UserService, caller: Caller) -> None:
    """On a developer's own machine."""
    user = await users.change(caller, AccountChange(monthly_allowance=5000, spend_remaining=6000))
    assert (user.usage_info.monthly_allowance, user.usage_info.spend_remaining) == (5000, 6000)


async def test_in_firebase_a_reset_empties_the_list_and_refills_nothing(
    firebase_users: UserService, caller: Caller
) -> None:
    """However often. What the user had set aside comes back, and no more."""
    await firebase_users.report(caller, spent(30))
    await firebase_users.change(caller, AccountChange(spend_remaining=10))
    for _ in range(3):
        user = await firebase_users.reset(caller)
        assert (user.usage_info.spend_remaining, user.usage_info.usage) == (70, [])


async def test_in_firebase_the_users_own_date_refills_nothing(firebase_users: UserService, caller: Caller) -> None:
    """A date that has come opens a new period, and moves on."""
    await firebase_users.report(caller, spent(30))
    yesterday = to_milliseconds(datetime.now(UTC) - timedelta(days=1))
    await firebase_users.change(caller, AccountChange(allowance_reset_date=yesterday))
    user = await firebase_users.get(caller)
    assert (user.usage_info.spend_remaining, user.usage_info.usage) == (70, [])
    assert user.usage_info.allowance_reset_date > yesterday


async def test_in_firebase_users_cannot_restore_what_was_spent(firebase_users: UserService, caller: Caller) -> None:
    """403, which says how much they may set. After lowering what remains, they may raise it to that again."""
    await firebase_users.report(caller, spent(30))
    with pytest.raises(Forbidden, match=r"cannot be raised above \$70, "):
        await firebase_users.change(caller, AccountChange(spend_remaining=70.000001))
    await firebase_users.change(caller, AccountChange(spend_remaining=0))
    user = await firebase_users.change(caller, AccountChange(spend_remaining=70))
    assert user.usage_info.spend_remaining == 70


@pytest.mark.parametrize(("refill", "remaining"), [("monthly", 100), ("never", 7)])
async def test_in_firebase_the_calendar_refills_if_it_is_set_to(
    database: Database, settings: Settings, caller: Caller, refill: str, remaining: float
) -> None:
    """At the first read in a month. The other user is stored as an earlier version stored users."""
    earlier = datetime.now(UTC) - timedelta(days=32)
    old = Account(uid=caller.uid, allowance=100_000_000, remaining=7_000_000, created_at=earlier, updated_at=earlier)
    await store_account(database, old)
    terms = settings.model_copy(update={"app_env": "firebase", "allowance_refill": refill})
    user = await UserService(database, terms).get(caller)
    assert user.usage_info.spend_remaining == remaining


async def test_a_user_may_raise_the_default_allowance_to_the_ceiling(
    database: Database, settings: Settings, caller: Caller
) -> None:
    """A new user begins with the default."""
    terms = settings.model_copy(update={"app_env": "firebase", "default_allowance": 20, "allowance_ceiling": 50})
    users = UserService(database, terms)
    assert (await users.get(caller)).usage_info.spend_remaining == 20
    user = await users.change(caller, AccountChange(monthly_allowance=50, spend_remaining=50))
    assert user.usage_info.spend_remaining == 50
    with pytest.raises(Forbidden, match=r"\$50"):
        await users.change(caller, AccountChange(spend_remaining=51))


async def test_a_report_never_leads_to_a_debt(firebase_users: UserService, database: Database, caller: Caller) -> None:
    """A mistake in a report must not use up future refills."""
    await firebase_users.report(caller, spent(1_000_000))
    account = await database.accounts.get(caller.uid)
    assert account is not None
    assert (account.remaining, account.owed) == (0, 0)
