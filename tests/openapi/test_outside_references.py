"""References to other documents are reported to the model in the docs and to the user in a warning."""

import json
from typing import Any

import pytest

from shared.openapi import parse, write_tool_docs
from shared.openapi.outside_references import describe_outside_references
from tests.openapi.documents import NAMES, read_text


def document(paths: Any, **more: Any) -> str:
    return json.dumps({"openapi": "3.0.0", "info": {"title": "T"}, "paths": paths, **more})


MANY = {
    f"/things/{number}": {
        "get": {"$ref": f"ops/list{number}.yaml"},
        "post": {"$ref": f"ops/create{number}.yaml#/post"},
    }
    for number in range(300)
}


@pytest.mark.parametrize("budget", [1_000_000, 60_000, 20_000])
def test_operations_in_other_documents_are_marked(budget: int) -> None:
    """The head of the docs counts operations in other documents. If the budget suffices, each of them is marked."""
    text = write_tool_docs(parse(document(MANY)), budget)
    assert "600 of 600 operations are described elsewhere, such as in ops/list0.yaml" in text
    assert "what they take and return is unknown" in text
    if budget >= 60_000:
        assert text.count("escribed elsewhere, in ops/create") == 300
    warning = describe_outside_references(parse(document(MANY)))
    assert warning is not None
    assert "600 of 600 operations are described elsewhere, such as in ops/list0.yaml" in warning


SHARED = {
    "x-ops": {"list": {"operationId": "listed", "summary": "Lists.", "parameters": [{"name": "q", "in": "query"}]}},
    "components": {"pathItems": {"a/b~c{d}": {"get": {"operationId": "odd"}}}},
}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ({"/a": {"get": {"$ref": "#/x-ops/list"}}}, ["GET /a (listed)", "> Lists.", "- q (query): any"]),
        ({"/a": {"get": {"$ref": "#/x-ops/list", "summary": "Mine."}}}, ["GET /a (listed)", "> Mine."]),
        ({"/a": {"$ref": "#/components/pathItems/a~1b~0c%7Bd%7D"}}, ["GET /a (odd)"]),
        ({"/a": {"get": {"$ref": "#/x-ops/nope"}}}, ["in #/x-ops/nope (not in this document)"]),
        ({"/a": {"get": {"$ref": "#/paths/~1a/get"}}}, ["1 of 1 operations are described elsewhere"]),
        (
            {"/a": {"get": {"$ref": "#/paths/~1b/get"}}, "/b": {"get": {"$ref": "#/paths/~1a/get"}}},
            ["2 of 2 operations are described elsewhere"],
        ),
        ({"/a": {"get": {"$ref": "https://x.test/o.yaml#/paths/~1a/get"}}}, ["https://x.test/o.yaml#/paths/~1a/get"]),
        ({"/a": {"$ref": "paths/a.yaml"}}, ["Path /a is described elsewhere: paths/a.yaml"]),
        ({"/a": {"get": {"parameters": [{"$ref": "p.yaml#/x"}]}}}, ["- p.yaml#/x (not in this document)"]),
        ({"/a": {"post": {"requestBody": {"$ref": "b.yaml"}}}}, ["Body: b.yaml (not in this document)"]),
        (
            {"/a": {"post": {"requestBody": {"content": {"a/json": {"$ref": "m.yaml"}}}}}},
            ["Body (a/json): m.yaml (not in this document)"],
        ),
        (
            {"/a": {"post": {"requestBody": {"content": {"a/json": {"schema": {"$ref": "s.json#/T"}}}}}}},
            ["Body (a/json): s.json#/T (not in this document)"],
        ),
        ({"/a": {"get": {"responses": {"200": {"$ref": "r.yaml"}}}}}, ["r.yaml (not in this document)"]),
        ({"/a": {"get": {"$ref": 5}}}, ["GET /a"]),
    ],
)
def test_references_of_every_kind(paths: Any, expected: list[str]) -> None:
    """References within the document are followed. Unresolvable references are named."""
    text = write_tool_docs(parse(document(paths, **SHARED)), 10_000)
    for part in expected:
        assert part in text
    has_warning = describe_outside_references(parse(document(paths, **SHARED))) is not None
    circular = "~1a/get" in str(paths) and "x.test" not in str(paths)
    assert has_warning == ("not in this document" in text or "elsewhere" in text) or circular


def test_a_complete_document_has_no_warning() -> None:
    """There is no warning about a complete document, or about a `$ref` in an example or a field with that name."""
    for name in ("payments.yaml", "weather.yaml", "petstore.json", "crm.yaml"):
        assert name in NAMES
        assert describe_outside_references(parse(read_text(name))) is None
    data = {"example": {"$ref": "x.yaml"}, "properties": {"$ref": {"type": "string"}}}
    assert describe_outside_references(parse(document({}, components={"schemas": {"A": data}}))) is None
