"""The cost of a call is stored before its payer's next calls begin, even if many of them wait."""

import asyncio
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.errors import Unavailable
from shared.models.money import CostBounds
from shared.services.accounts.ledger import Ledger
from shared.services.accounts.run_budgets import Budget
from shared.services.accounts.spending import SpendingService
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Transaction
from tests.services.harness import Harness, chat, create_model


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


async def test_a_call_is_settled_before_those_that_wait_to_begin(harness: Harness, caller: Caller) -> None:
    """A call that is answered while two hundred holds wait is settled before all of them except the one under way."""
    spending = SpendingService(harness.database, harness.settings)
    answered = await spending.hold(caller, "answered", CostBounds(1, 10))
    held: list[str] = []

    async def hold(number: int) -> None:
        await spending.hold(caller, f"waits-{number}", CostBounds(1, 10))
        held.append(f"waits-{number}")

    holds = [asyncio.create_task(hold(number)) for number in range(200)]
    await asyncio.sleep(0)
    await spending.settle(answered, 0.00001, {})
    assert len(held) <= 1  # the one that was under way
    await asyncio.gather(*holds)
    assert (await harness.account(caller.uid)).held == 2000


async def test_a_ticket_is_settled_while_its_owner_makes_other_calls(
    harness: Harness, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket's transactions take turns with the owner's other calls, and none of their commits fails."""
    failed: list[str] = []
    api: Any = harness.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit = api.commit

    async def record(request: Any, **options: Any) -> Any:
        try:
            return await commit(request=request, **options)
        except GoogleAPICallError as error:
            failed.append(str(error))
            raise

    monkeypatch.setattr(api, "commit", record)
    spending = SpendingService(harness.database, harness.settings)
    done = False

    async def hold_repeatedly() -> None:
        number = 0
        while not done:
            number += 1
            await spending.hold(caller, f"other-{number}", CostBounds(1, 10))

    tickets = [(await harness.chat.submit(caller, chat("hi"))).ticket_id for _ in range(4)]
    busy = asyncio.create_task(hold_repeatedly())
    for ticket_id in tickets:
        await harness.deliver(ticket_id, create_model(10))
    done = True
    await busy
    assert sorted(await harness.get_charges(caller.uid)) == [10, 10, 10, 10]
    assert failed == []


async def test_a_hold_that_was_never_made_is_not_settled(
    harness: Harness, caller: Caller, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that timed out while it waited for its hold settles nothing. Settling would make the queue even longer."""
    settled: list[str] = []
    close_hold = Ledger.close_hold

    async def record(self: Ledger, hold: Any, *rest: Any) -> None:
        settled.append(hold.id)
        await close_hold(self, hold, *rest)

    monkeypatch.setattr(Ledger, "close_hold", record)
    impatient = Harness(settings.model_copy(update={"store_timeout_seconds": 0.2}), harness.catalog)
    calls = ModelCallService.create(impatient.database, impatient.catalog, create_model(10), impatient.settings)
    may_end = asyncio.Event()

    async def wait(_: Transaction) -> None:
        await may_end.wait()

    first = asyncio.create_task(harness.database.change(f"user:{caller.uid}", wait))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await calls.call(caller, "call-1", chat("hi"), Budget(30, 10, 1_000_000), 30, {})
    may_end.set()
    await first
    assert settled == []
