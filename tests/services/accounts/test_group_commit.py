"""Changes of one account that are committed together have the same effect as in a sequence, whatever happens."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from google.api_core.exceptions import Aborted, DeadlineExceeded, ServiceUnavailable
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.errors import AllowanceSpent, Conflict
from shared.models.hold import Hold
from shared.models.money import CostBounds, to_dollars
from shared.models.user import AccountChange, UsageReport
from shared.services.accounts.spending import SpendingService
from shared.settings import Settings
from shared.store import Transaction
from tests.services.harness import Harness

_ALLOWANCE = 1000
_AMOUNTS = st.integers(0, 700)
_CHANGES = st.one_of(
    st.tuples(st.just("hold"), st.tuples(st.integers(1, 100), _AMOUNTS)),
    st.tuples(st.just("settle"), st.tuples(st.integers(0, 5), _AMOUNTS)),
    st.tuples(st.just("report"), st.tuples(st.integers(0, 3), _AMOUNTS)),
    st.tuples(st.just("remaining"), _AMOUNTS),
)
_FAULTS = st.sampled_from(
    ["none", "none", "overtaken", "lost", "refused", Aborted("no"), DeadlineExceeded("no"), ServiceUnavailable("no")]
)
_BATCHES = st.lists(st.tuples(st.lists(_CHANGES, min_size=1, max_size=8), st.lists(_FAULTS, max_size=4)), max_size=5)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=_BATCHES)
def test_changes_together_are_like_changes_in_a_sequence(
    batches: list[Any], settings: Settings, catalog: Catalog
) -> None:
    """Any changes that are committed together, while commits are overtaken, fail or lose their responses, have the
    outcomes and leave the account that a model of the ledger computes one change after the other."""
    own = {"google_cloud_project": f"demo-{uuid4().hex[:12]}", "usage_reports_per_minute": 0}
    asyncio.run(_Driver(Harness, settings.model_copy(update=own), catalog).run(batches))


@dataclass
class _Model:
    """A minimal model of an account. Costs beyond the remaining amount are not paid."""

    remaining: int = _ALLOWANCE
    holds: dict[str, int] = field(default_factory=dict[str, int])
    settled: set[str] = field(default_factory=set[str])
    reports: dict[str, int] = field(default_factory=dict[str, int])
    charged: list[int] = field(default_factory=list[int])

    def hold(self, hold_id: str, minimum: int, more: int) -> int | None:
        available = max(0, self.remaining - sum(self.holds.values()))
        if available < minimum:
            return None
        self.holds[hold_id] = min(minimum + more, available)
        return self.holds[hold_id]

    def settle(self, hold_id: str, cost: int) -> None:
        """Releases the hold. A cost is charged even if it arrives after the release, but only the first one."""
        self.holds.pop(hold_id, None)
        if cost and hold_id not in self.settled:
            self.settled.add(hold_id)
            self._charge(cost)

    def report(self, key: str, cost: int) -> bool | None:
        """Returns whether the report was repeated, None if it conflicts with another of the same key."""
        if key in self.reports:
            return True if self.reports[key] == cost else None
        self.reports[key] = cost
        self._charge(cost)
        return False

    def _charge(self, cost: int) -> None:
        self.charged.append(min(cost, self.remaining))
        self.remaining -= self.charged[-1]


class _Driver:
    """Has each batch of changes wait until all of them are there, and compares their outcomes with the model's."""

    def __init__(self, make_harness: Any, settings: Settings, catalog: Catalog) -> None:
        self._make_harness, self._settings, self._catalog = make_harness, settings, catalog
        self.caller = Caller(uid="u")
        self.model = _Model()
        self.open: list[Hold] = []

    async def run(self, batches: list[Any]) -> None:
        self.harness: Harness = self._make_harness(self._settings, self._catalog)
        self.spending = SpendingService(self.harness.database, self._settings)
        await self.harness.users.change(self.caller, AccountChange(monthly_allowance=to_dollars(_ALLOWANCE)))
        await self.harness.users.change(self.caller, AccountChange(spend_remaining=to_dollars(_ALLOWANCE)))
        for changes, faults in batches:
            await self._run_together(changes, faults)
            await self._compare()

    async def _run_together(self, changes: list[Any], faults: list[Any]) -> None:
        end = asyncio.Event()

        async def wait(_: Transaction) -> None:
            await end.wait()

        gate = asyncio.create_task(self.harness.database.change("user:u", wait))
        await asyncio.sleep(0)
        prepared = [self._prepare(name, value) for name, value in changes]
        tasks = [asyncio.create_task(change) for change, _, _ in prepared]
        await asyncio.sleep(0)
        restore = self._break_commits(faults)
        end.set()
        await gate
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        restore()
        expected: dict[int, Any] = {}
        for number in sorted(range(len(prepared)), key=lambda number: not prepared[number][2]):  # urgent ones first
            expected[number] = prepared[number][1]()
        assert [_simplify(outcome) for outcome in outcomes] == [expected[number] for number in range(len(prepared))]
        self.open += [outcome for outcome in outcomes if isinstance(outcome, Hold)]

    def _prepare(self, name: str, value: Any) -> tuple[Any, Any, bool]:
        """Returns the change, a function that applies it to the model and returns its outcome, and its urgency."""
        match name:
            case "hold":
                hold_id, (minimum, more) = uuid4().hex, value
                change = self.spending.hold(self.caller, hold_id, CostBounds(minimum, minimum + more))
                return change, lambda: self.model.hold(hold_id, minimum, more), False
            case "settle" if self.open:
                hold, cost = self.open[value[0] % len(self.open)], value[1]
                # A hold may be settled twice: the second time has no effect.
                return (
                    self.spending.settle(hold, to_dollars(cost), {}),
                    lambda: self.model.settle(hold.id, cost),
                    True,
                )
            case "report":
                key, cost = f"key-{value[0]}", value[1]
                report = self.harness.users.report(self.caller, UsageReport(response_cost=to_dollars(cost)), key)
                return report, lambda: self.model.report(key, cost), False
            case "remaining":
                change = self.harness.users.change(self.caller, AccountChange(spend_remaining=to_dollars(value)))
                return change, lambda: setattr(self.model, "remaining", value), False
            case _:
                return asyncio.sleep(0), lambda: None, False

    def _break_commits(self, faults: list[Any]) -> Any:
        api: Any = self.harness.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
        commit, left = api.commit, list(faults)

        async def commit_with_faults(request: Any, **options: Any) -> Any:
            fault = left.pop(0) if left else "none"
            match fault:
                case "none":
                    return await commit(request=request, **options)
                case "overtaken":
                    api.commit = commit
                    await self._touch_elsewhere()
                    api.commit = commit_with_faults
                    return await commit(request=request, **options)
                case "lost":
                    await commit(request=request, **options)
                    raise ServiceUnavailable("gone")
                case "refused":
                    raise ServiceUnavailable("gone")
                case error:
                    await commit(request=request, **options)
                    raise error

        def restore() -> None:
            api.commit = commit

        api.commit = commit_with_faults
        return restore

    async def _touch_elsewhere(self) -> None:
        """Writes the account as another process would, without changing its amounts."""

        async def touch(transaction: Transaction) -> None:
            account = await self.harness.database.accounts.get("u", transaction)
            assert account is not None
            self.harness.database.accounts.put(account, transaction)

        await self.harness.database.transaction(touch)

    async def _compare(self) -> None:
        account = await self.harness.account("u")
        assert (account.remaining, account.held) == (self.model.remaining, sum(self.model.holds.values()))
        assert sorted(await self.harness.get_charges("u")) == sorted(self.model.charged)


def _simplify(outcome: Any) -> Any:
    """Returns the part of an outcome that the model computes."""
    match outcome:
        case Hold():
            return outcome.amount
        case AllowanceSpent() | Conflict():
            return None
        case BaseException():
            raise outcome
        case _:
            return getattr(outcome, "replayed", None)
