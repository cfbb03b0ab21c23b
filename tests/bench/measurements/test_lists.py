"""The rows of a list's page."""

import pytest

from bench.measurements.lists import Pages, write_growth


def test_growth_is_compared_within_each_round() -> None:
    """A round in which everything was slow has the same ratio. The note has what the ratio was made of."""
    small = Pages(ours=[20.0, 40.0], bare=[10.0, 20.0], cpu=[5.0, 5.0])
    large = Pages(ours=[1010.0, 2020.0], bare=[1000.0, 2000.0], cpu=[5.0, 6.0])
    growth, cpu = write_growth("GET /agents", small, large)
    assert growth.figures == pytest.approx([0.505, 0.505])
    assert growth.reached
    assert growth.note == "2 rounds; a page takes 30.0 and 1,515.0 ms, the bare query 15.0 and 1,500.0 ms"
    assert cpu.figures == [1.0, 1.2]
