"""Tests the text of API keys."""

import re
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.errors import Unauthenticated
from shared.redaction import redact
from shared.services.api_keys.key_text import make_key_text, parse_key_text, prefix_of

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_keys_have_a_pattern_that_scanners_find() -> None:
    """A key is one word of 52 characters, begins with a prefix, contains its id, and no two keys are equal."""
    keys = [make_key_text() for _ in range(100)]
    assert all(re.fullmatch(r"fba_[0-9A-Za-z]{48}", key.text) for key in keys)
    assert all(key.text.startswith(prefix_of(key.id)) for key in keys)
    assert len({key.text for key in keys}) == len({key.id for key in keys}) == len({key.digest for key in keys}) == 100


def test_a_key_can_be_parsed() -> None:
    """A key that was made is recognized, with the same id and digest."""
    key = make_key_text()
    assert parse_key_text(key.text) == key


@given(position=st.integers(4, 51), character=st.sampled_from(ALPHABET))
def test_a_mistyped_key_is_recognized(position: int, character: str) -> None:
    """The checksum tells a key with any wrong character from a key, and the message says so."""
    text = make_key_text().text
    changed = text[:position] + character + text[position + 1 :]
    with nullcontext() if changed == text else pytest.raises(Unauthenticated, match="mistyped"):
        parse_key_text(changed)


@given(st.text() | st.text("fba_" + ALPHABET, min_size=50, max_size=54))
def test_other_text_is_no_key(text: str) -> None:
    """Arbitrary text is never taken for a key, and the message does not repeat it."""
    for each in (text, f"fba_{text}"):
        with pytest.raises(Unauthenticated, match="API key") as raised:
            parse_key_text(each)
        assert len(each) < 10 or each not in raised.value.message


def test_a_key_is_shown_nowhere() -> None:
    """Neither its representation nor redacted text contains a key."""
    key = make_key_text()
    assert key.text not in repr(key)
    assert key.text not in redact(f"with {key.text}, or Authorization: Bearer {key.text}")
    assert key.text[-36:] not in redact(f"x={key.text}")
