"""Functions in calls: each provider gets them in its own form, and the model's calls come back in one form."""

import json
import re
from typing import Any

import pytest

from shared.llm.catalog import Catalog, CatalogError, InvalidMessages, InvalidParameters, ModelRoute
from shared.llm.catalog.data import list_provider_slugs
from shared.llm.catalog.provider_info import describe_provider
from shared.llm.completion import complete
from shared.llm.estimate import bound_cost, fit_output
from shared.models.conversation import CompletionRequest
from shared.models.money import to_micros
from shared.settings import Settings
from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import anthropic, chat, converse, gemini, responses
from tests.images import image_part
from tests.llm.catalog.environs import EVERYTHING
from tests.llm.conftest import MODELS, Providers
from tests.llm.forms_streamed import DISTINCT_FORMS, Form
from tests.llm.wire import leaves

SETTINGS = Settings()
CATALOG = Catalog.load(EVERYTHING)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "Returns the weather.", "parameters": SCHEMA}
NOW = {"name": "now"}
HI = {"role": "user", "content": "hi"}
CALLS = [
    {"id": "call_1", "name": "weather", "arguments": '{"city": "Köln"}'},
    {"id": "call_2", "name": "now", "arguments": ""},
]
RESULTS = [
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny and 20°"},
    {"role": "tool", "tool_call_id": "call_2", "content": '{"hour": 12}'},
]
HISTORY = [HI, {"role": "assistant", "content": None, "tool_calls": CALLS}, *RESULTS]
CALLING = [
    CATALOG.route(provider, model)
    for provider in list_provider_slugs()
    for model, info in describe_provider(provider).models.items()
    if "function_calling" in info.abilities
]
FORM_MODELS = {
    "chat": ("openai", "gpt-4.1-mini", {}),
    "responses": ("openai", "gpt-5-mini", {"reasoning_effort": "low"}),
    "messages": ("anthropic", "claude-haiku-4-5", {}),
    "gemini": ("gemini", "gemini-3.5-flash", {}),
    "converse": ("bedrock", "us.amazon.nova-2-lite-v1:0", {}),
    "openrouter": ("openrouter", "openai/gpt-5-mini", {}),
    "ollama": ("ollama", "llama3.2", {}),
}
EVERY_FORM = pytest.mark.parametrize("form", FORM_MODELS)


def request_of(route: ModelRoute, messages: Any = (HI,), **fields: Any) -> CompletionRequest:
    body = {"messages": messages, "provider": route.provider, "model": route.model, "functions": [WEATHER, NOW]}
    return CompletionRequest.model_validate({**body, **fields})


def write_call(form: str) -> dict[str, Any]:
    """Returns an answer in this form that calls the function, and says nothing."""
    match form:
        case "responses":
            call = {"type": "function_call", "id": "f", "call_id": "c", "name": "weather"}
            return responses({**call, "arguments": '{"city": "Köln"}'})
        case "messages":
            call = {"type": "tool_use", "id": "c", "name": "weather", "input": {"city": "Köln"}}
            return anthropic(call, stop_reason="tool_use")
        case "gemini":
            return gemini({"functionCall": {"id": "c", "name": "weather", "args": {"city": "Köln"}}})
        case "converse":
            call = {"toolUseId": "c", "name": "weather", "input": {"city": "Köln"}}
            return converse({"toolUse": call}, stop_reason="tool_use")
        case "ollama":
            call = {"function": {"name": "weather", "arguments": {"city": "Köln"}}}
            return {"model": "m", "message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": True}
        case _:
            function = {"name": "weather", "arguments": '{"city": "Köln"}'}
            call = {"id": "c", "type": "function", "function": function}
            return chat(None, "tool_calls", message={"tool_calls": [call]})


