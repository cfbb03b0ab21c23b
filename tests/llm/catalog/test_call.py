"""Combinations of parameters, tools and messages in one call."""

from typing import Any

import pytest

from shared.llm.catalog import Catalog, InvalidMessages, InvalidParameters, check_call
from shared.models.chat import Message
from tests.llm.catalog.environs import EVERYTHING

CATALOG = Catalog.load(EVERYTHING)
SCHEMA = {"name": "answer", "schema": {"type": "object"}}
JSON, JSON_SCHEMA = {"type": "json_object"}, {"type": "json_schema", "json_schema": SCHEMA}
NOVA_2, NOVA = "us.amazon.nova-2-lite-v1:0", "us.amazon.nova-pro-v1:0"
CLAUDE_AT_BEDROCK = "global.anthropic.claude-haiku-4-5-20251001-v1:0"


def user(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


@pytest.mark.parametrize(
    ("provider", "model", "parameters", "message"),
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
        ("anthropic", "claude-opus-5-5", {"top_p": 0.5}, "has no parameter 'top_p'"),
        ("anthropic", "claude-haiku-4-5", {"stop": ["END", "\n"]}, "only white space"),
        ("anthropic", "claude-haiku-4-5", {"user": "me@example.com"}, "has no parameter 'user'"),
        ("anthropic", "claude-haiku-4-5", {"response_format": JSON}, "one of text, json_schema"),
        ("bedrock", CLAUDE_AT_BEDROCK, {"temperature": 0.5, "top_p": 0.9}, "top_p cannot be combined with temperature"),
        ("bedrock", CLAUDE_AT_BEDROCK, {"reasoning_effort": "high", "max_tokens": 1000}, "more than 4096"),
        ("bedrock", NOVA, {"response_format": JSON}, "one of text, json_schema"),
        ("bedrock", NOVA, {"reasoning_effort": "low"}, "has no parameter 'reasoning_effort'"),
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
            {"reasoning_effort": "low", "response_format": JSON_SCHEMA},
            "response_format cannot be combined with reasoning_effort low",
        ),
        ("bedrock", "us.meta.llama3-3-70b-instruct-v1:0", {"top_k": 3}, "has no parameter 'top_k'"),
        ("bedrock", "us.meta.llama3-3-70b-instruct-v1:0", {"response_format": JSON}, "no parameter 'response_format'"),
        ("gemini", "gemini-3.8-flash", {"temperature": 0.5}, "has no parameter 'temperature'"),
        ("gemini", "gemini-2.5-flash", {"presence_penalty": 1}, "has no parameter 'presence_penalty'"),
        ("gemini", "gemini-2.5-flash", {"stop": list("abcdef")}, "at most 5"),
        ("openai", "gpt-5", {"temperature": 0.5}, "temperature must be 1"),
        ("openai", "gpt-5", {"top_p": 0.5}, "has no parameter 'top_p'"),
        ("openai", "gpt-5.4", {"reasoning_effort": "low", "temperature": 0.5}, "temperature must be 1"),
        ("openai", "gpt-5.4", {"reasoning_effort": "low", "max_completion_tokens": 15}, "at least 16"),
        ("openai", "gpt-5.5-pro", {"max_completion_tokens": 15}, "at least 16 for openai/gpt-5.5-pro."),
        ("openai", "gpt-4.1", {"n": 2}, "n must be 1"),
        ("openai", "gpt-4.1", {"response_format": {"type": "xml"}}, "one of text, json_object, json_schema"),
        ("openai", "gpt-4.1", {"response_format": {"type": "json_schema"}}, "a name and a schema"),
        ("openai", "gpt-4.1", {"response_format": {**JSON, "schema": {}}}, "only type and json_schema are allowed"),
        (
            "openai",
            "gpt-4.1",
            {"response_format": {**JSON, "json_schema": SCHEMA}},
            "only have a json_schema with the type json_schema",
        ),
        (
            "openai",
            "gpt-4.1",
            {"response_format": {**JSON_SCHEMA, "json_schema": {**SCHEMA, "name": "a b"}}},
            "letters",
        ),
        (
            "openai",
            "gpt-4.1",
            {"response_format": {**JSON_SCHEMA, "json_schema": {**SCHEMA, "x": 1}}},
            "only have the fields name, description, schema and strict",
        ),
        (
            "openai",
            "gpt-4.1",
            {"response_format": {**JSON_SCHEMA, "json_schema": {"name": "a", "schema": {}}}},
            "object",
        ),
        ("openrouter", "openai/gpt-5-mini", {"temperature": 0.5}, "has no parameter 'temperature'"),
        ("openrouter", "openai/gpt-5-mini", {"max_tokens": 15}, "from 16 to"),
        ("openrouter", "openai/gpt-5.1", {"max_completion_tokens": 15}, "from 16 to"),
        ("openrouter", "anthropic/claude-haiku-4.5", {"reasoning_effort": "low", "max_tokens": 900}, "more than 1024"),
        ("perplexity", "sonar", {"response_format": JSON}, "one of text, json_schema"),
        ("perplexity", "sonar", {"frequency_penalty": 1, "presence_penalty": 1}, "presence_penalty must be 0"),
        ("ollama", "llama3.1", {"reasoning_effort": "low"}, "has no parameter 'reasoning_effort'"),
    ],
)
def test_combinations_that_a_provider_does_not_accept_are_refused(
    provider: str, model: str, parameters: dict[str, Any], message: str
):
    """The error message names the parameters and the model, without advice from litellm."""
    with pytest.raises(InvalidParameters) as error:
        check_call(CATALOG.route(provider, model), parameters, [], user("Answer in JSON."))
    assert message in error.value.message
    assert "litellm" not in error.value.message


