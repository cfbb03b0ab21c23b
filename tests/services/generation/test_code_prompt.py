"""What the prompts of agents say."""

from shared.services.generation.code_prompt import CODE_RULES, write_request


def test_the_rules_name_what_code_can_use() -> None:
    """What code can use without an import, and which Python it is."""
    for name in ("http_client", "call_llm", "mcpc", "gofannon_client", "CPython 3.14"):
        assert name in CODE_RULES


def test_a_request_without_schemas_has_the_default_ones() -> None:
    """Text in, text out. Parts without content are left out."""
    text = write_request("Do it.", None, None, {"Models": "", "MCP tools": "### add"})
    assert '{"inputText": "string"}' in text
    assert "# MCP tools" in text
    assert "# Models" not in text