@EVERY_FORM
async def test_functions_are_sent_and_calls_are_returned(providers: Providers, form: str) -> None:
    """The name, the description and the schema arrive. The answer has no text, and the call in OpenAI's form."""
    provider, model, parameters = FORM_MODELS[form]
    route = providers.catalog.route(provider, model)
    providers.server.script("hi", Wire(write_call(form)))
    result = await complete(route, request_of(route, parameters=parameters), 10)
    assert result.content == ""
    (call,) = result.thoughts["tool_calls"]
    assert call["type"] == "function"
    assert call["function"]["name"] == "weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Köln"}
    assert call["id"]
    sent = [*leaves(providers.call.body)]
    assert {"weather", "Returns the weather.", "now", "city"} <= {leaf for leaf in sent if isinstance(leaf, str)}
    assert result.cost > 0 or not route.charged


@EVERY_FORM
async def test_results_are_sent_with_their_calls(providers: Providers, form: str) -> None:
    """A conversation with calls and results arrives completely, with the arguments as JSON."""
    provider, model, parameters = FORM_MODELS[form]
    route = providers.catalog.route(provider, model)
    for prompt in ("hi", ""):  # in some forms, the last message of the user has only the results
        providers.server.script(prompt, Wire(write_call(form)))
    await complete(route, request_of(route, HISTORY, parameters=parameters), 10)
    body = json.dumps(providers.server.calls[-1].body, ensure_ascii=False)
    for text in ("Köln", "sunny and 20°", "hour", "weather"):
        assert text in body, text


@pytest.mark.parametrize("form", [form for form in DISTINCT_FORMS if form.name != "ollama"], ids=lambda form: form.name)
async def test_streamed_calls_are_returned(providers: Providers, form: Form) -> None:
    """A streamed answer has the same calls as a complete one."""
    provider, model, parameters = FORM_MODELS[form.name]
    route = providers.catalog.route(provider, model)
    document = form.write("Let me see.", "")
    step = Wire(form.stream(document, lambda text: [text]), content_type=form.content_type)
    providers.server.script("hi", step)
    result = await complete(route, request_of(route, parameters=parameters, stream=True), 10)
    assert result.content.endswith("Let me see.")
    assert result.thoughts["tool_calls"][0]["function"]["name"] == "weather"


