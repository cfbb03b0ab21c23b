"""Tests shortening strings."""

from hypothesis import given
from hypothesis import strategies as st

from shared.text import shorten


@given(st.text(), st.integers(1, 50))
def test_a_long_string_is_cut_to_the_limit(text: str, limit: int) -> None:
    """A string within the limit is unchanged. A longer one is cut and ends in "…", which counts towards the limit."""
    shortened = shorten(text, limit)
    if len(text) <= limit:
        assert shortened == text
    else:
        assert shortened == text[: limit - 1] + "…"
        assert len(shortened) == limit