@pytest.mark.parametrize(
    ("provider", "model", "parameters", "tool"),
    [
        ("openai", "gpt-5", {"reasoning_effort": "minimal"}, "web_search"),
        ("openai", "gpt-4.1", {"presence_penalty": 1}, "web_search"),
        ("openai", "gpt-4.1", {"max_tokens": 15}, "code_interpreter"),
        ("gemini", "gemini-2.5-flash", {"response_format": JSON}, "google_search"),
        ("bedrock", NOVA_2, {"response_format": JSON_SCHEMA}, "web_grounding"),
    ],
)
def test_parameters_that_conflict_with_a_tool_are_refused(
    provider: str, model: str, parameters: dict[str, Any], tool: str
):
    """Parameters that conflict with a tool are refused with the tool and accepted without it."""
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
def test_redundant_parameters_are_omitted(model: str, given: dict[str, Any], tools: list[str], sent: dict[str, Any]):
    """A default that conflicts with a tool is omitted, and the answer limit is sent under the model's name for it."""
    call = check_call(CATALOG.route("openai", model), given, tools, user("Hi."))
    assert {name: value for name, value in call.parameters.items() if name != "max_tool_calls"} == sent


CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "is_closed"),
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
def test_a_strict_schema_must_be_closed_for_openai(schema: dict[str, Any], is_closed: bool):
    """OpenAI refuses an open schema only with `strict`. Other providers always accept it."""
    response_format = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    openai, gemini = CATALOG.route("openai", "gpt-4.1"), CATALOG.route("gemini", "gemini-2.5-flash")
    check_call(gemini, {"response_format": response_format}, [])
    check_call(
        openai, {"response_format": {**response_format, "json_schema": {"name": "answer", "schema": schema}}}, []
    )
    if is_closed:
        check_call(openai, {"response_format": response_format}, [])
    else:
        with pytest.raises(InvalidParameters, match="with strict"):
            check_call(openai, {"response_format": response_format}, [])


def test_a_schema_may_describe_a_list_if_the_provider_accepts_it():
    """Gemini accepts a schema for a list. OpenAI and the models at Bedrock do not."""
    response_format = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "array"}}}
    assert check_call(CATALOG.route("gemini", "gemini-2.5-flash"), {"response_format": response_format}, [])
    for provider, model in (("openai", "gpt-4.1"), ("bedrock", NOVA)):
        with pytest.raises(InvalidParameters, match="at the top level"):
            check_call(CATALOG.route(provider, model), {"response_format": response_format}, [])


def test_without_reasoning_the_chat_api_is_used():
    """With a reasoning effort of `none`, there are no thoughts, so the chat API is used."""
    route = CATALOG.route("openai", "gpt-5.4")
    assert check_call(route, {"reasoning_effort": "none"}, []).api == "chat"
    assert check_call(route, {"reasoning_effort": "low"}, []).api == "responses"


def test_a_message_must_mention_json_for_openai():
    """OpenAI refuses `json_object` if no message mentions JSON."""
    route = CATALOG.route("openai", "gpt-4.1")
    with pytest.raises(InvalidMessages, match="the word JSON"):
        check_call(route, {"response_format": JSON}, [], user("Hi."))
    assert check_call(route, {"response_format": JSON}, [], user("As Json.")).parameters == {"response_format": JSON}


def test_json_without_a_schema_conflicts_with_web_search():
    """OpenAI refuses `json_object` with web search but accepts it with code, and a schema with both."""
    route = CATALOG.route("openai", "gpt-4.1")
    with pytest.raises(InvalidParameters, match="json_object cannot be combined with web_search"):
        check_call(route, {"response_format": JSON}, ["web_search"], user("As JSON."))
    check_call(route, {"response_format": JSON}, ["code_interpreter"], user("As JSON."))
    check_call(route, {"response_format": JSON_SCHEMA}, ["web_search"], user("As JSON."))


def test_openrouter_must_choose_a_provider_that_supports_the_schema():
    """With a schema, OpenRouter chooses only providers that support it."""
    call = check_call(CATALOG.route("openrouter", "openrouter/auto"), {"response_format": JSON_SCHEMA}, [])
    assert call.parameters["provider"] == {"require_parameters": True}
    assert "provider" not in check_call(CATALOG.route("openrouter", "openrouter/auto"), {"top_p": 1}, []).parameters


def test_an_incomplete_answer_conflicts_with_thinking():
    """Claude continues an incomplete answer only without thinking."""
    route = CATALOG.route("anthropic", "claude-haiku-4-5")
    messages = [*user("Hi."), Message(role="assistant", content="Hel")]
    assert check_call(route, {}, [], messages).messages[-1]["content"] == "Hel"
    with pytest.raises(InvalidMessages, match="the last message must be the user's"):
        check_call(route, {"reasoning_effort": "low"}, [], messages)
