"""The bound on tokens, against what tokenizers were measured to make of texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.token_bound import count_tokens_at_most

MEASURED = [
    # The most tokens that any of nine tokenizers made of the text: see docs/decisions/0031.
    ("a1b2c3d4" * 100, 800),
    ("\x01\x02\x03" * 100, 300),
    ("\ufdfa" * 1000, 15_000),
    ("\u3300" * 100, 373),
    ("\U00012000" * 100, 400),
]


@pytest.mark.parametrize(("text", "tokens"), MEASURED)
def test_no_tokenizer_makes_more(text: str, tokens: int) -> None:
    """Also where a tokenizer normalizes the text first, which can make it longer."""
    assert count_tokens_at_most(text) >= tokens


@given(st.text())
def test_the_bound_is_never_below_the_bytes(text: str) -> None:
    """A tokenizer that knows no merges makes a token of each byte."""
    assert count_tokens_at_most(text) >= len(text.encode("utf-8", "surrogatepass"))


def test_half_a_surrogate_pair_is_counted() -> None:
    """No text of a caller breaks the estimate."""
    assert count_tokens_at_most("\ud83d") == 3
