"""Masking, by itself. What it masks is held by the tests of the client logs."""

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
def test_hostile_texts_do_not_hang_it(piece: str) -> None:
    """A body's worth of what regular expressions stumble over, many times: minutes, if it were quadratic."""
    text = piece * (32 * 1024 // len(piece))
    for _ in range(20):
        redact(text)


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    """What is hidden stays hidden, and hides nothing else."""
    once = redact(text)
    assert redact(once) == once


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)))
def test_what_is_no_text_is_left_alone(value: dict[str, bool | int | float | None]) -> None:
    """Numbers under any name: `prompt_tokens` counts."""
    assert list(redact_json(dict(value)).values()) == list(value.values())  # type: ignore[union-attr]
