"""The measurement of growth."""

from tests.growth import grows_linearly


def test_linear_and_quadratic_growth_are_distinguished() -> None:
    """Copying the rest of a text for each character is quadratic."""
    assert grows_linearly(list, "x".__mul__, 500_000)
    assert not grows_linearly(lambda text: sum(len(text[n:]) for n in range(len(text))), "x".__mul__, 40_000)
