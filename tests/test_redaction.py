"""Tests general properties of redaction. The tests of client logs check what is masked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction import redact, redact_json

HOSTILE = [
    *("a", "-", "_a", "password", "token-", "bearer ", "sk-", "://", "://a:", "secret = ", "x:", '"', "api_key "),
    *("eyJaaaaaaaaa.", "-----BEGIN RSA PRIVATE KEY-----", "password: token "),
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_strings_are_redacted_in_linear_time(piece: str) -> None:
    """Redaction takes linear time. In quadratic time, long repetitions of these hard cases would take minutes."""
    text = piece * (32 * 1024 // len(piece))
    for _ in range(20):
        redact(text)


@given(st.text())
def test_redacting_twice_changes_nothing(text: str) -> None:
    """Redacting a redacted string again does not change it."""
    once = redact(text)
    assert redact(once) == once


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)))
def test_values_that_are_not_strings_are_unchanged(value: dict[str, bool | int | float | None]) -> None:
    """Numbers are not masked, even if their names look sensitive: `prompt_tokens` is a count."""
    assert list(redact_json(dict(value)).values()) == list(value.values())  # type: ignore[union-attr]
