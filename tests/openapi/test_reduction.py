"""`reduce` shortens documents that are too large to store without changing their docs."""

import json
from typing import Any

import pytest

from shared.openapi import parse, write_tool_docs
from shared.openapi.reduction import BUDGET, reduce
from shared.services.generation import code_context
from tests.openapi.documents import NAMES, back_office, code_hosting, read_text


def document_text(name: str) -> str:
    return {"back office": lambda: back_office(100), "code hosting": lambda: code_hosting(200)}.get(
        name, lambda: read_text(name)
    )()


@pytest.mark.parametrize("name", [*NAMES, "back office", "code hosting"])
def test_the_docs_of_a_shortened_document_are_the_same(name: str) -> None:
    """The docs of a shortened document are the same at every budget."""
    document = parse(document_text(name))
    text = reduce(document, 10**9, len)
    assert text is not None
    shortened = parse(text)
    assert (shortened.family, shortened.title, shortened.version) == (document.family, document.title, document.version)
    for budget in (0, 500, 3000, 20_000, BUDGET, 10**8):
        assert write_tool_docs(shortened, budget) == write_tool_docs(document, budget)


def test_parts_that_the_docs_never_show_are_removed() -> None:
    """Examples, extensions, long descriptions and unused schemas are removed, but not fields with such names."""
    odd = {
        "type": "object",
        "required": ["example"],
        "properties": {
            "example": {"type": "string", "example": "EX1"},
            "x-field": {"type": "string"},
            "tags": {"type": "integer"},
            "description": {"type": "string", "description": "d" * 400 + "END"},
        },
    }
    tree: dict[str, Any] = {
        "openapi": "3.0.0",
        "info": {"title": "T", "x-logo": "LOGO"},
        "tags": [{"name": "TAG"}],
        "x-all": "EXTENSION",
        "paths": {
            "/a": {
                "post": {
                    "tags": ["TAG"],
                    "operationId": "op",
                    "callbacks": {"CALL": {}},
                    "requestBody": {
                        "content": {"a/json": {"example": "EX2", "schema": {"$ref": "#/components/schemas/Odd"}}}
                    },
                    "responses": {
                        "200": {
                            "description": "ok",
                            "content": {"a/json": {"schema": {"$ref": "#/components/schemas/Fine"}}},
                        },
                        "400": {
                            "description": "no",
                            "content": {"a/json": {"schema": {"$ref": "#/components/schemas/ERROR"}}},
                        },
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "Odd": odd,
                "Fine": {"type": "string"},
                "ERROR": {"type": "string"},
                "UNUSED": {"type": "string"},
            }
        },
    }
    text = reduce(parse(json.dumps(tree)), 10**9, len) or ""
    for removed in ("EX1", "EX2", "LOGO", "TAG", "CALL", "END", "ERROR", "UNUSED", "EXTENSION"):
        assert removed not in text
    assert parse(text).tree["components"] == {  # pyright: ignore[reportUnknownMemberType]
        "schemas": {
            "Fine": {"type": "string"},
            "Odd": {
                **odd,
                "properties": {
                    "example": {"type": "string"},
                    "x-field": {"type": "string"},
                    "tags": {"type": "integer"},
                    "description": {"type": "string", "description": "d" * 159 + "…"},
                },
            },
        }
    }


def test_a_document_is_reduced_only_as_far_as_necessary() -> None:
    """Responses are removed only if necessary. `reduce` returns None if the document is too large even without them."""
    document = parse(code_hosting(400))
    with_responses = reduce(document, 10**9, len)
    assert with_responses is not None
    without_responses = reduce(document, len(with_responses) - 1, len)
    assert without_responses is not None
    assert len(without_responses) < len(with_responses)
    assert write_tool_docs(parse(without_responses), BUDGET) == write_tool_docs(document, BUDGET)
    assert reduce(document, len(without_responses) - 1, len) is None


def test_the_budget_matches_the_prompts() -> None:
    """The budget is the maximum length of a document's docs in a prompt."""
    assert BUDGET == code_context._MAX_SPEC_CHARACTERS  # pyright: ignore[reportPrivateUsage]


def test_a_referenced_schema_in_an_extension_is_not_removed() -> None:
    """Extensions are removed, except for schemas to which an operation refers."""
    tree = json.loads(back_office(2))
    tree["x-types"] = {"Y": {"type": "object", "required": ["deep"], "properties": {"deep": {"type": "string"}}}}
    tree["components"]["schemas"]["Thing0"]["properties"]["ship_to"] = {"$ref": "#/x-types/Y"}
    document = parse(json.dumps(tree))
    text = reduce(document, 10**9, len)
    assert text is None or write_tool_docs(parse(text), BUDGET) == write_tool_docs(document, BUDGET)
    assert text is not None
    assert "deep" in text
