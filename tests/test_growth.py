"""Tests the measurement of growth."""

from tests.growth import grows_linearly


def test_linear_and_quadratic_growth_are_distinguished() -> None:
    """A linear function is recognized, and so is a quadratic one, which copies the rest of a string for each
    character."""
    assert grows_linearly(list, "x".__mul__, 500_000)
    assert not grows_linearly(lambda text: sum(len(text[start:]) for start in range(len(text))), "x".__mul__, 40_000)
