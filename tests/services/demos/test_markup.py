"""Markup that does not work in a demo's HTML is found in any string, in linear time."""

import pytest
from hypothesis import example, given

from shared.services.demos.markup import find_markup_problems
from tests.growth import grows_linearly
from tests.services.demos.texts import TEXTS


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<script>x()</script>", "<script>"),
        ('<SCRIPT src="https://cdn.example/x.js">', "<script>"),
        ('<button onclick="go()">', "onclick= on <button>"),
        ("<p>a<img src=x ONERROR=y>", "onerror= on <img>"),
        ('<a href=" JavaScript:go()">', "javascript:"),
    ],
)
def test_markup_that_cannot_run_is_reported(markup: str, expected: str) -> None:
    """Scripts and event handlers in the HTML are reported."""
    (problem,) = find_markup_problems(markup)
    assert expected in problem


@pytest.mark.parametrize("markup", ["", "<p>on</p>", "<a href=#x on>", "<p>a < b <!-- <script> --></p>", "<style>"])
def test_markup_that_works_is_not_reported(markup: str) -> None:
    """Text and comments that look like scripts or handlers are not reported."""
    assert find_markup_problems(markup) == []


@given(TEXTS)
@example("<![x[")
@example("<![ ")
def test_any_markup_can_be_checked(markup: str) -> None:
    """Checking never fails, and returns at most five problems."""
    assert len(find_markup_problems(markup)) <= 5


@pytest.mark.parametrize("piece", ["<a ", "<a x='", '<a x="', "<!--", "<a b='c' d", "</", "<a x=", "<![", "<a x"])
@pytest.mark.timeout(60)
def test_hostile_markup_is_read_in_linear_time(piece: str) -> None:
    """The time grows linearly with the length of any repeated piece, because a model may write anything."""
    assert grows_linearly(find_markup_problems, piece.__mul__, 100_000 // len(piece))
