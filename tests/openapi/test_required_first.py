"""Required parameters and fields come first in an operation's docs, even with a small budget."""

import json
import re
from typing import Any

import pytest

from shared.openapi import parse, write_tool_docs
from tests.openapi.documents import NAMES, back_office, code_hosting, read_text

BUDGET = 60_000


def operation_docs(text: str, operation: str) -> str:
    """Returns the lines of the docs about one operation."""
    start = text.index(f"({operation})")
    end = re.compile(r"\n(?:### )?(?:GET|PUT|POST|DELETE|PATCH) /").search(text, start)
    return text[start : end.start() if end else None]


@pytest.mark.parametrize("count", [20, 100, 200, 350])
def test_every_operation_shows_its_required_parts(count: int) -> None:
    """Each operation shows its required parts with types, including nested ones, before optional ones."""
    text = write_tool_docs(parse(back_office(count)), BUDGET)
    assert len(text) <= BUDGET
    for number in range(count):
        docs = operation_docs(text, f"createThing{number}")
        for part in ("X-Tenant", "amount*: integer", "ship_to*: Address {city*: string"):
            assert part in docs
        if "option_0" in docs:
            assert docs.index("amount*") < docs.index("option_0")
        if "dry_run" in docs:
            assert docs.index("X-Tenant") < docs.index("dry_run")


def test_the_budget_is_used_for_required_parts() -> None:
    """If the budget does not suffice for all required parts, as many operations as possible show theirs.

    Every operation has a line, and the head explains the notation.
    """
    count = 650
    text = write_tool_docs(parse(back_office(count)), BUDGET)
    assert len(text) <= BUDGET
    assert all(f"/things-{number} (createThing{number})" in text for number in range(count))
    shown = text.count("ship_to*: Address {city*: string")
    assert shown == text.count("X-Tenant (header): string") == text.count("amount*: integer") > 100
    assert len(text) > BUDGET - 300
    assert "Base URL: https://office.test/v9" in text
    assert "required" in text.split("\nPOST", 1)[0]


@pytest.mark.parametrize("name", ["back office", "code hosting", *NAMES])
def test_a_larger_budget_never_shortens_the_docs(name: str) -> None:
    """A larger budget never makes the docs shorter, and the docs never exceed the budget."""
    generated = {"back office": lambda: back_office(60), "code hosting": lambda: code_hosting(80)}
    document = parse(generated[name]() if name in generated else read_text(name))
    sizes = [(budget, len(write_tool_docs(document, budget))) for budget in range(200, 40_000, 777)]
    min_size = len(write_tool_docs(document, 0))
    assert [size for _, size in sizes] == sorted(size for _, size in sizes)
    assert all(size <= max(budget, min_size) for budget, size in sizes)


def document_of(schema: Any, **more: Any) -> str:
    """Returns a document with one operation that has this body."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    operation = {"operationId": "op", "requestBody": body, **more}
    return json.dumps({"openapi": "3.1.0", "info": {"title": "One"}, "paths": {"/a": {"post": operation}}})


def optional_fields(count: int) -> dict[str, Any]:
    return {f"noise_{number}": {"type": "string", "description": "n" * 100} for number in range(count)}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {**optional_fields(300), "a": {"type": "integer"}}, "required": ["a"]}, ["a*: integer"]),
        (
            {
                "allOf": [
                    {"properties": optional_fields(300)},
                    {"properties": {"a": {"type": "integer"}}},
                    {"required": ["a"]},
                ]
            },
            ["a*: integer"],
        ),
        ({"type": "array", "items": {"properties": {**optional_fields(300), "a": {}}, "required": ["a"]}}, ["a*: any"]),
        (
            {
                "oneOf": [
                    {"properties": {**optional_fields(9), key: {"type": "null"}}, "required": [key]} for key in "abc"
                ]
            },
            ["a*: null", "b*: null", "c*: null"],
        ),
        ({"properties": optional_fields(300), "required": ["undeclared"]}, ["undeclared*: any"]),
        (
            {
                "properties": {**optional_fields(50), **{f"r{n}": {"type": "string"} for n in range(40)}},
                "required": [f"r{n}" for n in range(40)],
            },
            [f"r{n}*: string" for n in range(40)],
        ),
        (
            {
                "properties": {
                    **optional_fields(300),
                    "a": {
                        "type": "object",
                        "properties": {
                            **optional_fields(300),
                            "b": {"items": {"properties": {"c": {"type": "number"}}, "required": ["c"]}},
                        },
                        "required": ["b"],
                    },
                },
                "required": ["a"],
            },
            ["a*: {b*: [{c*: number"],
        ),
        ({"properties": optional_fields(300)}, ["noise_0: "]),
    ],
)
@pytest.mark.parametrize("budget", [700, 1500, 3000, BUDGET])
def test_required_fields_are_always_shown(schema: Any, expected: list[str], budget: int) -> None:
    """Required fields are shown among hundreds of optional ones, even in `allOf`, lists, alternatives and objects."""
    text = write_tool_docs(parse(document_of(schema)), budget)
    min_budget = sum(len(part) for part in expected) + 450
    for part in expected if budget >= min_budget else ():
        assert part in text


def test_a_required_parameter_is_never_cut_off() -> None:
    """A required parameter is shown even if it follows more optional ones than are shown."""
    parameters = [{"name": f"p{number}", "in": "query", "schema": {"type": "string"}} for number in range(150)]
    last = {"name": "last", "in": "query", "required": True, "schema": {"type": "integer"}}
    shared = {"parameters": [*parameters[:90], last]}
    for budget in (600, 3000, BUDGET):
        text = write_tool_docs(parse(document_of({}, **shared)), budget)
        assert "last" in text
        assert "integer" in text


def test_a_recursive_required_field_is_cut_off() -> None:
    """A recursive required field is cut off at its type's name."""
    node = {
        "type": "object",
        "required": ["next"],
        "properties": {**optional_fields(50), "next": {"$ref": "#/components/schemas/Node"}},
    }
    tree = json.loads(document_of({"$ref": "#/components/schemas/Node"}))
    tree["components"] = {"schemas": {"Node": node}}
    assert "next*: Node" in write_tool_docs(parse(json.dumps(tree)), 600)
