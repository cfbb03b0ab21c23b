"""`inline_references` inlines the references in an answer schema, for providers that require this."""

from typing import Any

import pytest

from shared.llm.catalog import Catalog, InvalidParameters, check_call
from shared.llm.catalog.references import MAX_DEPTH, inline_references
from tests.llm.catalog.environs import EVERYTHING

CATALOG = Catalog.load(EVERYTHING)
TEXT = {"type": "string"}


def make_chain(depth: int, width: int = 4, definitions: str = "$defs") -> dict[str, Any]:
    """Returns a schema with a chain of `depth` object definitions. Each refers to the next one `width` times."""
    names = [f"d{number}" for number in range(depth)]
    inner = [{"$ref": f"#/{definitions}/{name}"} for name in names[1:]] + [TEXT]
    defined = {
        name: {"type": "object", "properties": {f"p{number}": item for number in range(width)}}
        for name, item in zip(names, inner, strict=True)
    }
    return {"type": "object", definitions: defined, "properties": {"a": {"$ref": f"#/{definitions}/d0"}}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object"}, {"type": "object"}),
        (
            {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"items": {"$ref": "#/$defs/y"}}, "y": TEXT}},
            {"properties": {"a": {"items": TEXT}}},
        ),
        ({"$ref": "#/definitions/x", "definitions": {"x": TEXT}}, TEXT),
        (
            {
                "anyOf": [{"$ref": "#/$defs/a~1b", "description": "It."}],
                "$defs": {"a/b": {**TEXT, "description": "A."}},
            },
            {"anyOf": [{**TEXT, "description": "It."}]},
        ),
        ({"properties": {"$defs": TEXT, "definitions": TEXT}}, {"properties": {"$defs": TEXT, "definitions": TEXT}}),
        ({"properties": {"a": TEXT, "b": {"$ref": "#/properties/a"}}}, {"properties": {"a": TEXT, "b": TEXT}}),
    ],
)
def test_a_reference_is_replaced_by_its_target(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    """The target replaces the reference. Fields next to the reference take precedence, and definitions are removed."""
    assert inline_references(schema) == expected


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"properties": {"a": {"$ref": "#/$defs/x"}}}, "must lead to a schema within it"),
        ({"properties": {"a": {"$ref": "other.json#/x"}}}, "must lead to a schema within it"),
        ({"properties": {"a": {"$ref": "#"}}}, "must lead to a schema within it"),
        ({"properties": {"a": {"const": {"$ref": "no reference"}}}}, "must lead to a schema within it"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"items": {"$ref": "#/$defs/x"}}}}, "inside its own target"),
        ({"properties": {"$ref": TEXT}}, "must be a string.*no property can have that name"),
        ({"properties": {"a": {"properties": {"$ref": {"type": "object"}}}}}, "must be a string"),
        ({"properties": {"a": {"$ref": None}}}, "must be a string"),
        ({"properties": {"a": {"$ref": ["#/$defs/x"]}}}, "must be a string"),
        ({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"$ref": 5}}}, "must be a string"),
        (make_chain(200, 1), f"nested more than {MAX_DEPTH} levels deep"),
        (make_chain(8), "more than 262144 bytes together"),
        (make_chain(30), "more than 262144 bytes together"),
        (make_chain(30, definitions="definitions"), "more than 262144 bytes together"),
    ],
)
def test_invalid_references_are_refused(schema: dict[str, Any], message: str) -> None:
    """An invalid reference is refused for providers that require inlined references. Others get it unchanged."""
    response_format = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", **schema}}}
    for provider, model in (("anthropic", "claude-haiku-4-5"), ("bedrock", "us.amazon.nova-pro-v1:0")):
        with pytest.raises(InvalidParameters, match=message):
            check_call(CATALOG.route(provider, model), {"response_format": response_format}, [])
    call = check_call(CATALOG.route("openai", "gpt-4.1"), {"response_format": response_format}, [])
    assert call.parameters["response_format"] == response_format


@pytest.mark.parametrize("properties", [5, [], None, "a", True])
@pytest.mark.parametrize("required", [5, {}, None, "a"])
def test_a_strict_schema_with_invalid_properties_is_refused(properties: Any, required: Any) -> None:
    """A strict schema with invalid `properties` or `required` is refused."""
    schema = {"type": "object", "additionalProperties": False, "properties": properties, "required": required}
    response_format = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
    with pytest.raises(InvalidParameters, match="with strict"):
        check_call(CATALOG.route("openai", "gpt-4.1"), {"response_format": response_format}, [])


def test_a_schema_that_grows_without_limit_is_refused_early() -> None:
    """Definitions that all refer to each other are refused, because they could be expanded in too many orders."""
    names = [f"d{number}" for number in range(20)]
    definitions = {
        name: {"properties": {other: {"$ref": f"#/$defs/{other}"} for other in names if other != name}}
        for name in names
    }
    with pytest.raises(InvalidParameters):
        inline_references({"$ref": "#/$defs/d0", "$defs": definitions})
