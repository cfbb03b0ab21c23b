"""The upper bound of tokens, compared with measurements of tokenizers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.token_bound import count_tokens_at_most

MEASURED = [
    # The highest number of tokens that any of nine tokenizers produces: see docs/decisions/0031.
    ("a1b2c3d4" * 100, 800),
    ("\x01\x02\x03" * 100, 300),
    ("\ufdfa" * 1000, 15_000),
    ("\u3300" * 100, 373),
    ("\U00012000" * 100, 400),
]


@pytest.mark.parametrize(("text", "tokens"), MEASURED)
def test_no_tokenizer_exceeds_the_bound(text: str, tokens: int) -> None:
    """The bound holds even if a tokenizer normalizes the text first, which can make it longer."""
    assert count_tokens_at_most(text) >= tokens


@given(st.text())
def test_the_bound_is_never_below_the_bytes(text: str) -> None:
    """The bound is at least the number of bytes, because a tokenizer without merges produces a token for each byte."""
    assert count_tokens_at_most(text) >= len(text.encode("utf-8", "surrogatepass"))


def test_a_lone_surrogate_is_counted() -> None:
    """A lone surrogate in a caller's text is counted as three tokens."""
    assert count_tokens_at_most("\ud83d") == 3
