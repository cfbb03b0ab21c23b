"""What has to be sent comes before all else that is told of an operation, however little room there is."""

import json
import re
from typing import Any

import pytest

from shared.openapi import parse, write_tool_docs
from tests.openapi.documents import NAMES, back_office, code_hosting, written

BUDGET = 60_000


def of(text: str, operation: str) -> str:
    """What is said of one operation, on one line or on several."""
    start = text.index(f"({operation})")
    end = re.compile(r"\n(?:### )?(?:GET|PUT|POST|DELETE|PATCH) /").search(text, start)
    return text[start : end.start() if end else None]


@pytest.mark.parametrize("count", [20, 100, 200, 350])
def test_every_operation_has_what_must_be_sent(count: int) -> None:
    """With types, and as deep as it is required, before anything that is optional."""
    text = write_tool_docs(parse(back_office(count)), BUDGET)
    assert len(text) <= BUDGET
    for number in range(count):
        told = of(text, f"createThing{number}")
        for part in ("X-Tenant", "amount*: integer", "ship_to*: Address {city*: string"):
            assert part in told
        if "option_0" in told:
            assert told.index("amount*") < told.index("option_0")
        if "dry_run" in told:
            assert told.index("X-Tenant") < told.index("dry_run")


def test_where_it_does_not_fit_for_all_it_is_there_for_as_many_as_fit() -> None:
    """And every line is there; the head says how to read them."""
    count = 650
    text = write_tool_docs(parse(back_office(count)), BUDGET)
    assert len(text) <= BUDGET
    assert all(f"/things-{number} (createThing{number})" in text for number in range(count))
    told = text.count("ship_to*: Address {city*: string")
    assert told == text.count("X-Tenant (header): string") == text.count("amount*: integer") > 100
    assert len(text) > BUDGET - 300
    assert "Base URL: https://office.test/v9" in text
    assert "required" in text.split("\nPOST", 1)[0]


@pytest.mark.parametrize("name", ["back office", "code hosting", *NAMES])
def test_a_larger_budget_never_tells_less(name: str) -> None:
    """Nor more than it is."""
    made = {"back office": lambda: back_office(60), "code hosting": lambda: code_hosting(80)}
    document = parse(made[name]() if name in made else written(name))
    sizes = [(budget, len(write_tool_docs(document, budget))) for budget in range(200, 40_000, 777)]
    least = len(write_tool_docs(document, 0))
    assert [size for _, size in sizes] == sorted(size for _, size in sizes)
    assert all(size <= max(budget, least) for budget, size in sizes)


def one(schema: Any, **more: Any) -> str:
    """The document of one operation with this body."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    operation = {"operationId": "op", "requestBody": body, **more}
    return json.dumps({"openapi": "3.1.0", "info": {"title": "One"}, "paths": {"/a": {"post": operation}}})


def noise(count: int) -> dict[str, Any]:
    return {f"noise_{number}": {"type": "string", "description": "n" * 100} for number in range(count)}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {**noise(300), "a": {"type": "integer"}}, "required": ["a"]}, ["a*: integer"]),
        (
            {"allOf": [{"properties": noise(300)}, {"properties": {"a": {"type": "integer"}}}, {"required": ["a"]}]},
            ["a*: integer"],
        ),
        ({"type": "array", "items": {"properties": {**noise(300), "a": {}}, "required": ["a"]}}, ["a*: any"]),
        (
            {"oneOf": [{"properties": {**noise(9), key: {"type": "null"}}, "required": [key]} for key in "abc"]},
            ["a*: null", "b*: null", "c*: null"],
        ),
        ({"properties": noise(300), "required": ["unheard"]}, ["unheard*: any"]),
        (
            {
                "properties": {**noise(50), **{f"r{n}": {"type": "string"} for n in range(40)}},
                "required": [f"r{n}" for n in range(40)],
            },
            [f"r{n}*: string" for n in range(40)],
        ),
        (
            {
                "properties": {
                    **noise(300),
                    "a": {
                        "type": "object",
                        "properties": {
                            **noise(300),
                            "b": {"items": {"properties": {"c": {"type": "number"}}, "required": ["c"]}},
                        },
                        "required": ["b"],
                    },
                },
                "required": ["a"],
            },
            ["a*: {b*: [{c*: number"],
        ),
        ({"properties": noise(300)}, ["noise_0: "]),
    ],
)
@pytest.mark.parametrize("budget", [700, 1500, 3000, BUDGET])
def test_required_fields_are_told_whatever_stands_before_them(schema: Any, expected: list[str], budget: int) -> None:
    """Among hundreds, in parts of a whole, in lists and alternatives, and deep inside."""
    text = write_tool_docs(parse(one(schema)), budget)
    least = sum(len(part) for part in expected) + 450
    for part in expected if budget >= least else ():
        assert part in text


def test_a_required_parameter_is_never_cut_off() -> None:
    """Not even behind more optional ones than are shown."""
    parameters = [{"name": f"p{number}", "in": "query", "schema": {"type": "string"}} for number in range(150)]
    last = {"name": "last", "in": "query", "required": True, "schema": {"type": "integer"}}
    shared = {"parameters": [*parameters[:90], last]}
    for budget in (600, 3000, BUDGET):
        text = write_tool_docs(parse(one({}, **shared)), budget)
        assert "last" in text
        assert "integer" in text


def test_a_recursive_required_field_ends() -> None:
    """At its type's name."""
    node = {
        "type": "object",
        "required": ["next"],
        "properties": {**noise(50), "next": {"$ref": "#/components/schemas/Node"}},
    }
    tree = json.loads(one({"$ref": "#/components/schemas/Node"}))
    tree["components"] = {"schemas": {"Node": node}}
    assert "next*: Node" in write_tool_docs(parse(json.dumps(tree)), 600)
