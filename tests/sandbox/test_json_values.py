"""The checks of JSON values that are returned by a run or passed to a call."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sandbox.inside.json_values import InvalidJson, encode_json, refuse_long
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
def test_json_is_unchanged_by_a_round_trip(value: Any) -> None:
    """Any JSON value, even a large integer, is the same after it was encoded and parsed."""
    assert parse_json(encode_json(value, MAX, "value"), "value") == value


def test_tuples_become_lists_and_keys_become_strings() -> None:
    """Values are converted as by Python's `json`."""
    assert parse_json(encode_json({1: (1, 2), None: True}, MAX, "value"), "value") == {"1": [1, 2], "null": True}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x", object(), {(1,): 2}, len])
def test_values_that_are_not_json_are_refused(value: Any) -> None:
    """The error names the value and gives a reason."""
    with pytest.raises(InvalidJson, match=r"^The result is not JSON: .+\.$"):
        encode_json(value, MAX, "result")


def test_a_cycle_is_refused() -> None:
    """A value that contains itself is refused."""
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(InvalidJson, match="nested too deeply"):
        encode_json(cycle, MAX, "result")


def test_deeply_nested_values_are_refused() -> None:
    """Both the encoder and the parser refuse values that are nested too deeply."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidJson, match="nested too deeply"):
        encode_json(deep, MAX, "result")
    with pytest.raises(InvalidJson):
        parse_json("[" * 100_000, "result")


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "", "{", "[1,]", "nul", '"\\ud800"'])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    """The parser is strict: it refuses everything that the JSON standard does not allow."""
    with pytest.raises(InvalidJson, match=r"^The answer is not JSON: "):
        parse_json(text, "answer")


def test_length_is_in_bytes() -> None:
    """The length limit is in bytes, and the error has the actual and the maximum length."""
    refuse_long("éé", 4, "result")
    with pytest.raises(InvalidJson, match=r"^The result is 4 bytes long as JSON; the limit is 3\.$"):
        refuse_long("éé", 3, "result")


def test_long_values_are_refused_before_they_are_encoded() -> None:
    """A list with many references to one long string needs little memory, but encoding it would need much more."""
    value = ["y" * 1_000_000] * 100
    tracemalloc.start()
    try:
        with pytest.raises(InvalidJson):
            encode_json(value, MAX, "messages")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_long_number_stays_exact() -> None:
    """Integers with up to 4,300 digits, Python's own limit, are parsed exactly."""
    assert parse_json(json.dumps(10**400), "result") == 10**400
