"""Calls outside of tickets hold their highest possible cost, and are charged their actual cost once afterwards."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.models.account import Account
from shared.models.caller import Caller
from shared.models.errors import AllowanceSpent
from shared.models.hold import Hold
from shared.models.money import CostBounds
from shared.services.accounts.spending import SpendingService
from shared.services.chat.sweep import SweepService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from tests.database_data import store_account
from tests.database_faults import lose_responses


@pytest.fixture
def spending(database: Database, settings: Settings) -> SpendingService:
    return SpendingService(database, settings)


async def get_account(database: Database, uid: str) -> Account:
    account = await database.accounts.get(uid)
    assert account is not None
    return account


async def set_remaining(database: Database, caller: Caller, remaining: int) -> None:
    now = datetime.now(UTC)
    await store_account(
        database, Account(uid=caller.uid, allowance=remaining, remaining=remaining, created_at=now, updated_at=now)
    )


async def test_a_call_is_charged_after_its_highest_cost_was_held(
    spending: SpendingService, database: Database, caller: Caller
) -> None:
    """While the call runs, its highest cost is held. Afterwards, its actual cost is charged, and no hold remains."""
    hold = await spending.hold(caller, "run-1", CostBounds(1, 500))
    during = await get_account(database, caller.uid)
    assert (during.held, during.remaining) == (500, during.allowance)
    await spending.settle(hold, 0.0002, {"model": "m"})
    settled = await get_account(database, caller.uid)
    assert (settled.held, settled.remaining) == (0, settled.allowance - 200)
    entries = await database.accounts.newest_entries(caller.uid, settled.period, 10)
    assert [(entry.response_cost, entry.metadata) for entry in entries] == [(0.0002, {"model": "m"})]


async def test_a_call_is_charged_once_even_if_it_is_settled_repeatedly(
    spending: SpendingService, database: Database, caller: Caller
) -> None:
    """Five concurrent settlements charge the call once."""
    hold = await spending.hold(caller, "run-1", CostBounds(1, 500))
    await asyncio.gather(*(spending.settle(hold, 0.0002, {}) for _ in range(5)))
    settled = await get_account(database, caller.uid)
    assert (settled.held, settled.remaining) == (0, settled.allowance - 200)


async def test_lost_responses_hold_and_charge_once(
    spending: SpendingService, database: Database, caller: Caller
) -> None:
    """A commit that took effect although its response was lost is recognized when it is retried."""
    lose_responses(database, ServiceUnavailable("gone"), 1, 3)
    hold = await spending.hold(caller, "run-1", CostBounds(1, 500))
    assert (await get_account(database, caller.uid)).held == 500
    await spending.settle(hold, 0.0002, {})
    settled = await get_account(database, caller.uid)
    assert (settled.held, settled.remaining) == (0, settled.allowance - 200)


async def test_holds_do_not_exceed_the_remaining_allowance(
    spending: SpendingService, database: Database, caller: Caller
) -> None:
    """A call holds at most the rest of the allowance. Further calls are rejected until the hold is released."""
    await set_remaining(database, caller, 300)
    hold = await spending.hold(caller, "run-1", CostBounds(1, 500))
    assert hold.amount == 300
    with pytest.raises(AllowanceSpent):
        await spending.hold(caller, "run-2", CostBounds(1, 1))
    await spending.settle(hold, 0, {})
    assert (await spending.hold(caller, "run-3", CostBounds(1, 1))).amount == 1


async def test_a_free_call_leaves_no_entry(spending: SpendingService, database: Database, caller: Caller) -> None:
    """A call that costs nothing has no usage entry."""
    await spending.settle(await spending.hold(caller, "run-1", CostBounds(1, 500)), 0, {})
    settled = await get_account(database, caller.uid)
    assert (settled.held, settled.remaining) == (0, settled.allowance)
    assert await database.accounts.newest_entries(caller.uid, settled.period, 10) == []


async def test_the_sweep_releases_holds_that_were_not_settled(
    spending: SpendingService, database: Database, settings: Settings, caller: Caller
) -> None:
    """The hold of a process that died during a call is released by the sweep when it has expired."""
    await spending.hold(caller, "run-live", CostBounds(1, 100))
    dead = await spending.hold(caller, "run-dead", CostBounds(1, 500))
    await expire(database, dead)
    swept = await SweepService(database, task_queue(settings), settings).sweep()
    assert swept.released == 1
    assert (await get_account(database, caller.uid)).held == 100


async def test_an_abandoned_call_is_charged_what_it_held(
    spending: SpendingService, database: Database, settings: Settings, caller: Caller
) -> None:
    """An abandoned call is charged its hold, because its cost is unknown and its provider bills it.

    Settling it later changes nothing.
    """
    abandoned, settled = [await spending.hold(caller, f"run-{number}", CostBounds(1, 500)) for number in range(2)]
    await spending.settle(settled, 0.0002, {})
    await spending.mark_abandoned({hold.id: {"model": "m"} for hold in (abandoned, settled)})
    await expire(database, abandoned)
    for _ in range(2):
        await SweepService(database, task_queue(settings), settings).sweep()
        await spending.settle(abandoned, 0.0001, {})
    after = await get_account(database, caller.uid)
    assert (after.held, after.remaining) == (0, after.allowance - 700)
    newest, _ = await database.accounts.newest_entries(caller.uid, after.period, 10)
    assert (newest.response_cost, newest.metadata) == (0.0005, {"model": "m", "estimated": True})


async def test_a_call_settled_during_the_sweep_is_charged_as_settled(
    spending: SpendingService, database: Database, settings: Settings, caller: Caller
) -> None:
    """If a frozen process settles its failed call during the sweep, the call costs nothing."""
    hold = await spending.hold(caller, "run-1", CostBounds(1, 500))
    await spending.mark_abandoned({hold.id: {"model": "m"}})
    await expire(database, hold)
    sweep_database = Database(settings)
    list_expired = sweep_database.holds.list_expired

    async def list_and_settle(moment: datetime, limit: int) -> list[Hold]:
        found = await list_expired(moment, limit)
        await spending.settle(hold, 0.0, {})
        return found

    sweep_database.holds.list_expired = list_and_settle
    await SweepService(sweep_database, task_queue(settings), settings).sweep()
    after = await get_account(database, caller.uid)
    assert (after.held, after.remaining) == (0, after.allowance)


async def test_a_call_whose_hold_was_released_is_charged_when_it_ends(
    spending: SpendingService, database: Database, settings: Settings, caller: Caller
) -> None:
    """A call that ends after the sweep released its hold is charged once, and releases no other hold."""
    other = await spending.hold(caller, "run-other", CostBounds(1, 100))
    late = await spending.hold(caller, "run-late", CostBounds(1, 500))
    await expire(database, late)
    await SweepService(database, task_queue(settings), settings).sweep()
    await spending.settle(late, 0.0002, {})
    await spending.settle(late, 0.0002, {})
    settled = await get_account(database, caller.uid)
    assert (settled.held, settled.remaining) == (other.amount, settled.allowance - 200)


async def test_a_hold_that_cannot_be_released_does_not_stop_the_sweep(
    spending: SpendingService, database: Database, settings: Settings, caller: Caller
) -> None:
    """A hold whose account cannot be read is left and counted, and the other holds are released."""
    broken = await spending.hold(Caller(uid="broken"), "run-broken", CostBounds(1, 100))
    dead = await spending.hold(caller, "run-dead", CostBounds(1, 500))
    for hold in (broken, dead):
        await expire(database, hold)
    client = database._client  # pyright: ignore[reportPrivateUsage]
    await client.collection("users").document("broken").set({"allowance": "nonsense"})
    swept = await SweepService(database, task_queue(settings), settings).sweep()
    assert (swept.released, swept.left) == (1, 1)
    assert (await get_account(database, caller.uid)).held == 0


async def expire(database: Database, hold: Hold) -> None:
    document = database._client.collection("holds").document(hold.id)  # pyright: ignore[reportPrivateUsage]
    await document.update({"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
