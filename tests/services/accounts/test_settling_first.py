"""The cost of a call is written before its payer's next calls begin, however many of them wait."""

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
    """Two hundred holds are waiting when it is answered, and none of them goes first."""
    spending = SpendingService(harness.database, harness.settings)
    answered = await spending.hold(caller, "answered", CostBounds(1, 10))
    begun: list[str] = []

    async def hold(number: int) -> None:
        await spending.hold(caller, f"waits-{number}", CostBounds(1, 10))
        begun.append(f"waits-{number}")

    holds = [asyncio.create_task(hold(number)) for number in range(200)]
    await asyncio.sleep(0)
    await spending.settle(answered, 0.00001, {})
    assert len(begun) <= 1  # the one that was under way
    await asyncio.gather(*holds)
    assert (await harness.account(caller.uid)).held == 2000


async def test_a_ticket_ends_in_its_owners_turn(
    harness: Harness, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the owner's other calls hold and settle all the time, none of them overtakes it again and again."""
    refused: list[str] = []
    api: Any = harness.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit = api.commit

    async def noting(request: Any, **options: Any) -> Any:
        try:
            return await commit(request=request, **options)
        except GoogleAPICallError as error:
            refused.append(str(error))
            raise

    monkeypatch.setattr(api, "commit", noting)
    spending = SpendingService(harness.database, harness.settings)
    over = False

    async def others() -> None:
        number = 0
        while not over:
            number += 1
            await spending.hold(caller, f"other-{number}", CostBounds(1, 10))

    tickets = [(await harness.chat.submit(caller, chat("hi"))).ticket_id for _ in range(4)]
    busy = asyncio.create_task(others())
    for ticket_id in tickets:
        await harness.deliver(ticket_id, create_model(10))
    over = True
    await busy
    assert sorted(await harness.charged(caller.uid)) == [10, 10, 10, 10]
    assert refused == []


async def test_a_hold_whose_turn_never_came_is_not_settled(
    harness: Harness, caller: Caller, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no such hold. Settling it would make the queue even longer."""
    settled: list[str] = []
    close_hold = Ledger.close_hold

    async def noting(self: Ledger, hold: Any, *rest: Any) -> None:
        settled.append(hold.id)
        await close_hold(self, hold, *rest)

    monkeypatch.setattr(Ledger, "close_hold", noting)
    impatient = Harness(settings.model_copy(update={"store_timeout_seconds": 0.2}), harness.catalog)
    calls = ModelCallService.create(impatient.database, impatient.catalog, create_model(10), impatient.settings)
    end = asyncio.Event()

    async def long(_: Transaction) -> None:
        await end.wait()

    first = asyncio.create_task(harness.database.transaction(long, serialize_on=f"user:{caller.uid}"))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await calls.call(caller, "call-1", chat("hi"), Budget(30, 10, 1_000_000), 30, {})
    end.set()
    await first
    assert settled == []
