"""What is shown while something is measured."""

import pytest

from bench.progress import count_rounds


def test_rounds_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """From 0, each with what it measures."""
    assert list(count_rounds(2, "reads")) == [0, 1]
    assert capsys.readouterr().err.splitlines() == ["  reads: round 1 of 2", "  reads: round 2 of 2"]


def test_a_warm_up_is_no_round(capsys: pytest.CaptureFixture[str]) -> None:
    """It is round 0, so that callers leave it out."""
    assert list(count_rounds(1, warm_up=True)) == [0, 1]
    assert capsys.readouterr().err.splitlines() == ["  warm-up", "  round 1 of 1"]
