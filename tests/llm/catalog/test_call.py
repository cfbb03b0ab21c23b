"""What goes together in one call, and what does not."""

from typing import Any

import pytest

from shared.llm.catalog import Catalog, InvalidMessages, InvalidParameters, check_call
from shared.models.chat import Message
from tests.llm.catalog.environs import EVERYTHING

CATALOG = Catalog.load(EVERYTHING)
SCHEMA = {"name": "answer", "schema": {"type": "object"}}
JSON, BY_SCHEMA = {"type": "json_object"}, {"type": "json_schema", "json_schema": SCHEMA}
NOVA_2, NOVA = "us.amazon.nova-2-lite-v1:0", "us.amazon.nova-pro-v1:0"
CLAUDE_AT_BEDROCK = "global.anthropic.claude-haiku-4-5-20251001-v1:0"


def user(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


@pytest.mark.parametrize(
    ("provider", "model", "parameters", "words"),
    [
        ("anthropic", "claude-haiku-4-5", {"reasoning_effort": "high", "max_tokens": 1000}, "more than 4096"),
        ("anthropic", "claude-haiku-4-5", {"reasoning_effort": "low", "max_completion_tokens": 1024}, "more than 1024"),
        ("anthropic", "claude-haiku-4-5", {"reasoning_effort": "low", "temperature": 0.5}, "temperature must be 1"),
        ("anthropic", "claude-sonnet-4-6", {"reasoning_effort": "low", "top_p": 0.9}, "top_p must be at least 0.95"),
        (
            "anthropic",
            "claude-sonnet-4-6",
            {"reasoning_effort": "low", "top_k": 5},
            "top_k cannot be combined with reasoning_effort low",
        ),
        (
            "anthropic",
            "claude-sonnet-4-6",
            {"temperature": 0.5, "top_p": 0.9},
            "top_p cannot be combined with temperature",
        ),
        ("anthropic", "claude-opus-5-5", {"temperature": 0.5}, "temperature must be 1"),
        ("anthropic", "claude-opus-5-5", {"top_p": 0.5}, "takes no parameter 'top_p'"),
        ("anthropic", "claude-haiku-4-5", {"stop": ["END", "\n"]}, "white space alone"),
        ("anthropic", "claude-haiku-4-5", {"user": "me@example.com"}, "takes no parameter 'user'"),
        ("anthropic", "claude-haiku-4-5", {"response_format": JSON}, "one of text, json_schema"),
        ("bedrock", CLAUDE_AT_BEDROCK, {"temperature": 0.5, "top_p": 0.9}, "top_p cannot be combined with temperature"),
        ("bedrock", CLAUDE_AT_BEDROCK, {"reasoning_effort": "high", "max_tokens": 1000}, "more than 4096"),
        ("bedrock", NOVA, {"response_format": JSON}, "one of text, json_schema"),
        ("bedrock", NOVA, {"reasoning_effort": "low"}, "takes no parameter 'reasoning_effort'"),
        ("bedrock", NOVA, {"stop": ["a", "b", "c", "d", "e"]}, "at most 4"),
        (
            "bedrock",
            NOVA_2,
            {"reasoning_effort": "high", "temperature": 0.5},
            "temperature cannot be combined with reasoning_effort high",
        ),
        (
            "bedrock",
            NOVA_2,
            {"reasoning_effort": "low", "response_format": BY_SCHEMA},
            "response_format cannot be combined with reasoning_effort low",
        ),
        ("bedrock", "us.meta.llama3-3-70b-instruct-v1:0", {"top_k": 3}, "takes no parameter 'top_k'"),
        ("bedrock", "us.meta.llama3-3-70b-instruct-v1:0", {"response_format": JSON}, "no parameter 'response_format'"),
        ("gemini", "gemini-3.8-flash", {"temperature": 0.5}, "takes no parameter 'temperature'"),
        ("gemini", "gemini-2.5-flash", {"presence_penalty": 1}, "takes no parameter 'presence_penalty'"),
        ("gemini", "gemini-2.5-flash", {"stop": list("abcdef")}, "at most 5"),
        ("openai", "gpt-5", {"temperature": 0.5}, "temperature must be 1"),
        ("openai", "gpt-5", {"top_p": 0.5}, "takes no parameter 'top_p'"),
        ("openai", "gpt-5.4", {"reasoning_effort": "low", "temperature": 0.5}, "temperature must be 1"),
        ("openai", "gpt-5.4", {"reasoning_effort": "low", "max_completion_tokens": 15}, "at least 16"),
        ("openai", "gpt-5.5-pro", {"max_completion_tokens": 15}, "at least 16 for openai/gpt-5.5-pro."),
        ("openai", "gpt-4.1", {"n": 2}, "n must be 1"),
        ("openai", "gpt-4.1", {"response_format": {"type": "xml"}}, "one of text, json_object, json_schema"),
        ("openai", "gpt-4.1", {"response_format": {"type": "json_schema"}}, "a name and a schema"),
        ("openai", "gpt-4.1", {"response_format": {**JSON, "schema": {}}}, "takes type and json_schema"),
        ("openai", "gpt-4.1", {"response_format": {**JSON, "json_schema": SCHEMA}}, "with the type json_schema only"),
        ("openai", "gpt-4.1", {"response_format": {**BY_SCHEMA, "json_schema": {**SCHEMA, "name": "a b"}}}, "letters"),
        ("openai", "gpt-4.1", {"response_format": {**BY_SCHEMA, "json_schema": {**SCHEMA, "x": 1}}}, "strict only"),
        ("openai", "gpt-4.1", {"response_format": {**BY_SCHEMA, "json_schema": {"name": "a", "schema": {}}}}, "object"),
        ("openrouter", "openai/gpt-5-mini", {"temperature": 0.5}, "takes no parameter 'temperature'"),
        ("openrouter", "openai/gpt-5-mini", {"max_tokens": 15}, "from 16 to"),
        ("openrouter", "openai/gpt-5.1", {"max_completion_tokens": 15}, "from 16 to"),
        ("openrouter", "anthropic/claude-haiku-4.5", {"reasoning_effort": "low", "max_tokens": 900}, "more than 1024"),
        ("perplexity", "sonar", {"response_format": JSON}, "one of text, json_schema"),
        ("perplexity", "sonar", {"frequency_penalty": 1, "presence_penalty": 1}, "presence_penalty must be 0"),
        ("ollama", "llama3.1", {"reasoning_effort": "low"}, "takes no parameter 'reasoning_effort'"),
    ],
)
def test_what_the_provider_would_refuse_is_refused(provider: str, model: str, parameters: dict[str, Any], words: str):
    """With the names of the parameters and of the model, and no advice of a library's."""
    with pytest.raises(InvalidParameters) as error:
        check_call(CATALOG.route(provider, model), parameters, [], user("Answer in JSON."))
    assert words in error.value.message
    assert "litellm" not in error.value.message


@pytest.mark.parametrize(
    ("provider", "model", "parameters", "tool"),
    [
        ("openai", "gpt-5", {"reasoning_effort": "minimal"}, "web_search"),
        ("openai", "gpt-4.1", {"presence_penalty": 1}, "web_search"),
        ("openai", "gpt-4.1", {"max_tokens": 15}, "code_interpreter"),
        ("gemini", "gemini-2.5-flash", {"response_format": JSON}, "google_search"),
        ("bedrock", NOVA_2, {"response_format": BY_SCHEMA}, "web_grounding"),
    ],
)
def test_what_does_not_go_with_a_tool_is_refused(provider: str, model: str, parameters: dict[str, Any], tool: str):
    """And is taken without it."""
    route = CATALOG.route(provider, model)
    check_call(route, parameters, [], user("Answer in JSON."))
    with pytest.raises(InvalidParameters, match="tools"):
        check_call(route, parameters, [tool], user("Answer in JSON."))


@pytest.mark.parametrize(
    ("model", "given", "tools", "sent"),
    [
        ("gpt-4.1", {"presence_penalty": 0, "frequency_penalty": 0, "top_p": 1}, ["web_search"], {"top_p": 1}),
        ("gpt-4.1", {"response_format": {"type": "text"}, "n": 1}, [], {"n": 1}),
        ("gpt-4.1", {"n": 1}, ["web_search"], {}),
        ("gpt-4.1", {"stop": [], "seed": None}, ["web_search"], {}),
        ("gpt-4.1", {"max_tokens": 50}, [], {"max_completion_tokens": 50}),
    ],
)
def test_what_goes_without_saying_is_left_out(
    model: str, given: dict[str, Any], tools: list[str], sent: dict[str, Any]
):
    """A default that cannot be combined with a tool is not refused; the longest answer has one name."""
    call = check_call(CATALOG.route("openai", model), given, tools, user("Hi."))
    assert {name: value for name, value in call.parameters.items() if name != "max_tool_calls"} == sent


CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        (CLOSED, True),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({"type": "object"}, False),
        ({**CLOSED, "properties": {"a": CLOSED}}, True),
        ({**CLOSED, "properties": {"a": {"type": "array", "items": {"type": "object"}}}}, False),
        ({**CLOSED, "properties": {"a": {"anyOf": [{"type": "null"}, {"type": "object"}]}}}, False),
        ({**CLOSED, "$defs": {"x": {"type": "object"}}}, False),
        ({**CLOSED, "properties": {"a": {"enum": [{"type": "object"}]}}}, True),
        ({**CLOSED, "properties": {"type": {"type": "string"}}, "required": ["type"]}, True),
    ],
)
def test_a_strict_schema_is_closed_for_openai(schema: dict[str, Any], fits: bool):
    """It refuses others; without strict it takes them, as other providers do."""
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    openai, gemini = CATALOG.route("openai", "gpt-4.1"), CATALOG.route("gemini", "gemini-2.5-flash")
    check_call(gemini, {"response_format": wanted}, [])
    check_call(openai, {"response_format": {**wanted, "json_schema": {"name": "answer", "schema": schema}}}, [])
    if fits:
        check_call(openai, {"response_format": wanted}, [])
    else:
        with pytest.raises(InvalidParameters, match="with strict"):
            check_call(openai, {"response_format": wanted}, [])


