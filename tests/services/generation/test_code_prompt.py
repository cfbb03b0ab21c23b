"""The prompts for agents contain the rules and the request."""

import re

from shared.sandbox.analysis.analysis import analyze_sync
from shared.services.generation.code_prompt import CODE_RULES, write_request


def test_the_rules_name_what_code_can_use() -> None:
    """The rules name the objects that need no import, and the Python version."""
    for name in ("http_client", "call_llm", "mcpc", "gofannon_client", "ask", "InterruptedCall", "CPython 3.14"):
        assert name in CODE_RULES


def test_the_examples_of_waiting_pass_the_analysis() -> None:
    """Code that asks and sleeps as the rules show it is accepted. Without `await`, the question is not."""
    examples = [line for line in re.findall(r"`([^`]+)`", CODE_RULES) if "await ask(" in line or ".sleep(" in line]
    assert len(examples) == 2
    code = "async def run(input_dict, tools):\n    seconds = 60\n    " + "\n    ".join(examples) + "\n    "
    assert analyze_sync(f"{code}return answer.upper()\n") == []
    (finding,) = analyze_sync(f"{code.replace('await ask', 'ask')}return answer.upper()\n")
    assert "`ask(…)` must be awaited" in finding.message


def test_a_request_without_schemas_uses_the_defaults() -> None:
    """The default schemas have one string as input and one as output. Empty sections are omitted."""
    text = write_request("Do it.", None, None, {"Models": "", "MCP tools": "### add"})
    assert '{"inputText": "string"}' in text
    assert "# MCP tools" in text
    assert "# Models" not in text
