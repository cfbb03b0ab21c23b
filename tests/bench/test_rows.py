"""Rows: their figures, and whether they reach their targets."""

import json

import pytest

from bench.rows import Row, Target


def test_the_figure_of_a_row_with_a_floor_is_the_median_of_the_ratios() -> None:
    """A round in which both were slow does not change the ratio."""
    row = Row("x", "/s", ours=[70.0, 7.0, 90.0], floor=[100.0, 10.0, 100.0], target=Target(0.7, at_least=True))
    assert row.figures == pytest.approx([0.7, 0.7, 0.9])
    assert row.summary is not None
    assert row.summary.median == pytest.approx(0.7)
    assert row.reached


def test_the_figure_of_a_row_without_a_floor_is_its_value() -> None:
    """The target is then in the row's unit."""
    assert Row("x", "s", ours=[1.0, 3.0, 2.0], target=Target(2.0)).reached
    assert Row("x", "s", ours=[1.0, 3.0, 2.5], target=Target(2.0)).reached is False


def test_a_row_without_a_target_is_neither_reached_nor_missed() -> None:
    """It is only shown."""
    assert Row("x", "s", ours=[1.0]).reached is None


def test_a_failed_row_reaches_nothing() -> None:
    """It has no values."""
    row = Row("x", target=Target(1.0), failure="it broke")
    assert (row.summary, row.reached) == (None, None)


def test_a_row_as_json_has_all_samples() -> None:
    """The file shows how a figure came about."""
    row = Row("x", "s", [2.0, 4.0], [1.0, 1.0], Target(1.25), "a note", {"cpu": [1.0]})
    written = json.loads(json.dumps(row.to_json()))
    assert written["samples"] == {"ours": [2.0, 4.0], "floor": [1.0, 1.0]}
    assert (written["figure"], written["median"], written["minimum"], written["maximum"]) == ("ratio", 3.0, 2.0, 4.0)
    assert written["target"] == {"bound": 1.25, "at_least": False}
    assert (written["reached"], written["raw"]) == (False, {"cpu": [1.0]})


def test_a_failed_row_as_json_says_why() -> None:
    """It has no figure."""
    written = Row("x", failure="it broke").to_json()
    assert (written["failure"], written["median"], written["reached"]) == ("it broke", None, None)
