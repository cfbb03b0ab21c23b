"""Tests which fields of requests are accepted without an effect, because clients send them, and which are refused."""

from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.models.conversation import CompletionRequest
from shared.models.openai_api.chat_request import ChatCompletionRequest
from shared.models.openai_api.errors import InvalidRequest
from shared.models.openai_api.response_request import ResponseRequest
from shared.services.openai_api.requests import RequestReader
from tests.doubles.openai_streams import WEATHER

READER = RequestReader(Catalog.load({"OPENAI_API_KEY": "x"}))
MODEL, REASONER = "openai/gpt-4.1-mini", "openai/gpt-5-mini"
TOOL: dict[str, Any] = {"type": "function", **WEATHER, "strict": False}
TOOLS = [TOOL, {**TOOL, "name": "get_time"}, {"type": "web_search"}]


def read_chat(**fields: Any) -> CompletionRequest:
    messages = [{"role": "user", "content": "hi"}]
    return READER.read_chat(ChatCompletionRequest.model_validate({"model": MODEL, "messages": messages, **fields}))


def read_response(**fields: Any) -> CompletionRequest:
    return READER.read_response(ResponseRequest.model_validate({"model": MODEL, "input": "hi", **fields}), [])


@pytest.mark.parametrize(
    "fields",
    [
        {"store": True},
        {"prediction": {"type": "content", "content": "def f(): ..."}},
        {"prompt_cache_options": {"mode": "implicit"}},
        {"logit_bias": {}, "n": 1, "modalities": ["text"], "service_tier": "default"},
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        dict.fromkeys(
            ("tools", "tool_choice", "response_format", "stop", "seed", "audio", "functions", "function_call")
        ),
        {"tools": [], "parallel_tool_calls": True},
        {"model": REASONER, "stop": [], "temperature": None, "top_p": 1, "n": 1},
        {"metadata": {"a": "b"}, "user": "u", "safety_identifier": "s", "prompt_cache_key": "k"},
    ],
)
def test_what_has_no_effect_on_a_completion(fields: dict[str, Any]) -> None:
    """Hints to OpenAI's own servers, neutral values and nulls are accepted, and are not sent to the model."""
    read = read_chat(**fields)
    assert (read.parameters, read.functions, read.tool_choice) == ({}, [], None)


@pytest.mark.parametrize(
    "fields",
    [
        {"client_metadata": {"x-codex-installation-id": "1"}, "prompt_cache_key": "k", "include": []},
        {"truncation": "auto"},
        {"include": ["web_search_call.action.sources", "code_interpreter_call.outputs"]},
        {"include": ["reasoning.encrypted_content", "file_search_call.results"]},
        {"prompt_cache_options": {"mode": "explicit"}},
        {"reasoning": {"effort": None, "summary": "auto", "context": "auto", "mode": "standard"}},
        {"tools": [], "parallel_tool_calls": False, "tool_choice": None, "reasoning": None, "store": True},
        {"text": {"format": {"type": "text"}, "verbosity": "medium"}},
    ],
)
def test_what_has_no_effect_on_a_response(fields: dict[str, Any]) -> None:
    """Hints to OpenAI's own servers, neutral values and nulls are accepted, and are not sent to the model."""
    read = read_response(**fields)
    assert (read.parameters, read.functions, read.built_in_tools, read.tool_choice) == ({}, [], [], None)


@pytest.mark.parametrize(
    ("tool", "id_"),
    [
        ({"type": "web_search", "search_context_size": "medium", "external_web_access": True}, "web_search"),
        ({"type": "web_search", "filters": {"allowed_domains": None}, "user_location": None}, "web_search"),
        ({"type": "web_search_preview"}, "web_search"),
        ({"type": "code_interpreter", "container": {"type": "auto", "file_ids": []}}, "code_interpreter"),
    ],
)
def test_built_in_tools_with_usual_options(tool: dict[str, Any], id_: str) -> None:
    """A built-in tool is accepted as OpenAI's clients describe it."""
    assert read_response(tools=[tool]).built_in_tools == [id_]


def test_a_function_with_usual_options() -> None:
    """Options of a function that have no effect are accepted."""
    tool = {**TOOL, "defer_loading": False, "allowed_callers": ["direct"], "output_schema": {"type": "string"}}
    (function,) = read_response(tools=[tool]).functions
    assert function.model_dump() == {**WEATHER, "strict": False}


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({"type": "web_search", "search_context_size": "high"}, "tools[0].search_context_size"),
        ({"type": "web_search", "external_web_access": False}, "tools[0].external_web_access"),
        ({"type": "web_search", "filters": {"allowed_domains": ["a.example"]}}, "tools[0].filters"),
        ({"type": "code_interpreter", "container": "cntr_1"}, "tools[0].container"),
        ({"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}, "tools[0].container"),
        ({**TOOL, "defer_loading": True}, "tools[0].defer_loading"),
    ],
)
def test_options_of_tools_with_an_effect_are_named(tool: dict[str, Any], param: str) -> None:
    """An option that changes what a tool does is refused with its name."""
    with pytest.raises(InvalidRequest) as raised:
        read_response(tools=[tool])
    assert raised.value.param == param


def test_allowed_tools() -> None:
    """Of the tools, those are kept that the choice allows, each once, and its mode is the choice."""
    allowed = [{"type": "web_search"}, {"type": "function", "name": "get_time"}, {"type": "web_search"}]
    read = read_response(tools=TOOLS, tool_choice={"type": "allowed_tools", "mode": "required", "tools": allowed})
    assert [function.name for function in read.functions] == ["get_time"]
    assert (read.built_in_tools, read.tool_choice) == (["web_search"], "required")


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"mode": "none", "tools": [{"type": "web_search"}]},
        {"mode": "auto", "tools": [{"type": "function", "name": "made_up"}]},
        {"mode": "auto", "tools": [{"type": "function", "name": {}}]},
        {"mode": "auto", "tools": ["get_time", {"type": []}]},
        {"mode": "auto", "tools": []},
    ],
)
def test_allowed_tools_that_are_not_valid(choice: dict[str, Any]) -> None:
    """A choice that allows no tool of the request is refused."""
    with pytest.raises(InvalidRequest) as raised:
        read_response(tools=TOOLS, tool_choice={"type": "allowed_tools", **choice})
    assert raised.value.param == "tool_choice"
