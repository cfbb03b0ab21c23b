"""Holds and settlements of a deployment's budget, in transactions of their own."""

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
from tests.database_faults import lose_answers

OWNER = Caller(uid="owner")


async def test_two_hundred_calls_at_once_spend_no_more_either(database: Database, settings: Settings) -> None:
    """Each holds what it may cost before it is made, and costs no more than it holds."""
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
    assert await days(database) == (0, spent)
    account = await database.accounts.get(OWNER.uid)
    assert account is not None
    assert (account.held, account.allowance - account.remaining) == (0, spent)


BUDGET = DeploymentBudget("agent", "owner", 1000)


async def test_lost_answers_hold_and_count_once(database: Database, settings: Settings) -> None:
    """A commit that went through unnoticed is recognised; settling again changes nothing."""
    spending = SpendingService(database, settings)
    lose_answers(database, ServiceUnavailable("gone"), 1, 3)
    hold = await spending.hold(OWNER, "run-1", CostBounds(1, 300), BUDGET)
    assert await days(database) == (300, 0)
    for _ in range(3):
        await spending.settle(hold, 0.0002, {})
    assert await days(database) == (0, 200)


async def test_fractions_of_a_millionth_count(database: Database, settings: Settings) -> None:
    """Otherwise calls that cost little more than they are counted as would spend half as much again."""
    spending, budget = SpendingService(database, settings), DeploymentBudget("agent", "owner", 20)
    for number in range(10):
        await spending.settle(await spending.hold(OWNER, f"run-{number}", CostBounds(2, 2), budget), 0.0000014, {})
    with pytest.raises(DeploymentBudgetSpent):
        await spending.hold(OWNER, "run-10", CostBounds(2, 2), budget)


async def test_the_sweep_releases_what_a_dead_call_held(database: Database, settings: Settings) -> None:
    """A call that ends after all still counts what it cost, once, without its hold."""
    spending = SpendingService(database, settings)
    await spending.hold(OWNER, "run-1", CostBounds(1, 300), BUDGET)
    late = await spending.hold(OWNER, "run-2", CostBounds(1, 500), BUDGET)
    document = database._client.collection("holds").document(late.id)  # pyright: ignore[reportPrivateUsage]
    await document.update({"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    await SweepService(database, task_queue(settings), settings).sweep()
    assert await days(database) == (300, 0)
    for _ in range(2):
        await spending.settle(late, 0.00045, {})
    assert await days(database) == (300, 450)


async def test_a_day_ends_at_midnight_in_utc(database: Database, settings: Settings) -> None:
    """What was held before midnight counts for the day before, whenever it is settled."""
    ledger = Ledger(database, settings)
    before = datetime(2026, 11, 27, 23, 59, 59, tzinfo=UTC)
    after = before + timedelta(seconds=2)

    async def opened(name: str, now: datetime) -> Hold:
        hold = Hold(id=name, owner="owner", amount=800, expires_at=now, deployment_day=day_id(BUDGET.agent_id, now))

        async def body(transaction: Transaction) -> Hold:
            return await ledger.open_hold(OWNER, hold, CostBounds(1, 800), transaction, now, BUDGET)

        return await database.transaction(body)

    async def settled(hold: Hold, now: datetime) -> None:
        await database.transaction(lambda transaction: ledger.close_hold(hold, 0.0007, {}, now, transaction))

    first, rest = await opened("run-1", before), await opened("run-2", before)
    assert (first.amount, rest.amount) == (800, 200)
    new = await opened("run-3", after)
    assert new.amount == 800
    await settled(first, after)
    await settled(new, after)
    yesterday, today = [await database.deployment_days.get(day_id("agent", moment)) for moment in (before, after)]
    assert yesterday is not None
    assert today is not None
    assert (yesterday.held, yesterday.spent) == (200, 700)
    assert (today.held, today.spent) == (0, 700)
    assert yesterday.expire_at > after


async def days(database: Database) -> tuple[int, int]:
    """What is held of today's budget, and what is spent."""
    day = await database.deployment_days.get(day_id(BUDGET.agent_id, datetime.now(UTC)))
    return (day.held, day.spent) if day else (0, 0)
