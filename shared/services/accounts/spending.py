"""Spending outside of tickets: the maximum cost of a model call is held before it; its actual cost is charged after it.

The payer, who owns the hold, is charged.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared import clock
from shared.models.caller import Caller
from shared.models.deployment_day import day_id
from shared.models.hold import Hold
from shared.models.key_period import period_id
from shared.models.money import CostBounds, to_dollars
from shared.models.wire import JsonObject
from shared.services.accounts.deployment_budgets import DeploymentBudget
from shared.services.accounts.ledger import Ledger
from shared.services.outages import wait_out_outages
from shared.settings import Settings
from shared.store import Database, Transaction

_SETTLING_SECONDS = 60
_MAX_PAUSE_SECONDS = 5
_MARGIN_SECONDS = 300
"""How long a hold lasts beyond the model's time limit. The call and its settlement end within this time."""


@dataclass(frozen=True)
class SpendingService:
    """Holds money for calls, and settles the holds."""

    database: Database
    settings: Settings

    async def hold(
        self,
        payer: Caller,
        hold_id: str,
        bounds: CostBounds,
        deployment: DeploymentBudget | None = None,
        *,
        again: bool = False,
    ) -> Hold:
        """Holds the maximum cost of the call, or all that is left if that is less. One transaction.

        `hold_id` must be unique to this call. `again`: whether the call may have been made before, by a process that
        died, so that its earlier hold is kept. Raises `AllowanceSpent` if the rest of the allowance does not cover a
        short answer, and `DeploymentBudgetSpent` if the rest of the budget of `deployment`, which makes the call, does
        not.
        """
        hold = self.make_hold(payer, hold_id, bounds.maximum, deployment)

        async def body(transaction: Transaction) -> Hold:
            return await self._ledger.open_hold(payer, hold, bounds, transaction, clock.now(), deployment, again=again)

        return await self.database.change(f"user:{payer.uid}", body)

    def make_hold(self, payer: Caller, hold_id: str, amount: int, deployment: DeploymentBudget | None = None) -> Hold:
        """Builds the hold that `hold` opens, with the values that are known beforehand."""
        now = clock.now()
        return Hold(
            id=hold_id,
            owner=payer.uid,
            amount=amount,
            expires_at=now + timedelta(seconds=self.settings.model_timeout_seconds + _MARGIN_SECONDS),
            deployment_day=deployment and day_id(deployment.agent_id, now),
            key_period=payer.key and period_id(payer.key.id, payer.key.period, now),
        )

    async def mark_abandoned(self, holds: Mapping[str, JsonObject]) -> None:
        """Marks holds whose calls continue although no caller waits for them. The values become their `Hold.left`.

        One transaction, with a read and a write for each hold that is not settled yet.
        """

        async def body(transaction: Transaction) -> None:
            stored = await asyncio.gather(*(self.database.holds.get(hold_id, transaction) for hold_id in holds))
            for hold in filter(None, stored):
                self.database.holds.put(hold.model_copy(update={"left": holds[hold.id]}), transaction)

        await self.database.transaction(body)

    async def settle(
        self,
        hold: Hold,
        cost: float,
        metadata: JsonObject,
        also: Callable[[Transaction], Awaitable[None]] | None = None,
    ) -> None:
        """Charges `cost`, in US dollars, and releases the hold. Repeating it has no further effect.

        `also` writes something else in the same transaction. One transaction. Waits out a database outage for a minute,
        because the call has been paid for; then raises `Unavailable`.
        """

        async def body(transaction: Transaction) -> None:
            await self._ledger.close_hold(hold, cost, metadata, clock.now(), transaction)
            if also is not None:
                await also(transaction)

        await self._settle_first(body, hold.owner)

    async def give_up(self, hold: Hold) -> None:
        """Releases a hold that was not settled in time, and charges the amount held if no caller waited for the call.

        Does nothing if the hold has been settled in the meantime. One transaction; waits and raises like `settle`.
        """

        async def body(transaction: Transaction) -> None:
            stored = await self.database.holds.get(hold.id, transaction)
            if stored is not None:
                cost = 0.0 if stored.left is None else to_dollars(stored.amount)
                metadata = {**(stored.left or {}), "estimated": True}
                await self._ledger.close_hold(stored, cost, metadata, clock.now(), transaction)

        await self._settle_first(body, hold.owner)

    async def _settle_first(self, body: Callable[[Transaction], Awaitable[None]], owner: str) -> None:
        """Runs a transaction on the owner's account, ahead of the transactions for calls that have not started."""
        await wait_out_outages(
            lambda: self.database.change(f"user:{owner}", body, urgent=True),
            _SETTLING_SECONDS,
            _MAX_PAUSE_SECONDS,
        )

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.database, self.settings)
