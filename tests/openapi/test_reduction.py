"""Documents that are too large to be kept: shortened to what is shown of them, which stays the same to the letter."""

import json
from typing import Any

import pytest

from shared.openapi import parse, write_tool_docs
from shared.openapi.reduction import BUDGET, reduce
from shared.services.generation import code_context as code_docs
from tests.openapi.documents import NAMES, back_office, code_hosting, written


def made(name: str) -> str:
    return {"back office": lambda: back_office(100), "code hosting": lambda: code_hosting(200)}.get(
        name, lambda: written(name)
    )()


@pytest.mark.parametrize("name", [*NAMES, "back office", "code hosting"])
def test_the_docs_of_a_shortened_document_are_the_same(name: str) -> None:
    """At every budget."""
    document = parse(made(name))
    text = reduce(document, 10**9, len)
    assert text is not None
    shortened = parse(text)
    assert (shortened.family, shortened.title, shortened.version) == (document.family, document.title, document.version)
    for budget in (0, 500, 3000, 20_000, BUDGET, 10**8):
        assert write_tool_docs(shortened, budget) == write_tool_docs(document, budget)


def test_what_is_never_shown_is_left_out() -> None:
    """Examples, extensions, long ends, and schemas that no operation leads to; but no field that is called so."""
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
    for gone in ("EX1", "EX2", "LOGO", "TAG", "CALL", "END", "ERROR", "UNUSED", "EXTENSION"):
        assert gone not in text
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


def test_it_goes_as_far_as_it_has_to_and_no_further() -> None:
    """Answers go only if the document is too large with them; None if nothing helps."""
    document = parse(code_hosting(400))
    all_shown = reduce(document, 10**9, len)
    assert all_shown is not None
    less = reduce(document, len(all_shown) - 1, len)
    assert less is not None
    assert len(less) < len(all_shown)
    assert write_tool_docs(parse(less), BUDGET) == write_tool_docs(document, BUDGET)
    assert reduce(document, len(less) - 1, len) is None


def test_the_budget_is_that_of_the_prompt() -> None:
    """What is made of a document for a model is never longer."""
    assert BUDGET == code_docs._MAX_SPEC_CHARACTERS  # pyright: ignore[reportPrivateUsage]


def test_what_refers_into_what_is_left_out_is_not_shortened_wrongly() -> None:
    """A schema in an extension is a schema all the same."""
    tree = json.loads(back_office(2))
    tree["x-types"] = {"Y": {"type": "object", "required": ["deep"], "properties": {"deep": {"type": "string"}}}}
    tree["components"]["schemas"]["Thing0"]["properties"]["ship_to"] = {"$ref": "#/x-types/Y"}
    document = parse(json.dumps(tree))
    text = reduce(document, 10**9, len)
    assert text is None or write_tool_docs(parse(text), BUDGET) == write_tool_docs(document, BUDGET)
    assert text is not None
    assert "deep" in text
