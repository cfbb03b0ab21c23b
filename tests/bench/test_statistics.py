"""Medians, ranges, ratios and percentiles."""

import pytest

from bench.statistics import Summary, percentile, ratios, summarize


def test_a_summary_has_the_median_and_the_range() -> None:
    """The median of an even number of values is the mean of the middle ones."""
    assert summarize([4.0, 1.0, 2.0, 3.0]) == Summary(2.5, 1.0, 4.0)


def test_ratios_compare_values_of_the_same_round() -> None:
    """Each round has its own floor."""
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]


def test_ratios_need_a_floor_in_each_round() -> None:
    """A missing floor is an error, not a shorter list."""
    with pytest.raises(ValueError, match="argument"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (95, 95.0), (100, 100.0)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    """It is the smallest value that so many percent of the values do not exceed, in whatever order they come."""
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, percent) == expected


def test_the_only_value_is_every_percentile() -> None:
    """One value is enough."""
    assert percentile([7.0], 1) == percentile([7.0], 95) == 7.0