def test_a_schema_may_be_one_of_a_list_where_it_is_taken():
    """Gemini answers with lists; OpenAI and Bedrock's models do not."""
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "array"}}}
    assert check_call(CATALOG.route("gemini", "gemini-2.5-flash"), {"response_format": wanted}, [])
    for provider, model in (("openai", "gpt-4.1"), ("bedrock", NOVA)):
        with pytest.raises(InvalidParameters, match="at its top"):
            check_call(CATALOG.route(provider, model), {"response_format": wanted}, [])


def test_without_reasoning_the_chat_api_is_used():
    """An effort of none has no thoughts to report; any other has."""
    route = CATALOG.route("openai", "gpt-5.4")
    assert check_call(route, {"reasoning_effort": "none"}, []).api == "chat"
    assert check_call(route, {"reasoning_effort": "low"}, []).api == "responses"


def test_json_has_to_be_asked_for_where_the_provider_wants_it():
    """OpenAI refuses a json_object that no message speaks of."""
    route = CATALOG.route("openai", "gpt-4.1")
    with pytest.raises(InvalidMessages, match="the word JSON"):
        check_call(route, {"response_format": JSON}, [], user("Hi."))
    assert check_call(route, {"response_format": JSON}, [], user("As Json.")).parameters == {"response_format": JSON}