CHOICES = {
    "chat": ({"tool_choice": "required"}, {"type": "function", "function": {"name": "weather"}}),
    "openrouter": ({"tool_choice": "required"}, {"type": "function", "function": {"name": "weather"}}),
    "responses": ({"tool_choice": "required"}, {"type": "function", "name": "weather"}),
    "messages": ({"tool_choice": {"type": "any"}}, {"type": "tool", "name": "weather"}),
    "converse": ({"toolChoice": {"any": {}}}, {"tool": {"name": "weather"}}),
    "gemini": (
        {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        {"functionCallingConfig": {"mode": "ANY", "allowed_function_names": ["weather"]}},
    ),
}


@pytest.mark.parametrize("form", CHOICES)
async def test_a_choice_arrives(providers: Providers, form: str) -> None:
    """A model can be made to call any function, or a certain one."""
    provider, model, parameters = FORM_MODELS[form]
    route = providers.catalog.route(provider, model)
    required, named = CHOICES[form]
    for choice, expected in (("required", next(iter(required.values()))), ("function:weather", named)):
        providers.server.script("hi", Wire(write_call(form)))
        await complete(route, request_of(route, parameters=parameters, tool_choice=choice), 10)
        body = providers.server.calls[-1].body
        if form == "converse":
            body = body["toolConfig"]
        (name,) = required
        assert body[name] == expected


@pytest.mark.parametrize("form", ["chat", "responses", "messages", "openrouter"])
async def test_a_model_can_be_limited_to_one_call(providers: Providers, form: str) -> None:
    """`parallel_tool_calls` is sent if it is False, which is not what providers do by themselves."""
    provider, model, parameters = FORM_MODELS[form]
    route = providers.catalog.route(provider, model)
    for limited in (True, False):
        providers.server.script("hi", Wire(write_call(form)))
        await complete(route, request_of(route, parameters=parameters, parallel_tool_calls=limited), 10)
        sent = json.dumps(providers.server.calls[-1].body)
        assert ('"parallel_tool_calls": false' in sent or '"disable_parallel_tool_use": true' in sent) is not limited


@pytest.mark.parametrize("route", CALLING, ids=lambda route: route.name)
def test_every_choice_is_accepted_or_refused_with_an_explanation(route: ModelRoute) -> None:
    """What a model does not accept is refused in advance, in words that name the model and the field."""
    for choice in ("none", "required", "function:weather"):
        request = request_of(route, tool_choice=choice)
        if choice.partition(":")[0] in route.functions.choices:
            assert bound_cost(route, request, SETTINGS).maximum > 0 or not route.charged
        else:
            with pytest.raises(InvalidParameters, match=f"{re.escape(route.name)} does not accept the tool_choice"):
                bound_cost(route, request, SETTINGS)
    bound_cost(route, request_of(route, tool_choice="auto", parallel_tool_calls=True), SETTINGS)
    bound_cost(route, request_of(route, HISTORY), SETTINGS)


@pytest.mark.parametrize("form", ["chat", "responses", "messages", "converse", "openrouter"])
async def test_functions_beside_built_in_tools(providers: Providers, form: str) -> None:
    """Both kinds of tools arrive, where the provider allows it."""
    provider, model, parameters = FORM_MODELS[form]
    route = providers.catalog.route(provider, model)
    tool = route.info.built_in_tools[0].id
    providers.server.script("hi", Wire(write_call("responses" if provider == "openai" else form)))
    await complete(route, request_of(route, parameters=parameters, built_in_tools=[tool]), 10)
    body = json.dumps(providers.call.body)
    assert '"weather"' in body
    assert any(word in body for word in ("web_search", "nova_grounding", '"plugins"'))


@pytest.mark.parametrize(
    ("provider", "fields", "said"),
    [
        ("perplexity", {}, "cannot call functions"),
        ("local", {}, "cannot call functions"),
        ("local", {"functions": [], "messages": HISTORY}, "cannot call functions"),
        ("anthropic", {"functions": [], "messages": HISTORY}, "needs the tools again"),
        ("openai", {"functions": [WEATHER, WEATHER]}, "have the name 'weather'"),
        ("openai", {"functions": [{"name": "f", "parameters": {"type": "string"}}]}, "must describe an object"),
        ("openai", {"tool_choice": "function:other"}, "not one of the tools"),
        ("openai", {"functions": [], "tool_choice": "required"}, "needs tools"),
        ("gemini", {"built_in_tools": ["google_search"]}, "together with built-in tools"),
        ("gemini", {"parallel_tool_calls": False}, "one call at a time"),
        ("bedrock", {"tool_choice": "none"}, "tool_choice none"),
        ("anthropic", {"parameters": {"reasoning_effort": "low"}, "tool_choice": "required"}, "forces a call"),
        ("anthropic", {"parameters": {"reasoning_effort": "low"}, "messages": HISTORY}, "results of functions"),
    ],
)
def test_what_cannot_be_sent_is_refused(provider: str, fields: dict[str, Any], said: str) -> None:
    """The error is known before anything is held, stored or sent, and says what to change."""
    route = CATALOG.route(provider, MODELS[provider])
    with pytest.raises(CatalogError, match=said):
        bound_cost(route, request_of(route, **fields), SETTINGS)


ASSISTANT = {"role": "assistant", "content": "", "tool_calls": CALLS}


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([HI, ASSISTANT], "has no result"),
        ([HI, ASSISTANT, RESULTS[0]], "'call_2' has no result"),
        ([HI, ASSISTANT, RESULTS[0], HI], "'call_2' has no result"),
        ([HI, ASSISTANT, *RESULTS, RESULTS[0]], "answers no call"),
        ([HI, RESULTS[0]], "answers no call"),
        ([HI, ASSISTANT, {**RESULTS[0], "tool_call_id": None}, RESULTS[1]], "answers no call"),
        ([HI, {**ASSISTANT, "tool_calls": [CALLS[0], CALLS[0]]}, RESULTS[0]], "same id"),
        ([{**HI, "tool_calls": CALLS}, *RESULTS], "Only messages of the assistant"),
        ([HI, {**ASSISTANT, "tool_calls": [{**CALLS[0], "arguments": "[1]"}]}, RESULTS[0]], "not a JSON object"),
        ([HI, {**ASSISTANT, "tool_calls": [{**CALLS[0], "arguments": "{"}]}, RESULTS[0]], "not a JSON object"),
        ([HI, ASSISTANT, {**RESULTS[0], "content": [image_part()]}, RESULTS[1]], "Only messages of the user"),
    ],
)
def test_calls_and_results_must_match(messages: list[dict[str, Any]], said: str) -> None:
    """Each call has one result, directly after it. Providers would refuse anything else, or misunderstand it."""
    route = CATALOG.route("openai", "gpt-4.1-mini")
    with pytest.raises(InvalidMessages, match=said):
        bound_cost(route, request_of(route, messages), SETTINGS)


