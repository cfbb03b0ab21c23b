"""`check_built_in_tools` returns the fields of a request for a list of tool ids."""

import pytest

from shared.llm.catalog import Catalog, UnknownBuiltInTool, check_built_in_tools
from tests.llm.catalog.environs import EVERYTHING

CATALOG = Catalog.load(EVERYTHING)


def test_openais_tools_need_the_responses_api():
    """The request uses the Responses API, because OpenAI's chat API does not have these tools."""
    chosen = check_built_in_tools(CATALOG.route("openai", "gpt-5"), ["web_search", "code_interpreter", "web_search"])
    assert chosen.tools == [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}]
    assert chosen.parameters == {"max_tool_calls": 4}
    assert chosen.api == "responses"


def test_a_tool_may_be_sent_as_a_parameter():
    """For some providers, a parameter at the top level of the request enables the search."""
    chosen = check_built_in_tools(CATALOG.route("perplexity", "sonar"), ["wide_web_search"])
    assert chosen.tools == []
    assert chosen.parameters == {"web_search_options": {"search_context_size": "high"}}
    assert chosen.api == "chat"


@pytest.mark.parametrize(("model", "api"), [("gpt-5", "chat"), ("gpt-5.5-pro", "responses")])
def test_without_tools_the_request_is_unchanged(model: str, api: str):
    """Without tools, there are no additional fields, and the model's default API is used."""
    chosen = check_built_in_tools(CATALOG.route("openai", model), [])
    assert (chosen.tools, chosen.parameters, chosen.api) == ([], {}, api)


def test_an_unknown_tool_is_refused():
    """The error suggests a similar name, lists all tools, or says that there are none."""
    openai = CATALOG.route("openai", "gpt-5")
    with pytest.raises(UnknownBuiltInTool, match=r"no built-in tool 'websearch'\. Did you mean web_search\?"):
        check_built_in_tools(openai, ["websearch"])
    with pytest.raises(UnknownBuiltInTool, match=r"Available: web_search, code_interpreter\."):
        check_built_in_tools(openai, ["xyz"])
    with pytest.raises(UnknownBuiltInTool, match=r"It has none\."):
        check_built_in_tools(CATALOG.route("local", "smollm2-135m-instruct"), ["web_search"])


def test_every_tool_of_every_model_can_be_chosen():
    """Each tool adds fields to the request. Changes to the result do not affect later calls."""
    for slug, provider in CATALOG.list_providers().items():
        for model, info in provider.models.items():
            route = CATALOG.route(slug, model)
            for tool in info.built_in_tools:
                first = check_built_in_tools(route, [tool.id])
                assert first.tools or first.parameters
                for given in first.tools:
                    given.clear()
                second = check_built_in_tools(route, [tool.id])
                assert all(second.tools)
