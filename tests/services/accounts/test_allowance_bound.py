"""In a deployment, an allowance limits its user's costs for any sequence of requests.

One test uses only account models, and includes time and administrators. The other uses the services and the emulator.
"""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from shared.llm.catalog import Catalog
from shared.models.account import Account, to_milliseconds
from shared.models.allowance_terms import Terms
from shared.models.caller import Caller
from shared.models.errors import AllowanceSpent, Forbidden
from shared.models.money import to_dollars
from shared.models.user import AccountChange, AdminChange, UsageReport
from shared.services.accounts import administration as admin
from shared.services.accounts import users
from shared.services.accounts.administration import AdminService
from shared.settings import Settings
from tests.services.harness import Harness, chat, create_model

START = datetime(2026, 1, 20, tzinfo=UTC)
AMOUNT = st.integers(0, 300)
DATES = st.one_of(st.just(0), st.integers(-60, 60).map(lambda days: to_milliseconds(START + timedelta(days=days))))


def user_change(**micros: int) -> AccountChange:
    return AccountChange.model_validate({name: to_dollars(amount) for name, amount in micros.items()})


def admin_change(**micros: int) -> AdminChange:
    return AdminChange.model_validate({name: to_dollars(amount) for name, amount in micros.items()})


class Allowance(RuleBasedStateMachine):
    """A user sends requests, time passes, and an administrator changes the allowance.

    `ceiling` is the amount that the last refill or the last change by an administrator allows. `charged` is the amount
    that was charged since then.
    """

    holds = Bundle("holds")

    @initialize(default=st.integers(0, 100), spare=st.integers(0, 50), monthly=st.booleans())
    def open(self, default: int, spare: int, monthly: bool) -> None:
        self.now = START
        self.terms = Terms(bounding=True, default=default, ceiling=default + spare, monthly=monthly)
        self.account = Account.open("u", self.terms, self.now)
        self.refills_to = self.ceiling = self.terms.ceiling
        self.charged = 0
        self.month = (self.now.year, self.now.month)
        self.date = 0

    def advance(self) -> None:
        """Applies due refills to the account and to the expected values, as each request does first."""
        self.account = self.account.advance(self.now, self.terms)
        month = (self.now.year, self.now.month)
        is_date_reached = 0 < self.date <= to_milliseconds(self.now)
        if is_date_reached:
            self.date = 0
        if is_date_reached or (self.terms.monthly and month > self.month):
            self.ceiling, self.charged, self.month = self.refills_to, 0, month

    def apply(self, change: AccountChange) -> None:
        self.advance()
        before = self.account
        with contextlib.suppress(Forbidden):
            self.account = users.apply_change(self.account, change, self.terms, self.now)
        assert self.account.bound == before.bound, "a user's own change must not add or remove money"

    @rule(amount=AMOUNT)
    def set_allowance(self, amount: int) -> None:
        self.apply(user_change(monthly_allowance=amount))

    @rule(amount=AMOUNT)
    def set_remaining(self, amount: int) -> None:
        self.apply(user_change(spend_remaining=amount))

    @rule(date=DATES)
    def set_date(self, date: int) -> None:
        self.apply(AccountChange(allowance_reset_date=date))

    @rule()
    def reset(self) -> None:
        self.advance()
        period = self.account.period
        self.account = self.account.reset(self.now, self.terms)
        assert self.account.period > period

    @rule()
    def read(self) -> None:
        self.advance()

    @rule(target=holds, amount=st.integers(1, 60))
    def hold(self, amount: int) -> int:
        self.advance()
        self.account, held = self.account.hold(amount, self.now)
        return held

    @rule(held=consumes(holds), cost=AMOUNT)
    def settle(self, held: int, cost: int) -> None:
        self.advance()
        self.account, charge = self.account.release(held, self.now).charge(cost, self.now)
        self.charged += charge

    @rule(cost=AMOUNT)
    def report(self, cost: int) -> None:
        self.advance()
        before = self.account.remaining
        self.account, charge = self.account.charge(cost, self.now)
        self.charged += charge
        assert self.account.remaining <= before

    @rule(days=st.integers(0, 50), seconds=st.sampled_from([0, 1, 86_399]))
    def wait(self, days: int, seconds: int) -> None:
        self.now += timedelta(days=days, seconds=seconds)

    @rule(amount=AMOUNT)
    def administrator_sets_allowance(self, amount: int) -> None:
        self.advance()
        self.account = admin.apply_change(self.account, admin_change(monthly_allowance=amount), self.terms, self.now)
        self.refills_to = amount
        self.ceiling = max(amount, self.charged)
        assert self.account.remaining <= amount

    @rule(amount=AMOUNT)
    def administrator_grants(self, amount: int) -> None:
        self.advance()
        self.account = admin.apply_change(self.account, admin_change(spend_remaining=amount), self.terms, self.now)
        self.ceiling, self.charged = amount, 0

    @rule(date=DATES)
    def administrator_sets_date(self, date: int) -> None:
        self.advance()
        self.account = admin.apply_change(self.account, AdminChange(allowance_reset_date=date), self.terms, self.now)
        self.date = date

    @invariant()
    def the_allowance_bounds(self) -> None:
        account = self.account
        assert self.charged + account.remaining <= self.ceiling
        assert self.charged + account.bound <= self.ceiling
        assert min(account.remaining, account.spare, account.spent, account.owed, account.held) >= 0


