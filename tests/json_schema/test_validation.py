"""Validation by agents' schemas in both forms, and limits for hostile schemas."""

import http.server
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import ValidationError, validator_for

from shared.json_schema.cost import NotASchema, resolve
from shared.json_schema.validation import check_schema, find_problems, to_parameter_specs, to_valid_schema
from shared.models.errors import BadRequest


def locate_problems(schema: Any, value: Any) -> list[tuple[tuple[str | int, ...], str]]:
    return [(problem.loc, problem.type) for problem in find_problems(schema, value)]


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"inputText": "string"}, {"inputText": "x", "more": 1}, []),
        ({"inputText": "string"}, {}, [((), "required")]),
        ({"inputText": "str"}, {"inputText": 5}, [(("inputText",), "type")]),
        ({"n": "Integer"}, {"n": 1.5}, [(("n",), "type")]),
        ({"n": "float"}, {"n": 1}, []),
        ({"b": "bool"}, {"b": 1}, [(("b",), "type")]),
        ({"d": "dict", "l": "list"}, {"d": {}, "l": [1, "x"]}, []),
        ({"l": ["int"]}, {"l": [1, "x"]}, [(("l", 1), "type")]),
        ({"a": "any", "city": "the name of a city"}, {"a": None, "city": 7}, []),
        ({"type": "string", "name": "string"}, {"type": "x", "name": 1}, [(("name",), "type")]),
        ({"type": "object", "id": "string"}, {"type": {}, "id": 1}, [(("id",), "type")]),
        ({"properties": {"a": "string"}}, {"properties": {"a": 1}}, [(("properties", "a"), "type")]),
        ({"properties": "list"}, {"properties": {}}, [(("properties",), "type")]),
        ({"n": {"type": "integer", "minimum": 3}}, {"n": 2}, [(("n",), "minimum")]),
        ({"who": {"type": "string", "name": "string"}}, {"who": {"type": "x"}}, [(("who",), "required")]),
        ({"kind": {"enum": ["a", "b"]}}, {"kind": "c"}, [(("kind",), "enum")]),
        ({"type": "object", "properties": {"n": {"type": "integer"}}}, {"n": "x"}, [(("n",), "type")]),
        ({"type": "object"}, {}, []),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, [((), "anyOf")]),
        ({"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}, 1, [((), "type")]),
        ({"properties": {"mail": {"format": "email"}}}, {"mail": "none"}, []),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3, "exclusiveMaximum": True},
            3,
            [((), "exclusiveMaximum")],
        ),
    ],
)
def test_values_are_validated_by_both_forms(schema: Any, value: Any, expected: list[Any]) -> None:
    """JSON Schema and the short form are supported. Short-form fields are required, even if named like keywords."""
    check_schema(schema)
    assert locate_problems(schema, value) == expected


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"a": 5}, "at /a, "),
        ({"a": {"b": [1, 2]}}, "at /a/b, "),
        ({"type": "object", "properties": {"a": {"type": "nothing"}}}, "at /properties/a/type, use string"),
        ({"type": "object", "required": "a"}, "at /required, "),
        ({"type": "object", "properties": {"a": {"pattern": "("}}}, "regex"),
        ({"type": "object", "properties": {"a": {"pattern": "(?=a)"}}}, "look-around"),
        ({"$ref": "#"}, "endlessly"),
        ({"type": "object", "anyOf": [{"$ref": "#"}]}, "endlessly"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "endlessly"),
        ({"$ref": "#/$defs/x"}, "has no target"),
        ({"$ref": "x"}, "another document"),
        ({"$ref": "file:///etc/passwd"}, "another document"),
        ({"$schema": "http://example.com/mine"}, "$schema"),
        ({"type": "object", "properties": {"a": {"$id": "http://example.com/"}}}, "an id of its own"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "$dynamicRef": "#x"}, "not supported"),
        ({"type": "object", "description": "x" * 100_000}, "bytes"),
        ({"type": "object", "properties": {f"p{n}": {"pattern": "a"} for n in range(201)}}, "regular expressions"),
    ],
)
def test_an_invalid_schema_is_refused(schema: Any, message: str) -> None:
    """An invalid schema raises `BadRequest` with the position, both when it is checked and when it is used."""
    with pytest.raises(BadRequest, match=r"^inputSchema cannot be used: ") as caught:
        check_schema(schema, "inputSchema")
    assert message in caught.value.message
    assert len(caught.value.message) < 600
    with pytest.raises(BadRequest):
        find_problems(schema, {})


