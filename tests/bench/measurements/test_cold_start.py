"""The measurement of cold starts, with a real function, a real floor and the real emulator."""

import pytest

from bench.measurements import cold_start


@pytest.mark.long
@pytest.mark.timeout(120)
def test_one_function_is_measured_in_one_round() -> None:
    """Time and memory are compared with the floor's."""
    seconds, memory = cold_start.measure(1, ["users"])
    assert (seconds.what, memory.what) == ("cold start of users", "memory of users")
    for row in (seconds, memory):
        assert len(row.ours) == len(row.floor) == 1
        assert row.summary is not None
        assert 0.5 < row.summary.median < 20