TestAllowance = pytest.mark.timeout(240)(Allowance.TestCase)
Allowance.TestCase.settings = hypothesis_settings(max_examples=150, stateful_step_count=40, deadline=None)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["allowance", "remaining", "report"]), st.integers(0, 120)),
        st.tuples(st.just("date"), st.integers(-60, 60)),
        st.tuples(st.sampled_from(["reset", "chat"]), st.integers(0, 120)),
        st.tuples(st.sampled_from(["limit", "grant"]), st.integers(0, 120)),
    ),
    max_size=12,
)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_request_gets_more_than_the_allowance(
    steps: list[tuple[str, int]], settings: Settings, catalog: Catalog
) -> None:
    """The sum of the charges and the remaining allowance never exceeds the allowance."""
    cloud = {"google_cloud_project": f"demo-{uuid4().hex[:12]}", "app_env": "firebase", "chat_rate_per_minute": 0}
    asyncio.run(_drive(settings.model_copy(update=cloud), catalog, steps))


async def _drive(settings: Settings, catalog: Catalog, steps: list[tuple[str, int]]) -> None:
    harness, caller = Harness(settings, catalog), Caller(uid="u")
    administration = AdminService(harness.database, settings)
    await harness.users.get(caller)
    limit, earlier = 100_000_000, 0
    for name, value in steps:
        change: dict[str, Any] = {
            "allowance": {"monthly_allowance": value},
            "remaining": {"spend_remaining": value},
            "date": {"allowance_reset_date": to_milliseconds(datetime.now(UTC) + timedelta(days=value))},
            "limit": {"monthly_allowance": value},
            "grant": {"spend_remaining": value},
        }.get(name, {})
        match name:
            case "reset":
                await harness.users.reset(caller)
            case "report":
                await harness.users.report(caller, UsageReport(response_cost=value))
            case "chat":
                await _chat(harness, caller, value)
            case "limit" | "grant":
                await administration.change("admin", "u", AdminChange.model_validate(change))
                limit = value * 1_000_000
                earlier = sum(await harness.get_charges("u")) if name == "grant" else earlier
                limit = max(limit, sum(await harness.get_charges("u")) - earlier)
            case _:
                with contextlib.suppress(Forbidden):
                    await harness.users.change(caller, AccountChange.model_validate(change))
        account = await harness.account("u")
        assert sum(await harness.get_charges("u")) - earlier + account.remaining <= limit, name


async def _chat(harness: Harness, caller: Caller, cost: int) -> None:
    try:
        accepted = await harness.chat.submit(caller, chat("hi"))
    except AllowanceSpent:
        return
    await harness.deliver(accepted.ticket_id, create_model(cost * 1_000_000))