def test_references_are_never_fetched() -> None:
    """Neither references nor dialects are fetched: the server at their address receives no request."""
    requested_paths: list[str] = []

    class RecordingHandler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested_paths.append(self.path)
            self.send_error(404)

    with http.server.HTTPServer(("127.0.0.1", 0), RecordingHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/s.json"
        hostile: list[Any] = [
            {"$ref": url},
            {"$schema": url},
            {"$id": url, "$ref": "other.json"},
            {"$id": url, "$ref": f"{url}#/x"},
            {"type": "object", "properties": {"a": {"items": {"$ref": url}}}},
            {"type": "object", "$defs": {"a": {"$ref": url}}},
            {"a": {"$ref": url}},
        ]
        for schema in hostile:
            with pytest.raises(BadRequest):
                check_schema(schema)
        server.shutdown()
    assert requested_paths == []


def doubling_schema(levels: int) -> dict[str, Any]:
    """Returns a schema with a definition per level. Each definition refers to the one below it twice."""
    below = [{"anyOf": [{"$ref": f"#/$defs/a{n}"}, {"$ref": f"#/$defs/a{n}"}]} for n in range(levels)]
    definitions = {f"a{n + 1}": each for n, each in enumerate(below)}
    return {"$ref": f"#/$defs/a{levels}", "$defs": {"a0": {"type": "string"}, **definitions}}


@pytest.mark.timeout(30)
def test_a_schema_that_would_take_forever_is_refused() -> None:
    """A schema of two kilobytes that requires 2^40 evaluations is refused."""
    with pytest.raises(BadRequest, match="expands to more"):
        check_schema(doubling_schema(40))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (doubling_schema(13), 1),
        ({"anyOf": [{"items": {"type": "string"}}] * 1000}, [1] * 1000),
        ({"items": {"type": "integer"}}, ["x"] * 200_000),
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 100_000 + "b"}),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [{"n": n} for n in range(20_000)]}),
    ],
)
@pytest.mark.timeout(30)
def test_the_description_of_problems_is_bounded(schema: Any, value: Any) -> None:
    """If a description of all problems would take seconds, only one is described. Patterns do not backtrack."""
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    assert len(find_problems(schema, value)) <= 20


@pytest.mark.parametrize("keyword", ["anyOf", "allOf", "oneOf"])
@pytest.mark.timeout(30)
def test_a_recursive_schema_that_branches_ends(keyword: str) -> None:
    """A schema that refers to itself twice at each of ninety levels ends with one problem."""
    schema: Any = {"type": "object", "properties": {"a": {keyword: [{"$ref": "#"}, {"$ref": "#"}]}}}
    value: Any = 1
    for _ in range(90):
        value = {"a": value}
    assert locate_problems(schema, value) == [((), "schema")]


def test_depth_is_bounded() -> None:
    """Schemas, references and values that are nested too deeply cause an error message and no stack overflow."""
    deep: Any = {"type": "string"}
    for _ in range(150):
        deep = {"type": "object", "properties": {"a": deep}}
    chain: Any = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(1000)}
    chained: Any = {"$ref": "#/$defs/a0", "$defs": {**chain, "a1000": {}}}
    for schema in (deep, chained):
        with pytest.raises(BadRequest, match="levels deep"):
            check_schema(schema)
    value: Any = 1
    for _ in range(5000):
        value = [value]
    assert locate_problems({"type": "object", "properties": {}}, value) == [((), "depth")]


def test_long_lists_of_problems_are_cut() -> None:
    """At most twenty problems are reported, each with at most 300 characters."""
    value: Any = {"l": ["x" * 1000] * 50}
    problems = find_problems({"l": ["integer"]}, value)
    assert len(problems) == 20
    assert all(len(problem.message) <= 300 for problem in problems)


def test_parameters_are_the_fields_except_the_input_text() -> None:
    """In both forms, every field except `inputText` becomes a parameter. References are resolved."""
    assert to_parameter_specs(None) == {}
    short = to_parameter_specs({"inputText": "string", "n": "int", "x": "number", "subject": "what the text is about"})
    assert {name: spec.type for name, spec in short.items()} == {"n": "integer", "x": "float", "subject": "string"}
    assert short["subject"].description == "what the text is about"
    schema: Any = {
        "type": "object",
        "properties": {
            "inputText": {"type": "string"},
            "tone": {"$ref": "#/$defs/tone"},
            "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 9, "default": 3},
        },
        "$defs": {"tone": {"enum": ["dry", "warm"], "description": "How it sounds"}},
    }
    tone, number = to_parameter_specs(schema).values()
    assert (tone.type, tone.choices, tone.description) == ("choice", ["dry", "warm"], "How it sounds")
    assert (number.type, number.min, number.max, number.default) == ("integer", 1, 9, 3)


names = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "anyOf",
        "allOf",
        "not",
        "$ref",
        "$defs",
        "required",
        "enum",
        "pattern",
        "a",
        "b",
        "if",
        "then",
        "additionalProperties",
        "patternProperties",
        "minimum",
        "$id",
        "$schema",
        "$anchor",
        "const",
    ]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.sampled_from(
    ["string", "object", "integer", "#", "#/$defs/a", "#/properties/a", "#a", "any", "(", "ü😀", ""]
)
anything = st.recursive(
    leaves | texts | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)
schemas = st.dictionaries(names, anything, max_size=5)


@given(schemas, anything)
def test_any_object_is_accepted_or_refused_as_a_schema(schema: Any, value: Any) -> None:
    """For any schema, both functions raise `BadRequest`, or neither does. No other error occurs."""
    try:
        check_schema(schema)
    except BadRequest:
        with pytest.raises(BadRequest):
            find_problems(schema, value)
    else:
        assert len(find_problems(schema, value)) <= 20
    to_parameter_specs(schema)


@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["string", "integer", "boolean", "list"]), min_size=1))
def test_the_short_form_accepts_complete_objects(schema: Any) -> None:
    """An object with all fields is valid, and an object that lacks a field is not."""
    examples: dict[str, Any] = {"string": "x", "integer": 1, "boolean": True, "list": []}
    value = {name: examples[kind] for name, kind in schema.items()}
    assert locate_problems(schema, value) == []
    assert to_valid_schema(to_valid_schema(schema)) == to_valid_schema(schema)
    value.popitem()
    assert locate_problems(schema, value) == [((), "required")]


def test_an_escaped_slash_hides_no_work() -> None:
    """The work is measured for the schemas that the validator follows a reference to."""
    levels = 30
    hidden: dict[str, Any] = {f"l{i}": {"allOf": [{"$ref": f"#/$defs/x%2Fl{i + 1}"}] * 2} for i in range(levels)}
    hidden[f"l{levels}"] = {"not": {"type": "integer"}}
    decoys = {f"x/l{i}": {} for i in range(levels + 1)}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"q": {"$ref": "#/$defs/x%2Fl0"}},
        "$defs": {"x": hidden, **decoys},
    }
    with pytest.raises(BadRequest):
        check_schema(schema)


KEYS = ["a", "b", "a/b", "a~b", "~1", "%2F", "a%2Fb", "0", "ü", ""]
_LEAVES = st.sampled_from([{"const": number} for number in range(6)])
DEFINITIONS = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(_LEAVES, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=4)),
    max_size=3,
).map(lambda definitions: {**definitions, "a": {"b": {"const": 0}}, "a/b": {"const": 1}})
"""Definitions that always have a key with a slash, and the same path without one."""
ENCODINGS: list[Callable[[str], str]] = [
    lambda key: key,
    lambda key: key.replace("~", "~0").replace("/", "~1"),
    lambda key: quote(key.replace("~", "~0").replace("/", "~1"), safe=""),
    lambda key: quote(key, safe=""),
]


@given(DEFINITIONS, st.data())
def test_a_reference_leads_where_the_validator_follows_it(definitions: dict[str, Any], data: st.DataObject) -> None:
    """However a pointer to a definition is escaped, our target is the validator's, unless we refuse the reference."""
    parts: list[str] = []
    node = definitions
    while "const" not in node:
        key = data.draw(st.sampled_from(sorted(node)))
        parts.append(data.draw(st.sampled_from(ENCODINGS))(key))
        node = node[key]
    reference = "#/$defs/" + "/".join(parts)
    root: dict[str, Any] = {"$ref": reference, "$defs": definitions}
    try:
        validator = validator_for(root)
    except (ValidationError, ValueError):
        return
    try:
        target = resolve(root, {}, reference)
    except NotASchema:
        return
    if isinstance(target, dict) and set(target) == {"const"}:
        assert [number for number in range(6) if validator.is_valid(number)] == [target["const"]]
