"""`read_texts` converts the strings of a form to the types in an agent's schema, and changes nothing else."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.json_schema.form_values import read_texts
from shared.json_schema.validation import find_problems as problems_of
from shared.json_schema.validation import to_valid_schema
from shared.models.wire import JsonObject


def read(schema: Any, value: Any) -> Any:
    return read_texts(to_valid_schema(schema), value)


def problems(schema: Any, value: Any) -> Any:
    return problems_of(schema, value)


def object_with(type_: Any, **more: Any) -> JsonObject:
    """Returns the schema of an object whose only property, `x`, is optional and has this type."""
    return {"type": "object", "properties": {"x": {"type": type_, **more}}}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "3", 3),
        ({"anyOf": [{"type": "integer"}, {"const": "auto"}]}, "5", 5),
        ({"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["auto", "7"]}]}, "5", 5),
        ({"oneOf": [{"type": "boolean"}, {"enum": ["auto", None]}]}, " true", True),
        ({"enum": ["a", 1, None]}, "1", 1),
        ({"enum": ["a", 1, None]}, "null", None),
        ({"type": ["string", "integer"], "enum": ["1", 2]}, "2", 2),
        ({"type": "integer"}, " +07 ", 7),
        ({"type": "integer"}, "-3", -3),
        ({"type": "integer"}, "3.0", 3),
        ({"type": "integer"}, "1e3", 1000),
        ({"type": "number"}, "3", 3),
        ({"type": "number"}, "3.5", 3.5),
        ({"type": "number"}, "-1.5e-3", -0.0015),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "False", False),
        ({"type": ["integer", "null"]}, "null", None),
        ({"type": ["integer", "null"]}, "4", 4),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "4", 4),
        ({"oneOf": [{"type": "boolean"}, {"type": "integer"}]}, "4", 4),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, "4", 4),
        ({"$ref": "#/$defs/n"}, "4", 4),
        ({"enum": [1, 2, 3]}, "2", 2),
        ({"const": 7}, "7", 7),
        ({"enum": [True, None]}, "true", True),
        ({"type": "array"}, "a,b", ["a", "b"]),
        ({"type": "array"}, "one", ["one"]),
        ({"type": "array"}, '["a", 1]', ["a", 1]),
        ({"type": "array", "items": {"type": "integer"}}, "1, 2,", [1, 2]),
        ({"type": "array", "items": {"type": "integer"}}, '["1", 2]', [1, 2]),
        ({"type": "array", "items": {"type": "boolean"}}, "true,false", [True, False]),
        ({"type": ["array", "null"], "items": {"type": "string"}}, "1,2", ["1", "2"]),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, "1,2", [1, "2"]),
        ({"type": "object"}, '{"a": "1"}', {"a": "1"}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, '{"a": "1"}', {"a": 1}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, '{"a": "1"}', {"a": 1}),
        ({"type": "array", "items": object_with("number")}, '[{"x": "1.5"}]', [{"x": 1.5}]),
    ],
)
def test_an_unambiguous_string_is_converted(schema: JsonObject, text: str, value: Any) -> None:
    """An unambiguous string is converted in properties, nested objects and lists. The result is valid."""
    definitions = {"$defs": {"n": {"type": "integer"}}}
    inner = {"type": "object", "properties": {"y": schema, "ys": {"type": "array", "items": schema}}}
    whole = {"type": "object", "properties": {"x": schema, "inner": inner}, **definitions}
    result = read(whole, {"x": text, "inner": {"y": text, "ys": [text]}})
    assert result == {"x": value, "inner": {"y": value, "ys": [value]}}
    assert [type(result["x"]), type(result["inner"]["y"])] == [type(value)] * 2
    assert not problems(whole, result)


def test_the_short_form_of_a_schema_is_supported() -> None:
    """Strings are converted by a schema in the short form, including typed lists and nested fields."""
    schema = {
        "days": "integer",
        "flag": "bool",
        "tags": "list",
        "sizes": ["number"],
        "at": {"x": "float"},
        "q": "string",
    }
    value = {"days": "3", "flag": "true", "tags": "a,b", "sizes": "1,2.5", "at": {"x": "1"}, "q": "5"}
    expected = {"days": 3, "flag": True, "tags": ["a", "b"], "sizes": [1, 2.5], "at": {"x": 1}, "q": "5"}
    assert read(schema, value) == expected
    assert not problems(schema, expected)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "3"),
        ({"type": ["string", "integer"]}, "3"),
        ({}, "3"),
        (True, "3"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "3"),
        ({"enum": ["1", 1]}, "1"),
        ({"description": "anything"}, "true"),
        ({"type": "integer"}, "three"),
        ({"type": "integer"}, "3 days"),
        ({"type": "integer"}, "3.5"),
        ({"type": "integer"}, "1_000"),
        ({"type": "integer"}, "1,000"),
        ({"type": "integer"}, "٣"),
        ({"type": "integer"}, "0x10"),
        ({"type": "integer"}, "true"),
        ({"type": "integer"}, "9" * 5000),
        ({"type": "number"}, "1e999"),
        ({"type": "number"}, "NaN"),
        ({"type": "number"}, "Infinity"),
        ({"type": "number"}, "1,5"),
        ({"type": "boolean"}, "1"),
        ({"type": "boolean"}, "yes"),
        ({"type": "boolean"}, "on"),
        ({"enum": [1, 2]}, "3"),
        ({"type": "array"}, "[1, 2"),
        ({"type": "array"}, "[NaN]"),
        ({"type": "array"}, "[" * 3000 + "]" * 3000),
        ({"type": "array"}, '["\\ud800"]'),
        ({"type": "array", "items": {"type": "object"}}, "a,b"),
        ({"type": ["array", "object"]}, "a,b"),
        ({"type": "object"}, "a=b"),
        ({"type": "null"}, "none"),
        ({"type": "integer"}, 3.5),
        ({"type": "boolean"}, 1),
        ({"type": "integer"}, None),
        ({"type": "integer"}, ["3"]),
    ],
)
def test_an_ambiguous_or_invalid_string_does_not_change(schema: Any, value: Any) -> None:
    """A value does not change if strings are allowed, if it is not a string, or if it does not fit the type."""
    given_ = {"x": value}
    assert read({"type": "object", "properties": {"x": schema}}, given_) is given_


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_optional_field_is_dropped(empty: str) -> None:
    """An empty optional field is dropped, a required one becomes null if possible, and allowed strings stay."""
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "list": {"type": "array"},
            "maybe": {"type": ["integer", "null"]},
            "text": {"type": "string"},
            "required_nullable": {"type": ["integer", "null"]},
            "required_integer": {"type": "integer"},
        },
        "required": ["required_nullable", "required_integer"],
    }
    value = dict.fromkeys(("n", "list", "maybe", "text", "required_nullable", "required_integer", "other"), empty)
    assert read(schema, value) == {"text": empty, "required_nullable": None, "required_integer": empty, "other": empty}


def test_kinds_of_objects_are_distinguished() -> None:
    """Objects of a discriminated union are converted by the schema of their kind."""
    kinds = [
        {"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind"]},
        {"type": "object", "properties": {"kind": {"const": "b"}, "n": {"type": "string"}}, "required": ["kind"]},
    ]
    schema = {"type": "object", "properties": {"x": {"oneOf": kinds}}}
    assert read(schema, {"x": {"kind": "a", "n": "1"}}) == {"x": {"kind": "a", "n": 1}}
    assert read(schema, {"x": {"kind": "b", "n": "1"}}) == {"x": {"kind": "b", "n": "1"}}


def test_keywords_next_to_a_reference_depend_on_the_draft() -> None:
    """Keywords next to `$ref` are ignored in older drafts and apply in newer ones."""
    schema: JsonObject = {
        "definitions": {"s": {"type": ["string", "integer"]}},
        "type": "object",
        "properties": {"x": {"$ref": "#/definitions/s", "type": "integer"}},
    }
    assert read(schema, {"x": "1"}) == {"x": 1}
    older = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
    assert read(older, {"x": "1"}) == {"x": "1"}
    assert not problems(older, {"x": "1"})


def test_the_original_value_does_not_change() -> None:
    """The result is a new object."""
    value: JsonObject = {"x": {"y": ["1"]}}
    inner = {"type": "object", "properties": {"y": {"type": "array", "items": {"type": "integer"}}}}
    assert read({"type": "object", "properties": {"x": inner}}, value) == {"x": {"y": [1]}}
    assert value == {"x": {"y": ["1"]}}


def many(count: int, schema: Any) -> JsonObject:
    return {f"x{number}": schema for number in range(count)}


TWO: JsonObject = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"allOf": [TWO] * 40, "type": "object"}, {"x": "1"}, id="alternatives that multiply"),
        pytest.param(
            {"allOf": [{"properties": many(3, TWO)}] * 300}, many(3, {"a": "1"}), id="many schemas for one value"
        ),
        pytest.param(
            {"properties": {"x": {"type": "array", "items": {"allOf": [{"type": "integer"}] * 2000}}}},
            {"x": ["1"] * 20_000},
            id="many schemas for many values",
        ),
        pytest.param(
            {"properties": {"x": {"type": "array", "items": {"enum": list(range(15_000))}}}},
            {"x": ["14999"] * 20_000},
            id="many values to compare with",
        ),
        pytest.param(
            {"properties": {"x": {"type": "array", "items": {"type": "integer"}}}},
            {"x": ",".join(["1"] * 500_000)},
            id="a long list",
        ),
        pytest.param(
            {"$defs": {"t": {"properties": {"x": {"$ref": "#/$defs/t"}}, "type": "object"}}, "$ref": "#/$defs/t"},
            {"x": '{"x": ' * 90 + "1" + "}" * 90},
            id="a recursive schema",
        ),
        pytest.param({"type": "object"}, {"x": json.loads("[" * 400 + "]" * 400)}, id="a deep value"),
    ],
)
def test_hostile_schemas_and_values_take_bounded_time(schema: Any, value: Any) -> None:
    """A value does not change if the conversion would take too long."""
    started = time.process_time()
    read(schema, value)
    assert time.process_time() - started < 5


SCALARS = st.sampled_from(["string", "integer", "number", "boolean", "null"])
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"type": SCALARS | st.lists(SCALARS, min_size=1, max_size=3, unique=True)}),
        st.just({}),
        st.fixed_dictionaries(
            {"enum": st.lists(st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("1ab"))}
        ),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3)},
            optional={"required": st.lists(st.sampled_from("abc"), unique=True), "additionalProperties": inner},
        ),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner, "then": inner, "else": inner}),
    ),
    max_leaves=6,
)
STRINGS = st.sampled_from(["", " ", "1", "1.5", "true", "null", "a", "a,b", "1,2", "[1]", '["1"]', '{"a": "1"}', "x y"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    STRINGS | st.integers(0, 3) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)


@given(schema=SCHEMAS, value=st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4))
def test_a_valid_value_never_changes(schema: JsonObject, value: JsonObject) -> None:
    """For any schema, a valid value does not change, and a second conversion has no effect."""
    schema = {**schema, "$comment": "JSON Schema", "$id": "x:y"}
    result = read(schema, value)
    if not problems(schema, value):
        assert result == value
    assert json.dumps(read(schema, result)) == json.dumps(result)


@given(data=st.data())
def test_the_form_of_a_valid_value_is_converted_back(data: st.DataObject) -> None:
    """Numbers, booleans, lists and objects that a form sends as strings are converted back."""
    kinds: dict[str, tuple[JsonObject, st.SearchStrategy[Any]]] = {
        "integer": ({"type": "integer"}, st.integers()),
        "number": ({"type": ["number", "null"]}, st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        "flag": ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, st.booleans()),
        "list": ({"type": "array", "items": {"type": "integer"}}, st.lists(st.integers(), min_size=1)),
        "object": ({"type": "object"}, st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers())),
    }
    schema: JsonObject = {"type": "object", "properties": {name: kind for name, (kind, _) in kinds.items()}}
    value: dict[str, Any] = data.draw(st.fixed_dictionaries({name: strategy for name, (_, strategy) in kinds.items()}))
    result = read(schema, {name: json.dumps(each) for name, each in value.items()})
    assert result == value
    assert not problems(schema, result)
    assert read(schema, {"list": ",".join(map(str, value["list"]))}) == {"list": value["list"]}
