"""What is JSON, when it leaves a run or goes into a call."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sandbox.inside.json_values import NotJson, json_text, refuse_long
from shared.sandbox.json_values import parse_json

MAX = 5_000_000
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_stays_what_it_is(value: Any) -> None:
    """Any JSON value comes back equal, big integers too."""
    assert parse_json(json_text(value, MAX, "value"), "value") == value


def test_tuples_become_lists_and_keys_texts() -> None:
    """As Python's own `json` does it."""
    assert parse_json(json_text({1: (1, 2), None: True}, MAX, "value"), "value") == {"1": [1, 2], "null": True}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x", object(), {(1,): 2}, len])
def test_what_has_no_json_is_refused_in_words(value: Any) -> None:
    """The sentence names what it is about."""
    with pytest.raises(NotJson, match=r"^The result is not JSON: .+\.$"):
        json_text(value, MAX, "result")


def test_a_cycle_is_refused() -> None:
    """Rather than followed."""
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(NotJson, match="too deep"):
        json_text(cycle, MAX, "result")


def test_what_is_nested_too_deep_is_refused() -> None:
    """Both by what writes JSON and by what reads it."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NotJson, match="nested too deeply"):
        json_text(deep, MAX, "result")
    with pytest.raises(NotJson):
        parse_json("[" * 100_000, "result")


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "", "{", "[1,]", "nul", '"\\ud800"'])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    """By the letter of JSON."""
    with pytest.raises(NotJson, match=r"^The answer is not JSON: "):
        parse_json(text, "answer")


def test_length_is_in_bytes() -> None:
    """The error has both numbers."""
    refuse_long("éé", 4, "result")
    with pytest.raises(NotJson, match=r"^The result is 4 bytes long as JSON; at most 3 are allowed\.$"):
        refuse_long("éé", 3, "result")


def test_what_is_too_long_is_refused_before_it_is_written() -> None:
    """A short list of one long text, many times, is cheap to hand over and would be dear to write."""
    value = ["y" * 1_000_000] * 100
    tracemalloc.start()
    try:
        with pytest.raises(NotJson):
            json_text(value, MAX, "messages")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_long_number_stays_exact() -> None:
    """Up to the digits that Python itself reads."""
    assert parse_json(json.dumps(10**400), "result") == 10**400
