"""Shortened text."""

from hypothesis import given
from hypothesis import strategies as st

from shared.text import shorten


@given(st.text(), st.integers(1, 50))
def test_text_is_cut_to_the_limit_and_marked(text: str, limit: int) -> None:
    """Text that fits is unchanged; longer text ends in "…", which counts towards the limit."""
    shortened = shorten(text, limit)
    if len(text) <= limit:
        assert shortened == text
    else:
        assert shortened == text[: limit - 1] + "…"
        assert len(shortened) == limit
