"""What will not work in a demo's HTML is found in any text, in linear time."""

import pytest
from hypothesis import example, given

from shared.services.demos.markup import find_markup_problems
from tests.growth import grows_linearly
from tests.services.demos.texts import TEXTS


@pytest.mark.parametrize(
    ("markup", "word"),
    [
        ("<script>x()</script>", "<script>"),
        ('<SCRIPT src="https://cdn.example/x.js">', "<script>"),
        ('<button onclick="go()">', "onclick= on <button>"),
        ("<p>a<img src=x ONERROR=y>", "onerror= on <img>"),
        ('<a href=" JavaScript:go()">', "javascript:"),
    ],
)
def test_what_cannot_run_is_reported(markup: str, word: str) -> None:
    """Scripts and handlers in the HTML."""
    (problem,) = find_markup_problems(markup)
    assert word in problem


@pytest.mark.parametrize("markup", ["", "<p>on</p>", "<a href=#x on>", "<p>a < b <!-- <script> --></p>", "<style>"])
def test_what_works_is_not_reported(markup: str) -> None:
    """Text and comments are not elements."""
    assert find_markup_problems(markup) == []


@given(TEXTS)
@example("<![x[")
@example("<![ ")
def test_any_markup_can_be_checked(markup: str) -> None:
    """Without an error, and with a few problems at most."""
    assert len(find_markup_problems(markup)) <= 5


@pytest.mark.parametrize("piece", ["<a ", "<a x='", '<a x="', "<!--", "<a b='c' d", "</", "<a x=", "<![", "<a x"])
@pytest.mark.timeout(60)
def test_hostile_markup_is_read_in_linear_time(piece: str) -> None:
    """A model may write anything."""
    assert grows_linearly(find_markup_problems, piece.__mul__, 100_000 // len(piece))
