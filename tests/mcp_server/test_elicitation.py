"""Tests the forms in which MCP clients show questions, and the answers that are read from them."""

from typing import Any

import pytest
from mcp_types import ElicitRequestFormParams, ElicitResult

from shared.mcp_server.elicitation import make_form, read_form
from shared.mcp_server.model import Asked

TEXT = {"type": "string"}


def asked(choices: list[str] | None = None, schema: dict[str, Any] | None = None) -> Asked:
    return Asked("1", "Really?", choices, schema)


def fields_of(question: Asked) -> Any:
    params = make_form(question).params
    assert isinstance(params, ElicitRequestFormParams)
    assert params.message == "Really?"
    return params.requested_schema["properties"]


def answer_to(question: Asked, **content: Any) -> Any:
    return read_form(question, ElicitResult(action="accept", content=content))


@pytest.mark.parametrize(
    ("question", "field"),
    [
        (asked(), TEXT),
        (asked(choices=["a", "b"]), {"type": "string", "enum": ["a", "b"]}),
        (asked(schema={"type": "integer", "minimum": 1, "multipleOf": 2}), {"type": "integer", "minimum": 1}),
        (asked(schema={"type": "string", "format": "email", "pattern": "x"}), {"type": "string", "format": "email"}),
        (asked(schema={"type": "string", "format": "hostname"}), TEXT),
        (asked(schema={"type": "boolean", "title": "T"}), {"type": "boolean", "title": "T"}),
    ],
)
def test_a_simple_answer_has_one_field(question: Asked, field: dict[str, Any]) -> None:
    """The form knows the choices, and of a schema the keywords that the protocol has."""
    assert fields_of(question) == {"answer": field}
    assert answer_to(question, answer="x") == "x"


def test_an_object_has_a_field_for_each_property() -> None:
    """The answer is the whole form."""
    schema = {"type": "object", "properties": {"n": {"type": "number"}, "s": TEXT}, "required": ["n"]}
    question = asked(schema=schema)
    assert fields_of(question) == {"n": {"type": "number"}, "s": TEXT}
    params: Any = make_form(question).params
    assert params.requested_schema["required"] == ["n"]
    assert answer_to(question, n=1.5) == {"n": 1.5}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": TEXT},
        {"type": "object"},
        {"type": "object", "properties": {"deep": {"type": "object"}}},
        {"type": "object", "properties": {"s": TEXT}, "required": ["s", "other"]},
        {"type": "integer", "enum": [1, 2]},
        {"anyOf": [TEXT, {"type": "null"}]},
    ],
)
def test_any_other_answer_is_entered_as_json(schema: dict[str, Any]) -> None:
    """The field's description says which one. Text that is not JSON is the answer itself, which is then refused."""
    question = asked(schema=schema)
    (field,) = fields_of(question).values()
    assert field["type"] == "string"
    assert "JSON" in field["description"]
    assert answer_to(question, answer='["a", 1]') == ["a", 1]
    assert answer_to(question, answer="a, 1") == "a, 1"


def test_a_form_without_its_field_is_no_answer() -> None:
    """An answer that a person did not enter is not passed on as null."""
    contents: list[Any] = [None, {}, {"other": "x"}]
    for content in contents:
        with pytest.raises(ValueError, match="answer"):
            read_form(asked(), ElicitResult(action="accept", content=content))