def test_an_empty_result_is_a_result() -> None:
    """It is sent although its text is empty, unlike other empty messages."""
    route = CATALOG.route("openai", "gpt-4.1-mini")
    empty = [{**result, "content": ""} for result in RESULTS]
    assert bound_cost(route, request_of(route, [HI, ASSISTANT, *empty]), SETTINGS).maximum > 0


async def test_a_blank_result_is_sent_to_bedrock_as_json(providers: Providers) -> None:
    """Bedrock refuses blank texts, so the result is an empty JSON string. Elsewhere, it stays empty."""
    provider, model, _ = FORM_MODELS["converse"]
    messages = [HI, {**ASSISTANT, "tool_calls": [CALLS[0]]}, {**RESULTS[0], "content": " \n"}]
    providers.server.script("", Wire(write_call("converse")))
    route = providers.catalog.route(provider, model)
    await complete(route, request_of(route, messages), 10)
    (result,) = providers.call.body["messages"][-1]["content"]
    assert result["toolResult"]["content"] == [{"text": '""'}]


@EVERY_FORM
@pytest.mark.parametrize("functions", [1, 40])
async def test_the_bound_covers_what_is_sent(providers: Providers, form: str, functions: int) -> None:
    """The hold covers the cost that is estimated from the request's bytes if the provider does not count tokens."""
    provider, model, parameters = FORM_MODELS[form]
    route = providers.catalog.route(provider, model)
    chosen = [{**WEATHER, "name": f"weather_{number}"} for number in range(functions)]
    calls = [{**CALLS[0], "id": f"call_{number}", "name": "weather_0"} for number in range(functions)]
    results = [{**RESULTS[1], "tool_call_id": call["id"]} for call in calls]
    messages = [HI, {**ASSISTANT, "tool_calls": calls}, *results]
    request = request_of(
        route, messages, functions=chosen, parameters={**parameters, "max_tokens": 500}, parallel_tool_calls=None
    )
    bounds = bound_cost(route, request, SETTINGS)
    counts = ("usage", "usageMetadata", "prompt_eval_count", "eval_count")
    answer = {name: value for name, value in write_call(form).items() if name not in counts}
    providers.server.script("hi", Wire(answer))
    providers.server.script("", Wire(answer))  # the last message of the user has only results in some forms
    result = await complete(route, fit_output(route, request, bounds.maximum), 10)
    assert to_micros(result.cost) <= bounds.maximum
    assert result.usage.prompt_tokens >= providers.server.calls[-1].size // 4
    assert result.cost > 0 or not route.charged