def test_json_without_a_schema_does_not_go_with_searches():
    """OpenAI refuses the two together; a schema goes with them, and so does its interpreter with either."""
    route = CATALOG.route("openai", "gpt-4.1")
    with pytest.raises(InvalidParameters, match="json_object cannot be combined with web_search"):
        check_call(route, {"response_format": JSON}, ["web_search"], user("As JSON."))
    check_call(route, {"response_format": JSON}, ["code_interpreter"], user("As JSON."))
    check_call(route, {"response_format": BY_SCHEMA}, ["web_search"], user("As JSON."))


def test_a_form_of_the_answer_is_kept_by_whoever_runs_the_model():
    """OpenRouter chooses only among those who heed it."""
    call = check_call(CATALOG.route("openrouter", "openrouter/auto"), {"response_format": BY_SCHEMA}, [])
    assert call.parameters["provider"] == {"require_parameters": True}
    assert "provider" not in check_call(CATALOG.route("openrouter", "openrouter/auto"), {"top_p": 1}, []).parameters


def test_a_begun_answer_does_not_go_with_thinking():
    """Claude that thinks does not go on with an answer; without thinking it does."""
    route = CATALOG.route("anthropic", "claude-haiku-4-5")
    messages = [*user("Hi."), Message(role="assistant", content="Hel")]
    assert check_call(route, {}, [], messages).messages[-1]["content"] == "Hel"
    with pytest.raises(InvalidMessages, match="The last message must be the user's"):
        check_call(route, {"reasoning_effort": "low"}, [], messages)
