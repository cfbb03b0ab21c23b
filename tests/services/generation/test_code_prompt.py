"""The prompts for agents contain the rules and the request."""

from shared.services.generation.code_prompt import CODE_RULES, write_request


def test_the_rules_name_what_code_can_use() -> None:
    """The rules name the objects that need no import, and the Python version."""
    for name in ("http_client", "call_llm", "mcpc", "gofannon_client", "CPython 3.14"):
        assert name in CODE_RULES


def test_a_request_without_schemas_uses_the_defaults() -> None:
    """The default schemas have one string as input and one as output. Empty sections are omitted."""
    text = write_request("Do it.", None, None, {"Models": "", "MCP tools": "### add"})
    assert '{"inputText": "string"}' in text
    assert "# MCP tools" in text
    assert "# Models" not in text
