"""Calls hold and settle a deployment's daily budget, each in its own transaction."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.models.caller import Caller
from shared.models.deployment_day import day_id
from shared.models.errors import DeploymentBudgetSpent
from shared.models.hold import Hold
from shared.models.money import CostBounds, to_dollars
from shared.services.accounts.deployment_budgets import DeploymentBudget
from shared.services.accounts.ledger import Ledger
from shared.services.accounts.spending import SpendingService
from shared.services.chat.sweep import SweepService
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import task_queue
from tests.database_faults import lose_responses

OWNER = Caller(uid="owner")


async def test_two_hundred_concurrent_calls_do_not_exceed_the_budget(database: Database, settings: Settings) -> None:
    """Concurrent calls spend exactly the budget, because each holds its highest possible cost."""
    spending = SpendingService(database, settings)

    async def call(number: int) -> int:
        try:
            hold = await spending.hold(OWNER, f"run-{number}", CostBounds(1, 150), BUDGET)
        except DeploymentBudgetSpent:
            return 0
        await asyncio.sleep(0)
        await spending.settle(hold, to_dollars(hold.amount), {})
        return hold.amount

    spent = sum(await asyncio.gather(*(call(number) for number in range(200))))
    assert spent == BUDGET.per_day
    assert await get_amounts(database) == (0, spent)
    account = await database.accounts.get(OWNER.uid)
    assert account is not None
    assert (account.held, account.allowance - account.remaining) == (0, spent)


BUDGET = DeploymentBudget("agent", "owner", 1000)


async def test_lost_responses_hold_and_count_once(database: Database, settings: Settings) -> None:
    """A commit that took effect although its response was lost is recognized, and settling again changes nothing."""
    spending = SpendingService(database, settings)
    lose_responses(database, ServiceUnavailable("gone"), 1, 3)
    hold = await spending.hold(OWNER, "run-1", CostBounds(1, 300), BUDGET)
    assert await get_amounts(database) == (300, 0)
    for _ in range(3):
        await spending.settle(hold, 0.0002, {})
    assert await get_amounts(database) == (0, 200)


async def test_fractions_of_a_millionth_count(database: Database, settings: Settings) -> None:
    """Fractions are added up. Otherwise, ten calls at 1.4 millionths each would count as ten millionths."""
    spending, budget = SpendingService(database, settings), DeploymentBudget("agent", "owner", 20)
    for number in range(10):
        await spending.settle(await spending.hold(OWNER, f"run-{number}", CostBounds(2, 2), budget), 0.0000014, {})
    with pytest.raises(DeploymentBudgetSpent):
        await spending.hold(OWNER, "run-10", CostBounds(2, 2), budget)


async def test_the_sweep_releases_the_holds_of_dead_calls(database: Database, settings: Settings) -> None:
    """The cost of a call that ends after its hold was released is counted once."""
    spending = SpendingService(database, settings)
    await spending.hold(OWNER, "run-1", CostBounds(1, 300), BUDGET)
    late = await spending.hold(OWNER, "run-2", CostBounds(1, 500), BUDGET)
    document = database._client.collection("holds").document(late.id)  # pyright: ignore[reportPrivateUsage]
    await document.update({"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    await SweepService(database, task_queue(settings), settings).sweep()
    assert await get_amounts(database) == (300, 0)
    for _ in range(2):
        await spending.settle(late, 0.00045, {})
    assert await get_amounts(database) == (300, 450)


async def test_a_day_ends_at_midnight_in_utc(database: Database, settings: Settings) -> None:
    """A hold counts for the day on which it was made, even if it is settled after midnight."""
    ledger = Ledger(database, settings)
    before = datetime(2026, 11, 27, 23, 59, 59, tzinfo=UTC)
    after = before + timedelta(seconds=2)

    async def open_hold(name: str, now: datetime) -> Hold:
        hold = Hold(id=name, owner="owner", amount=800, expires_at=now, deployment_day=day_id(BUDGET.agent_id, now))

        async def body(transaction: Transaction) -> Hold:
            return await ledger.open_hold(OWNER, hold, CostBounds(1, 800), transaction, now, BUDGET)

        return await database.transaction(body)

    async def settle(hold: Hold, now: datetime) -> None:
        await database.transaction(lambda transaction: ledger.close_hold(hold, 0.0007, {}, now, transaction))

    first, rest = await open_hold("run-1", before), await open_hold("run-2", before)
    assert (first.amount, rest.amount) == (800, 200)
    new = await open_hold("run-3", after)
    assert new.amount == 800
    await settle(first, after)
    await settle(new, after)
    yesterday, today = [await database.deployment_days.get(day_id("agent", moment)) for moment in (before, after)]
    assert yesterday is not None
    assert today is not None
    assert (yesterday.held, yesterday.spent) == (200, 700)
    assert (today.held, today.spent) == (0, 700)
    assert yesterday.expire_at > after


async def get_amounts(database: Database) -> tuple[int, int]:
    """Returns the amounts of today's budget that are held and spent."""
    day = await database.deployment_days.get(day_id(BUDGET.agent_id, datetime.now(UTC)))
    return (day.held, day.spent) if day else (0, 0)
