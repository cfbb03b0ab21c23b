"""A chain of runs shares one budget of time, calls and money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.money import CostBounds
from shared.services.accounts.run_budgets import Budget, BudgetSpent


def test_one_call_too_many_is_rejected() -> None:
    """A budget for two calls rejects the third."""
    budget = Budget(seconds=60, calls=2, cost=0)
    budget.take_call()
    budget.take_call()
    with pytest.raises(BudgetSpent, match="2 calls"):
        budget.take_call()


def test_a_reserved_amount_cannot_be_spent_twice() -> None:
    """Concurrent calls share the remaining budget, and return what they do not need."""
    budget = Budget(seconds=60, calls=9, cost=100)
    assert budget.reserve(CostBounds(5, 70)) == 70
    assert budget.reserve(CostBounds(5, 70)) == 30
    with pytest.raises(BudgetSpent, match=r"\$0.0001"):
        budget.reserve(CostBounds(1, 1))
    budget.spend(70, 10)
    assert budget.reserve(CostBounds(60, 70)) == 60
    assert budget.spent == 10


def test_a_call_whose_prompt_is_not_covered_is_rejected() -> None:
    """The remaining budget must cover the prompt and a short answer."""
    budget = Budget(seconds=60, calls=9, cost=100)
    with pytest.raises(BudgetSpent, match=r"may cost \$0.000101 before it is answered, but only \$0.0001 is left"):
        budget.reserve(CostBounds(101, 500))


def test_a_free_call_needs_no_budget() -> None:
    """A free model can be called even if the budget is spent."""
    budget = Budget(seconds=60, calls=9, cost=1)
    budget.spend(budget.reserve(CostBounds(1, 1)), 1)
    assert budget.reserve(CostBounds(0, 0)) == 0


def test_the_remaining_time_is_never_negative() -> None:
    """The remaining time is 0 when the time is up."""
    assert Budget(seconds=-1, calls=1, cost=1).seconds_left == 0


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=40))
def test_sequential_calls_exceed_the_budget_by_at_most_one(calls: list[tuple[int, int]]) -> None:
    """Calls may cost more than estimated, but none begins once the money is spent."""
    budget = Budget(seconds=60, calls=1000, cost=100)
    for estimate, cost in calls:
        before = budget.spent
        try:
            reserved = budget.reserve(CostBounds(1, estimate))
        except BudgetSpent:
            assert before >= 100
            continue
        assert before < 100
        budget.spend(reserved, cost)
