"""Built-in tools: ids in, request out."""

import pytest

from shared.llm.catalog import Catalog, UnknownBuiltInTool, check_built_in_tools
from tests.llm.catalog.environs import EVERYTHING

CATALOG = Catalog.load(EVERYTHING)


def test_a_tool_of_openai_brings_the_responses_api():
    """The chat API has no such tools, so the request must go through the other."""
    chosen = check_built_in_tools(CATALOG.route("openai", "gpt-5"), ["web_search", "code_interpreter", "web_search"])
    assert chosen.tools == [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}]
    assert chosen.parameters == {"max_tool_calls": 4}
    assert chosen.api == "responses"


def test_a_tool_may_be_a_parameter():
    """Some providers switch search on at the top level of the request."""
    chosen = check_built_in_tools(CATALOG.route("perplexity", "sonar"), ["wide_web_search"])
    assert chosen.tools == []
    assert chosen.parameters == {"web_search_options": {"search_context_size": "high"}}
    assert chosen.api == "chat"


@pytest.mark.parametrize(("model", "api"), [("gpt-5", "chat"), ("gpt-5.5-pro", "responses")])
def test_without_tools_the_request_stays_as_it_is(model: str, api: str):
    """No tools, no parameters, the model's own API."""
    chosen = check_built_in_tools(CATALOG.route("openai", model), [])
    assert (chosen.tools, chosen.parameters, chosen.api) == ([], {}, api)


def test_an_unknown_tool_is_refused():
    """With the near name, or all there is, or that there is none."""
    openai = CATALOG.route("openai", "gpt-5")
    with pytest.raises(UnknownBuiltInTool, match=r"no built-in tool 'websearch'\. Did you mean web_search\?"):
        check_built_in_tools(openai, ["websearch"])
    with pytest.raises(UnknownBuiltInTool, match=r"There are: web_search, code_interpreter\."):
        check_built_in_tools(openai, ["xyz"])
    with pytest.raises(UnknownBuiltInTool, match=r"It has none\."):
        check_built_in_tools(CATALOG.route("local", "smollm2-135m-instruct"), ["web_search"])


def test_every_tool_of_every_model_can_be_chosen():
    """Each id on the wire stands for something in the request, and a second choice finds it unharmed."""
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
