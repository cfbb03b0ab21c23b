"""What a chain of runs may use together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.money import CostBounds
from shared.services.accounts.run_budgets import Budget, BudgetSpent


def test_one_call_too_many_is_refused() -> None:
    """Calls are counted, of whatever kind they are."""
    budget = Budget(seconds=60, calls=2, cost=0)
    budget.take_call()
    budget.take_call()
    with pytest.raises(BudgetSpent, match="2 calls"):
        budget.take_call()


def test_what_is_set_aside_cannot_be_spent_twice() -> None:
    """Concurrent calls share what is left, and return what they do not need."""
    budget = Budget(seconds=60, calls=9, cost=100)
    assert budget.reserve(CostBounds(5, 70)) == 70
    assert budget.reserve(CostBounds(5, 70)) == 30
    with pytest.raises(BudgetSpent, match=r"\$0.0001"):
        budget.reserve(CostBounds(1, 1))
    budget.spend(70, 10)
    assert budget.reserve(CostBounds(60, 70)) == 60
    assert budget.spent == 10


def test_a_call_whose_prompt_alone_is_not_covered_is_refused() -> None:
    """What is left must pay for the prompt and a short answer."""
    budget = Budget(seconds=60, calls=9, cost=100)
    with pytest.raises(BudgetSpent, match=r"may cost \$0.000101 before it is answered, but only \$0.0001 is left"):
        budget.reserve(CostBounds(101, 500))


def test_a_free_call_needs_no_budget() -> None:
    """A free model can be called when the money is spent."""
    budget = Budget(seconds=60, calls=9, cost=1)
    budget.spend(budget.reserve(CostBounds(1, 1)), 1)
    assert budget.reserve(CostBounds(0, 0)) == 0


def test_time_left_is_never_negative() -> None:
    """It is 0 when the time is up."""
    assert Budget(seconds=-1, calls=1, cost=1).seconds_left == 0


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=40))
def test_sequential_calls_overrun_by_one_at_most(calls: list[tuple[int, int]]) -> None:
    """However much calls cost beyond their estimates, none begins once the money is spent."""
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
