"""The cost of answers and failed calls: reported by the provider, computed from tokens, or estimated from bytes."""

import gzip
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from shared.llm.completion import complete
from shared.llm.estimate import bound_cost
from shared.llm.exchange import MAX_BODY_BYTES
from shared.llm.failures import ModelFailure
from shared.models.chat import ChatRequest, ChatResult
from shared.models.money import to_micros
from shared.settings import Settings
from tests.doubles.model_server import BrokenConnection, Fail, UnfinishedStream, Wire
from tests.doubles.provider_responses import DONE, anthropic, chat, delta, event, gemini, output_text, responses
from tests.llm.conftest import MODELS, Providers

SECOND = 1_000_000
STREAM = "text/event-stream"
ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
SEARCHED = {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search", "query": "q"}}
OPENED = {**SEARCHED, "action": {"type": "open_page", "url": "https://a.example/"}}


def estimate_tokens(sent: float, received: float) -> tuple[int, int]:
    """Returns the estimated tokens of the bytes sent and received."""
    return math.ceil(sent / 4), math.ceil(received / 4)


def check_estimated(providers: Providers, outcome: ChatResult | ModelFailure, received: float) -> None:
    """Checks that the outcome has the estimated tokens and cost of the bytes sent and received."""
    prompt, completion = estimate_tokens(providers.call.size, received)
    assert outcome.usage is not None
    assert (outcome.usage.prompt_tokens, outcome.usage.completion_tokens) == (prompt, completion)
    assert outcome.usage.estimated
    assert outcome.cost == pytest.approx(providers.cost("openai", prompt, completion))


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.0123}, 0.0123),
        ({"cost": 1}, 1),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.036}}, 0.036),
        ({"cost": 0.002, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.036}}, 0.038),
        ({"cost": 0.04, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.036}}, 0.04),
        ({"cost": {"total_cost": 0.006, "request_cost": 0.005}}, 0.006),
    ],
)
async def test_a_reported_cost_is_used(providers: Providers, usage: dict[str, Any], cost: float) -> None:
    """A reported cost is used. With the user's own key at OpenRouter, it is the upstream cost plus OpenRouter's fee."""
    body = chat(usage={"prompt_tokens": 1000, "completion_tokens": 500, **usage})
    assert (await providers.ask("openrouter", Wire(body))).cost == pytest.approx(cost)


@pytest.mark.parametrize(
    "cost",
    [
        "true",
        '"1"',
        "-1",
        "NaN",
        "Infinity",
        "1e999",
        "null",
        "1" + "0" * 400,
        "[1]",
        "{}",
        '{"total_cost": true}',
        "0",
    ],
)
async def test_an_invalid_cost_is_ignored(providers: Providers, cost: str) -> None:
    """If the reported cost is invalid, the tokens determine the cost."""
    usage = f'{{"prompt_tokens": 1000, "completion_tokens": 500, "cost": {cost}}}'
    body = chat(usage="?")
    text = json.dumps(body).replace('"?"', usage)
    assert (await providers.ask("openai", Wire(text.encode()))).cost == pytest.approx(
        providers.cost("openai", 1000, 500)
    )


@pytest.mark.parametrize("usage", [None, {}, "?", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}])
@pytest.mark.parametrize("stream", [False, True])
async def test_missing_counts_are_estimated(providers: Providers, usage: Any, stream: bool) -> None:
    """The tokens are estimated from the whole request and from the answer, the thoughts and the tool arguments."""
    message: dict[str, Any] = {
        "content": "Grüße",
        "reasoning_content": "Hm. ",
        "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
    }
    step = Wire(chat(message=message, usage=usage))
    if stream:
        step = Wire(
            [delta(**message), delta("stop"), event({"choices": [], "usage": usage}), DONE], content_type=STREAM
        )
    format_ = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    result = await providers.ask("openai", step, stream=stream, parameters={"response_format": format_})
    check_estimated(providers, result, len("Grüße".encode()) + len("Hm. ") + len('{"a": 1}'))


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10.0, "completion_tokens": 4.2},
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": True},
        {"prompt_tokens": 9.5, "completion_tokens": 5, "total_tokens": -1},
    ],
)
async def test_tokens_may_be_fractions(providers: Providers, usage: dict[str, Any]) -> None:
    """Fractional token counts are rounded up."""
    result = await providers.ask("openai", Wire(chat(usage=usage)))
    assert result.usage.model_dump() == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.mark.parametrize(
    "usage",
    [{"prompt_tokens": 10, "total_tokens": 910}, {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 910}],
)
async def test_tokens_that_only_the_total_includes_belong_to_the_answer(
    providers: Providers, usage: dict[str, Any]
) -> None:
    """The rest of the total belongs to the answer, including thoughts that are not shown."""
    result = await providers.ask("openai", Wire(chat(usage=usage)))
    assert (result.usage.completion_tokens, result.usage.estimated) == (900, False)


@pytest.mark.parametrize(
    ("usage", "completion"),
    [
        ({"completion_tokens": 5, "total_tokens": 915, "completion_tokens_details": {"reasoning_tokens": 900}}, 905),
        ({"completion_tokens": 5, "total_tokens": 915}, 905),
        ({"completion_tokens": 905, "total_tokens": 915, "completion_tokens_details": {"reasoning_tokens": 900}}, 905),
        ({"completion_tokens": 905, "total_tokens": 905, "completion_tokens_details": {"reasoning_tokens": 900}}, 905),
        ({"completion_tokens": 5, "total_tokens": 915, "reasoning_tokens": 900}, 905),
        ({"completion_tokens": 5, "total_tokens": 15, "reasoning_tokens": 900}, 905),
        ({"completion_tokens": 5, "total_tokens": 315, "citation_tokens": 300}, 5),
    ],
)
async def test_thoughts_in_addition_to_the_answer_are_charged_once(
    providers: Providers, usage: dict[str, Any], completion: int
) -> None:
    """Thoughts are charged once, whether they are counted in the total, in addition to it, or as part of the answer."""
    result = await providers.ask("openai", Wire(chat(usage={"prompt_tokens": 10, **usage})))
    assert (result.usage.completion_tokens, result.usage.estimated) == (completion, False)
    assert result.cost == pytest.approx(providers.cost("openai", 10, completion))


async def test_an_impossible_total_ends_the_call(providers: Providers) -> None:
    """An impossible total ends the call, because it would otherwise be charged."""
    usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10**9}
    failed = await providers.failure("openai", Wire(chat("Hello.", usage=usage)))
    assert failed.message == "OpenAI reports an impossible usage."
    check_estimated(providers, failed, 6)


@pytest.mark.parametrize("invalid", ["true", "-5", "NaN", '"7"', "1e999"])
async def test_invalid_counts_are_estimated(providers: Providers, invalid: str) -> None:
    """Invalid counts are treated as missing."""
    text = json.dumps(chat("Hello.", usage={"prompt_tokens": "?", "completion_tokens": "?"}))
    result = await providers.ask("openai", Wire(text.replace('"?"', invalid).encode()))
    check_estimated(providers, result, 6)


@pytest.mark.parametrize(
    "usage",
    [
        '{"prompt_tokens": 1e19, "completion_tokens": 5}',
        '{"prompt_tokens": 5, "completion_tokens": 1e21}',
        '{"prompt_tokens": 5, "completion_tokens": 20000001}',
        '{"prompt_tokens": 1' + "0" * 400 + ', "completion_tokens": 5}',
        '{"prompt_tokens": 5, "completion_tokens": 5, "cost": 1e13}',
        '{"prompt_tokens": 5, "completion_tokens": 5, "cost": 1e300}',
        '{"prompt_tokens": 5, "completion_tokens": 5, "cost": 1000.01}',
    ],
)
async def test_an_impossible_usage_ends_the_call(providers: Providers, usage: str) -> None:
    """The call fails permanently with an estimated cost."""
    text = json.dumps(chat("Hello.", usage="?")).replace('"?"', usage)
    failed = await providers.failure("openai", Wire(text.encode()))
    assert (failed.message, failed.transient) == ("OpenAI reports an impossible usage.", False)
    check_estimated(providers, failed, 6)


@pytest.mark.parametrize("uses", ["1" + "0" * 12, "1" + "0" * 400])
async def test_impossible_numbers_of_uses_end_the_call(providers: Providers, uses: str) -> None:
    """An impossible number of tool uses ends the call and is charged as one use."""
    text = json.dumps(anthropic(usage={"input_tokens": 5, "server_tool_use": {"web_search_requests": "?"}}))
    step = Wire(text.replace('"?"', uses).encode())
    failed = await providers.failure("anthropic", step, built_in_tools=["web_search"])
    assert (failed.message, failed.transient) == ("Anthropic reports an impossible usage.", False)
    assert 0.01 <= failed.cost < 0.02
    answer: dict[str, Any] = {"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
    text = json.dumps({"choices": [answer], "usage": {"prompt_tokens": 5, "num_search_queries": "?"}})
    step = Wire(text.replace('"?"', uses).encode())
    failed = await providers.failure("perplexity", step, model="sonar-deep-research")
    assert 0.005 <= failed.cost < 0.006


async def test_tokens_with_an_impossible_cost_end_the_call(providers: Providers) -> None:
    """Token counts that are possible for a cheaper model end the call if their cost is impossible."""
    step = Wire(chat("Hello.", usage={"prompt_tokens": 20_000_000, "completion_tokens": 20_000_000}))
    failed = await providers.failure("openai", step, model="gpt-5.5")
    assert (failed.message, failed.transient) == ("OpenAI reports an impossible usage.", False)
    assert failed.cost < 0.01


@pytest.mark.parametrize("missing", [1, 5])
async def test_the_text_of_an_incomplete_event_is_charged(providers: Providers, missing: int) -> None:
    """The text of an event without a final line break is charged, because the provider bills it."""
    step = Wire([delta(content="four" * 5000)[:-missing]], content_type=STREAM, cut=True)
    failed = await providers.failure("openai", step, stream=True)
    assert failed.usage is not None
    assert failed.usage.completion_tokens >= 5000


@pytest.mark.parametrize("usage", [{"prompt_tokens": 10**19}, {"prompt_tokens": 5, "cost": 1e13}])
async def test_an_impossible_usage_of_a_lost_stream_is_ignored(providers: Providers, usage: dict[str, Any]) -> None:
    """If a lost stream has an impossible usage, the cost is estimated from the bytes sent and received."""
    counted = event({"choices": [], "usage": usage})
    failed = await providers.failure(
        "openai", Wire([delta(content="Half of"), counted], content_type=STREAM, cut=True), stream=True
    )
    check_estimated(providers, failed, 7)


async def test_cached_tokens_have_separate_prices(providers: Providers) -> None:
    """Prompt tokens from the provider's cache are cheaper, in whichever field they are counted."""
    prices = providers.catalog.get_model("openai", "gpt-4.1-mini").prices
    assert prices is not None
    assert prices.cached_input
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 400}}
    result = await providers.ask("openai", Wire(chat("", usage=usage)))
    assert result.cost == pytest.approx((600 * prices.input + 400 * prices.cached_input) / SECOND)
    prices = providers.catalog.get_model("anthropic", "claude-haiku-4-5").prices
    assert prices is not None
    assert prices.cached_input
    assert prices.cache_write
    usage = {
        "input_tokens": 100,
        "cache_read_input_tokens": 400,
        "cache_creation_input_tokens": 500,
        "output_tokens": 0,
    }
    result = await providers.ask("anthropic", Wire(anthropic(usage=usage)))
    expected = 100 * prices.input + 400 * prices.cached_input + 500 * prices.cache_write
    assert result.cost == pytest.approx(expected / SECOND)
    assert result.usage.prompt_tokens == 1000


async def test_a_long_prompt_has_a_higher_price(providers: Providers) -> None:
    """The price for long prompts applies to the whole request."""
    model = "gemini-2.5-pro"
    prices = providers.catalog.get_model("gemini", model).prices
    assert prices is not None
    assert prices.above_tokens
    assert prices.input_above
    assert prices.output_above
    body = gemini({"text": "yes"})
    body["usageMetadata"] = {"promptTokenCount": prices.above_tokens + 1, "candidatesTokenCount": 10}
    result = await providers.ask("gemini", Wire(body), model=model)
    expected = (prices.above_tokens + 1) * prices.input_above + 10 * prices.output_above
    assert result.cost == pytest.approx(expected / SECOND)


async def test_thoughts_of_gemini_are_charged(providers: Providers) -> None:
    """Thoughts, text that tools read, and answers that only the total includes are charged."""
    body = gemini({"text": "yes"})
    counts = {"promptTokenCount": 100, "candidatesTokenCount": 5, "thoughtsTokenCount": 50}
    body["usageMetadata"] = {**counts, "toolUsePromptTokenCount": 7, "totalTokenCount": 162}
    result = await providers.ask("gemini", Wire(body))
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (107, 55)
    body["usageMetadata"] = {"promptTokenCount": 100, "totalTokenCount": 160}
    result = await providers.ask("gemini", Wire(body))
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (100, 60)


@pytest.mark.parametrize(
    ("provider", "model", "tool", "body", "uses"),
    [
        (
            "anthropic",
            None,
            "web_search",
            anthropic({"type": "text", "text": "yes"}, usage={"server_tool_use": {"web_search_requests": 3}}),
            3,
        ),
        ("anthropic", None, "web_search", anthropic({"type": "text", "text": "yes"}), 0),
        ("openai", None, "web_search", responses(SEARCHED, SEARCHED, OPENED, SEARCHED, output_text("yes")), 3),
        (
            "openai",
            None,
            "web_search",
            responses(
                SEARCHED,
                SEARCHED,
                SEARCHED,
                output_text("yes", {"type": "url_citation", "url": "https://a.example/", "title": "A"}),
            ),
            3,
        ),
        ("openai", None, "web_search", responses(output_text("yes")), 0),
        (
            "openai",
            None,
            "code_interpreter",
            responses(
                {"type": "code_interpreter_call", "id": "i", "code": "1", "container_id": "c1", "outputs": []},
                {"type": "code_interpreter_call", "id": "j", "code": "2", "container_id": "c1", "outputs": []},
                output_text("yes"),
            ),
            1,
        ),
        (
            "gemini",
            "gemini-3.5-flash",
            "google_search",
            gemini({"text": "yes"}, groundingMetadata={"webSearchQueries": ["a", "b", ""]}),
            2,
        ),
        (
            "gemini",
            "gemini-2.5-flash",
            "google_search",
            gemini({"text": "yes"}, groundingMetadata={"webSearchQueries": ["a", "b", ""]}),
            1,
        ),
        ("gemini", "gemini-2.5-flash", "google_search", gemini({"text": "yes"}), 0),
        ("perplexity", None, "wide_web_search", chat(), 1),
    ],
)
async def test_built_in_tools_are_charged_by_use(
    providers: Providers, provider: str, model: str | None, tool: str, body: Any, uses: int
) -> None:
    """Each search or container is charged, or each answer if the provider bills by answer."""
    chosen: dict[str, Any] = {"model": model} if model else {}
    result = await providers.ask(provider, Wire(body), builtInTools=[tool], **chosen)
    (call,) = providers.server.calls
    assert call.body
    route = providers.catalog.route(provider, model or result.model.partition("/")[2])
    request = route.request_fee.per_use if route.request_fee else 0
    tokens = providers.cost(provider, 1000, 500, model)
    assert result.cost == pytest.approx(tokens + request + uses * route.tool_fees[tool].per_use)


async def test_thoughts_in_addition_to_an_answer_are_held(providers: Providers) -> None:
    """The hold covers thoughts that Perplexity counts separately and the answer limit does not limit."""
    usage = {"prompt_tokens": 10, "completion_tokens": 16, "reasoning_tokens": 100_000, "citation_tokens": 300_000}
    fields: dict[str, Any] = {"model": "sonar-deep-research", "parameters": {"max_tokens": 16}}
    result = await providers.ask("perplexity", Wire(chat(usage={**usage, "num_search_queries": 50})), **fields)
    request = ChatRequest.model_validate(
        {"messages": [{"role": "user", "content": "hi"}], "provider": "perplexity", **fields}
    )
    route = providers.catalog.route("perplexity", "sonar-deep-research")
    assert to_micros(result.cost) <= bound_cost(route, request, Settings(google_cloud_project="demo-x")).minimum


async def test_a_reported_cost_includes_fees(providers: Providers) -> None:
    """Fees are not added to a reported cost."""
    body = chat(usage={"prompt_tokens": 10, "completion_tokens": 5, "cost": {"total_cost": 0.02}})
    assert (await providers.ask("perplexity", Wire(body), builtInTools=["wide_web_search"])).cost == 0.02


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cost_is_used_only_from_providers_that_report_costs(providers: Providers, stream: bool) -> None:
    """The cost field is ignored for other providers, because its meaning is unknown."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "cost": 0.000001}
    step = Wire(chat(usage=usage))
    if stream:
        step = Wire([delta(content="Hi"), delta("stop"), event({"choices": [], "usage": usage})], content_type=STREAM)
    result = await providers.ask("openai", step, stream=stream)
    assert result.cost == pytest.approx(providers.cost("openai", 1000, 500))
    assert (await providers.ask("openrouter", Wire(chat(usage=usage)))).cost == 0.000001


def usage_event(cost: Any, completion: int = 2, **fields: Any) -> bytes:
    """Returns an event with a usage before the end of a stream."""
    return event(
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": completion, "cost": cost, **fields}}
    )


@pytest.mark.parametrize(
    ("events", "cost"),
    [
        ([usage_event(0.1), delta(content="lo"), delta("stop"), usage_event(0.3)], 0.3),
        ([usage_event(0.1), delta("stop"), usage_event({"total_cost": 0.3})], 0.3),
        ([usage_event(0.3), delta("stop"), usage_event(0)], 0.3),
        ([usage_event(0.3), delta("stop"), usage_event(0.1)], 0.3),
        (
            [
                usage_event(0.1, is_byok=True, cost_details={"upstream_inference_cost": 0.2}),
                delta("stop"),
                usage_event(0.2),
            ],
            0.3,
        ),
    ],
)
async def test_the_highest_cost_in_a_stream_is_used(providers: Providers, events: list[bytes], cost: float) -> None:
    """The highest cost in a stream is used. If the provider adds costs up, it is the last one."""
    result = await ask_stream(providers, [delta(content="Hel"), *events, DONE])
    assert result.cost == pytest.approx(cost)


@pytest.mark.parametrize("end", [[], [delta("stop"), DONE]], ids=["lost", "whole"])
async def test_an_early_cost_does_not_cover_later_text(providers: Providers, end: list[bytes]) -> None:
    """Text after an early cost is charged by its tokens."""
    events = [usage_event(0.000001), delta(reasoning="four" * 5000), *end]
    prompt, completion = 9, 5002
    outcome = await ask_stream(providers, events, max_tokens=completion)
    assert outcome.cost == pytest.approx(providers.cost("openrouter", prompt, completion))


async def ask_stream(providers: Providers, events: list[bytes], **parameters: Any) -> ChatResult | ModelFailure:
    """Returns the outcome of a stream from a provider that reports costs."""
    providers.server.script("hi", Wire(events, content_type=STREAM, cut=True))
    route = providers.catalog.route("openrouter", MODELS["openrouter"])
    fields = {"provider": "openrouter", "model": route.model, "stream": True, "parameters": parameters}
    request = ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}], **fields})
    try:
        return await complete(route, request, 10)
    except ModelFailure as failure:
        return failure


@pytest.mark.parametrize("step", [Fail(400), Fail(429), Fail(500), Fail(503), Wire({"error": {"code": 503}})])
async def test_a_refused_call_costs_nothing(providers: Providers, step: Any) -> None:
    """A call costs nothing if the provider refuses it by its status or with an error instead of an answer."""
    failed = await providers.failure("openai", step)
    assert (failed.cost, failed.usage) == (0, None)


async def test_a_call_that_no_provider_received_costs_nothing(environ: dict[str, str], providers: Providers) -> None:
    """A call costs nothing if no server listens at the address."""
    catalog = providers.catalog.load({**environ, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    failed = await Providers(catalog, providers.server).failure("openai", Fail(500))
    assert (failed.cost, failed.usage) == (0, None)


async def test_a_request_that_litellm_cannot_build_ends_the_call(providers: Providers) -> None:
    """The failure is permanent, because a retry would fail in the same way. Nothing was sent, so nothing is charged."""
    route = replace(providers.catalog.route("anthropic", MODELS["anthropic"]), writes_out_references=False)
    schema = {"type": "object", "properties": {"$ref": {"type": "string"}}}
    format_ = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    fields = {"provider": "anthropic", "model": route.model, "parameters": {"response_format": format_}}
    request = ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}], **fields})
    with pytest.raises(ModelFailure, match="does not accept this kind of request") as raised:
        await complete(route, request, 10)
    assert (raised.value.transient, raised.value.cost, raised.value.usage) == (False, 0, None)
    assert providers.server.calls == []


@pytest.mark.parametrize("limit", [None, 77])
@pytest.mark.parametrize("step", [BrokenConnection(), Wire([b'{"id": "c1", "cho'], cut=True), Wire(delay=30)])
async def test_a_lost_answer_costs_the_limit(providers: Providers, step: Any, limit: int | None) -> None:
    """For a lost answer, the request and its answer limit, or otherwise the model's limit, are charged."""
    parameters = {"max_completion_tokens": limit} if limit else {}
    failed = await providers.failure("openai", step, seconds=0.5, parameters=parameters)
    assert failed.transient
    longest = limit or providers.catalog.get_model("openai", MODELS["openai"]).max_output_tokens
    assert longest
    check_estimated(providers, failed, longest * 4)


@pytest.mark.parametrize(
    "step",
    [Wire([b'{"id": "c1", "cho'], cut=True), Wire(delay=30), Wire(b'{"a": "%s"}' % (b"x" * MAX_BODY_BYTES))],
    ids=["cut", "late", "too long"],
)
@pytest.mark.parametrize(
    ("provider", "model", "tools", "uses", "fee", "added"),
    [
        ("openai", "gpt-4.1-mini", ["web_search"], 4, 0.01, 10_000 * (1 + 2 + 3 + 4)),
        ("anthropic", "claude-haiku-4-5", ["web_search"], 3, 0.01, 20_000 * (1 + 2 + 3)),
        ("gemini", "gemini-3.5-flash", ["google_search"], 10, 0.014, 0),
        ("perplexity", "sonar-deep-research", [], 50, 0.005, 8000 * 50),
        ("perplexity", "sonar", [], 1, 0.005, 0),
    ],
)
async def test_a_lost_answer_costs_all_possible_tool_uses(
    providers: Providers, step: Any, provider: str, model: str, tools: list[str], uses: int, fee: float, added: int
) -> None:
    """All possible tool uses and the text they read are charged, because the answer limit does not limit them."""
    fields: dict[str, Any] = {"model": model, "built_in_tools": tools, "parameters": {"max_tokens": 2000}}
    failed = await providers.failure(provider, step, seconds=1, **fields)
    prompt, _ = estimate_tokens(providers.call.size, 0)
    prompt += uses * prompt + added if added else 0
    thoughts = 128_000 * 3 / 1_000_000 if model == "sonar-deep-research" else 0
    assert failed.cost == pytest.approx(uses * fee + thoughts + providers.cost(provider, prompt, 2000, model))
    request = ChatRequest.model_validate(
        {"messages": [{"role": "user", "content": "hi"}], "provider": provider, **fields}
    )
    bounds = bound_cost(providers.catalog.route(provider, model), request, Settings(google_cloud_project="demo-x"))
    assert to_micros(failed.cost) <= bounds.maximum


@pytest.mark.parametrize(
    ("step", "received"),
    [
        (BrokenConnection(), "Half of"),
        (UnfinishedStream(), "Half of"),
        (Wire([delta(content="Half of")], content_type=STREAM, pause=30), "Half of"),
        (Wire(delay=30), ""),
    ],
)
async def test_a_lost_stream_costs_the_part_that_arrived(providers: Providers, step: Any, received: str) -> None:
    """The request and the received text are charged instead of the limit, because the stream hides nothing."""
    limit = {"max_completion_tokens": 77}
    failed = await providers.failure("openai", step, seconds=1, stream=True, parameters=limit)
    assert failed.transient
    check_estimated(providers, failed, len(received))


@pytest.mark.parametrize(
    ("model", "parameters", "completion"),
    [
        ("gpt-5-mini", {"max_completion_tokens": 77}, 77),
        ("gpt-5-mini", {}, 128_000),
        ("gpt-5.4-mini", {"max_completion_tokens": 77}, 2),
        ("gpt-5.6", {"max_completion_tokens": 77, "reasoning_effort": "none"}, 2),
    ],
)
@pytest.mark.parametrize(
    "step",
    [
        Wire([delta(content="Half of")], content_type=STREAM, cut=True),
        Wire([delta(content="Half of"), DONE], content_type=STREAM),
        Wire([delta(content="Half of")], content_type=STREAM, pause=30),
        Wire([delta(reasoning_content="A sum"), delta(content="up.")], content_type=STREAM, cut=True),
    ],
)
async def test_a_lost_stream_with_hidden_thoughts_costs_the_limit(
    providers: Providers, step: Any, model: str, parameters: dict[str, Any], completion: int
) -> None:
    """The limit is charged for models with hidden thoughts, which are billed. Other models have no thoughts."""
    failed = await providers.failure("openai", step, seconds=1, stream=True, model=model, parameters=parameters)
    assert failed.usage is not None
    assert (failed.usage.completion_tokens, failed.usage.estimated) == (completion, True)
    assert failed.cost == pytest.approx(providers.cost("openai", failed.usage.prompt_tokens, completion, model))


@pytest.mark.parametrize(("model", "completion"), [("gpt-5-mini", 77), ("gpt-5.4-mini", 0)])
@pytest.mark.parametrize("step", [Wire(delay=30), Wire(b"", content_type=STREAM, cut=True)])
async def test_a_missing_stream_with_hidden_thoughts_costs_the_limit(
    providers: Providers, step: Any, model: str, completion: int
) -> None:
    """The limit is charged even if nothing arrived: a model that thinks for a long time may not even send headers."""
    parameters = {"max_completion_tokens": 77}
    failed = await providers.failure("openai", step, seconds=1, stream=True, model=model, parameters=parameters)
    assert failed.usage is not None
    assert (failed.usage.completion_tokens, failed.usage.estimated) == (completion, True)


async def test_a_stream_that_is_lost_after_its_usage_costs_the_usage(providers: Providers) -> None:
    """If a stream is lost after its usage arrived, the usage is charged and not an estimate."""
    counted = event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 500}})
    step = Wire([delta(content="Half of"), counted], content_type=STREAM, cut=True)
    failed = await providers.failure("openai", step, stream=True)
    assert failed.usage is not None
    assert not failed.usage.estimated
    assert failed.cost == pytest.approx(providers.cost("openai", 1000, 500))


@pytest.mark.parametrize(
    "events",
    [
        [],
        [delta(content="")],
        [delta(content="Hi"), event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 2}})],
    ],
    ids=["nothing", "an empty text", "a text with a usage"],
)
@pytest.mark.parametrize(("model", "hidden"), [("gpt-5-mini", True), ("gpt-5.4-mini", False)])
async def test_an_early_usage_does_not_include_all_thoughts(
    providers: Providers, events: list[bytes], model: str, hidden: bool
) -> None:
    """An early usage is not final: a server may count later thoughts only at the end."""
    first = event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 1}})
    fields: dict[str, Any] = {"stream": True, "model": model, "parameters": {"max_completion_tokens": 77}}
    failed = await providers.failure("openai", Wire([first, *events], content_type=STREAM, cut=True), **fields)
    assert failed.usage is not None
    assert (failed.usage.completion_tokens == 77) == hidden
    assert hidden or failed.usage.completion_tokens <= 2


@pytest.mark.parametrize(("model", "completion"), [("gpt-5-mini", 77), ("gpt-5.4-mini", 1)])
async def test_a_usage_before_the_end_does_not_include_all_thoughts(
    providers: Providers, model: str, completion: int
) -> None:
    """A usage before the end is not final even if the answer is complete."""
    counted = event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 1}})
    step = Wire([delta(content="Hi"), counted, delta("stop"), DONE], content_type=STREAM)
    parameters = {"max_completion_tokens": 77}
    result = await providers.ask("openai", step, stream=True, model=model, parameters=parameters)
    assert result.usage.completion_tokens == completion


async def test_a_usage_in_the_middle_does_not_lower_the_estimate(providers: Providers) -> None:
    """A usage that covers only one event does not lower the estimate."""
    counted = event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 1}})
    step = Wire([delta(content="four" * 100), counted], content_type=STREAM, cut=True)
    failed = await providers.failure("openai", step, stream=True)
    assert failed.usage is not None
    assert (failed.usage.completion_tokens, failed.usage.estimated) == (100, True)


@pytest.mark.parametrize("model", ["gpt-5-mini", "gpt-5.4-mini"])
async def test_a_usage_at_the_end_is_complete(providers: Providers, model: str) -> None:
    """A usage with the finish reason or after it is complete."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 9}
    ends = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    for end in ([event(ends)], [delta("stop"), event({"choices": [], "usage": usage})]):
        step = Wire([delta(content="Hi"), *end, DONE], content_type=STREAM)
        result = await providers.ask("openai", step, stream=True, model=model)
        assert (result.usage.completion_tokens, result.usage.estimated) == (9, False)


@pytest.mark.parametrize("model", ["gpt-5-mini", "gpt-5.4-mini"])
@pytest.mark.parametrize(
    "step",
    [
        Wire([delta(content="Hi"), delta("stop")], content_type=STREAM, cut=True),
        Wire([delta(content="Hi"), delta("stop"), DONE], content_type=STREAM),
        Wire([delta(content="Hi"), delta("stop"), event({"choices": [], "usage": ZEROS}), DONE], content_type=STREAM),
    ],
)
async def test_a_stream_that_ends_without_a_usage_may_have_thoughts(
    providers: Providers, step: Any, model: str
) -> None:
    """The limit is charged for models with hidden thoughts, which are billed although only the text arrived."""
    parameters = {"max_completion_tokens": 77}
    result = await providers.ask("openai", step, stream=True, model=model, parameters=parameters)
    completion = 77 if model == "gpt-5-mini" else 1
    assert (result.content, result.usage.completion_tokens, result.usage.estimated) == ("Hi", completion, True)


@pytest.mark.parametrize(
    "unknown",
    [
        {"reasoning_details": [{"type": "reasoning.text", "text": "four" * 50, "format": "unknown", "index": 0}]},
        {"audio": {"id": "a", "transcript": "four" * 50}},
        {"function_call": {"name": "f", "arguments": "four" * 50}},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "four" * 50}]}]},
        {"unknown": {"deep": [[[{"deeper": "four" * 50}]]]}},
        {"reasoning": "four" * 50, "reasoning_details": [{"type": "reasoning.text", "text": "four" * 50}]},
    ],
)
@pytest.mark.parametrize("counted", [0, 7])
async def test_text_in_unknown_fields_of_a_stream_is_charged_once(
    providers: Providers, unknown: dict[str, Any], counted: int
) -> None:
    """Text in unknown fields is charged once, because the model wrote it. Labels are not charged."""
    usage = [event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": counted}})] if counted else []
    step = Wire([delta(role="assistant", content=""), *usage, delta(**unknown)], content_type=STREAM, cut=True)
    failed = await providers.failure("openai", step, stream=True)
    assert failed.usage is not None
    assert 50 <= failed.usage.completion_tokens - counted <= 51


async def test_unknown_fields_of_a_stream_cost_at_most_the_limit(providers: Providers) -> None:
    """The cost of unknown fields is limited, because they may contain something other than text."""
    step = Wire([delta(content="Half", audio={"data": "four" * 500})], content_type=STREAM, cut=True)
    parameters = {"max_completion_tokens": 77}
    check_estimated(providers, await providers.failure("openai", step, stream=True, parameters=parameters), 77 * 4)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("counted", [0, 7])
async def test_arguments_of_tools_count_in_bytes(providers: Providers, stream: bool, counted: int) -> None:
    """Tool arguments are counted in bytes, like all text of a model."""
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "", "arguments": "漢" * 100}}
    usage = [event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": counted}})] if counted else []
    step = Wire([*usage, delta(tool_calls=[call])], content_type=STREAM, cut=True)
    if not stream:
        step = Wire(chat("", "error", message={"tool_calls": [call]}, usage=None))
    failed = await providers.failure("openai", step, stream=stream)
    assert failed.usage is not None
    assert failed.usage.completion_tokens == 75 + (counted if stream else 0)


async def test_arguments_of_built_in_tools_count_in_bytes(providers: Providers) -> None:
    """Arguments of built-in tools are counted neither in characters nor in escape sequences."""
    used = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "漢" * 100}}
    body = anthropic(used)
    body["usage"] = None
    result = await providers.ask("anthropic", Wire(body), built_in_tools=["web_search"])
    assert result.usage.completion_tokens == math.ceil((len('{"query": ""}') + 300) / 4)


async def test_fake_thoughts_do_not_replace_hidden_thoughts(providers: Providers) -> None:
    """Text that only looks like thoughts, which a caller may request, does not replace hidden thoughts."""
    step = Wire([delta(content="<think>Hm.</think>Half")], content_type=STREAM, cut=True)
    parameters = {"max_completion_tokens": 77}
    failed = await providers.failure("openai", step, stream=True, model="gpt-5-mini", parameters=parameters)
    assert failed.usage is not None
    assert failed.usage.completion_tokens == 77


@pytest.mark.parametrize("end", [[], [delta("stop"), DONE]], ids=["lost", "whole"])
@pytest.mark.parametrize(("model", "completion"), [("gpt-4.1-mini", 1 + 100), ("gpt-5-mini", 500)])
async def test_text_after_a_usage_is_added_to_it(
    providers: Providers, end: list[bytes], model: str, completion: int
) -> None:
    """Text after a usage is added to it, because the last usage that arrives may not be the final one."""
    counted = event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 1}})
    step = Wire([delta(content="Half"), counted, delta(content="four" * 100), *end], content_type=STREAM, cut=not end)
    fields: dict[str, Any] = {"stream": True, "model": model, "parameters": {"max_completion_tokens": 500}}
    outcome = await (providers.ask if end else providers.failure)("openai", step, **fields)
    assert outcome.usage is not None
    assert (outcome.usage.prompt_tokens, outcome.usage.completion_tokens) == (1000, completion)
    assert outcome.cost == pytest.approx(providers.cost("openai", 1000, completion, model))


@pytest.mark.parametrize("stream", [False, True])
async def test_thoughts_before_an_error_are_charged(providers: Providers, stream: bool) -> None:
    """An error after thoughts costs their tokens, although an error without them costs nothing."""
    error = {"error": {"message": "Overloaded", "code": 500}}
    step = Wire({**chat(message={"content": None, "reasoning_content": "four" * 50}, usage=None), **error})
    if stream:
        step = Wire([delta(reasoning_content="four" * 50), event(error), DONE], content_type=STREAM)
    check_estimated(providers, await providers.failure("openai", step, stream=stream), 200)


async def test_searches_before_an_error_are_charged(providers: Providers) -> None:
    """Searches before an error are charged, although the provider counts no tokens."""
    step = Wire({"object": "response", "status": "failed", "output": [SEARCHED], "error": {"code": "server_error"}})
    failed = await providers.failure("openai", step, built_in_tools=["web_search"])
    assert failed.cost >= 0.01


@pytest.mark.parametrize(
    ("body", "bytes_"),
    [
        ([b'data: {"text": "' + b"four" * 50 + b'"}\n\n'], 10 + 200 + 2),
        ([b'data: {"choices": "' + b"four" * 50 + b"\n\n"], 13 + 200),
        ([b"four" * 50 + b"\n\n", DONE], 200),
    ],
    ids=["another form", "not JSON", "not an event"],
)
async def test_unreadable_parts_of_a_stream_are_charged_by_bytes(
    providers: Providers, body: list[bytes], bytes_: int
) -> None:
    """Unreadable parts of a stream are charged by their bytes, because they may have been an answer."""
    failed = await providers.failure("openai", Wire(body, content_type=STREAM), stream=True)
    check_estimated(providers, failed, bytes_)


async def test_unreadable_parts_of_a_stream_cost_at_most_the_limit(providers: Providers) -> None:
    """Unreadable parts of a stream cost at most the answer limit in the request."""
    step, limit = Wire([b"four" * 50, DONE], content_type=STREAM), {"max_completion_tokens": 20}
    check_estimated(providers, await providers.failure("openai", step, stream=True, parameters=limit), 80)


@pytest.mark.parametrize("limit", [100, None])
@pytest.mark.parametrize(
    "pieces", [[delta(content=" " * 1600)], [delta(audio={"a": "four" * 500})], [b"four\n\n" * 500]]
)
async def test_a_lost_stream_costs_at_most_the_held_amount(
    providers: Providers, pieces: list[bytes], limit: int | None
) -> None:
    """A lost stream costs at most the limit, although a token may have many bytes, such as spaces."""
    parameters: dict[str, Any] = {"max_completion_tokens": limit} if limit else {}
    step = Wire(pieces * (100 if limit is None else 1), content_type=STREAM, cut=True)
    failed = await providers.failure("openai", step, stream=True, parameters=parameters)
    fields: dict[str, Any] = {"provider": "openai", "model": MODELS["openai"], "stream": True, "parameters": parameters}
    request = ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}], **fields})
    route = providers.catalog.route("openai", MODELS["openai"])
    longest = limit or route.info.max_output_tokens
    assert failed.usage is not None
    assert failed.usage.completion_tokens == longest
    assert to_micros(failed.cost) <= bound_cost(route, request, Settings()).maximum


@pytest.mark.parametrize(
    "unknown",
    [
        {"thinking": "four" * 50},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "four" * 50}]}]},
        {"unknown": {"deep": [[[{"deeper": "four" * 50}]]]}},
        {"reasoning": "four" * 50, "reasoning_details": [{"type": "reasoning.text", "text": "four" * 50}]},
    ],
)
async def test_text_in_unknown_fields_of_an_answer_is_charged_once(
    providers: Providers, unknown: dict[str, Any]
) -> None:
    """Without token counts, the tokens of text in unknown fields are estimated once."""
    step = Wire(chat(message={"content": "", **unknown}, usage=None))
    result = await providers.ask("openai", step)
    assert result.usage.completion_tokens == 50


async def test_unknown_fields_of_an_answer_cost_at_most_the_limit(providers: Providers) -> None:
    """The cost of unknown fields is limited, because they may contain something else, such as a picture."""
    step = Wire(chat(message={"content": "Half", "images": ["four" * 500]}, usage=None))
    result = await providers.ask("openai", step, parameters={"max_completion_tokens": 77})
    assert result.usage.completion_tokens == 77


@pytest.mark.parametrize(
    ("provider", "usage"),
    [
        ("openai", {"prompt_tokens": 1000, "completion_tokens": 500}),
        ("anthropic", {"input_tokens": 1000, "output_tokens": 500}),
        ("bedrock", {"inputTokens": 1000, "outputTokens": 500}),
    ],
)
@pytest.mark.parametrize("rest", [{}, {"choices": None}, {"content": None}, {"output": None}, {"choices": "?"}])
async def test_a_usage_without_an_answer_is_charged(
    providers: Providers, provider: str, usage: dict[str, int], rest: dict[str, Any]
) -> None:
    """A usage without an answer is charged, because the provider bills it. The failure is temporary."""
    failed = await providers.failure(provider, Wire({"id": "1", **rest, "usage": usage}))
    assert failed.cost == pytest.approx(providers.cost(provider, 1000, 500))
    assert failed.transient


async def test_a_usage_of_bedrock_is_charged_with_any_output(providers: Providers) -> None:
    """A usage of Bedrock is charged even if `output` is a list, as in another interface."""
    body = {"output": [], "stopReason": "end_turn", "usage": {"inputTokens": 1000, "outputTokens": 500}}
    result = await providers.ask("bedrock", Wire(body))
    assert result.cost == pytest.approx(providers.cost("bedrock", 1000, 500))


@pytest.mark.parametrize(
    ("provider", "tool", "body"),
    [
        (
            "openai",
            "web_search",
            {"object": "response", "output": None, "usage": {"input_tokens": 9, "output_tokens": 9}},
        ),
        ("anthropic", "web_search", {"content": None, "usage": {"input_tokens": 9, "output_tokens": 9}}),
        ("gemini", "google_search", {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 9}}),
        ("bedrock", "web_grounding", {"stopReason": "end_turn", "usage": {"inputTokens": 9, "outputTokens": 9}}),
        ("openrouter", "web_search", {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 9}}),
        ("openrouter", "web_search", chat("Found.", usage=None)),
    ],
    ids=["responses", "anthropic", "gemini", "converse", "chat", "no usage"],
)
async def test_uses_without_a_count_cost_the_highest_number(
    providers: Providers, provider: str, tool: str, body: dict[str, Any]
) -> None:
    """The maximum number of tool uses is charged if the answer that would show them is missing or not counted."""
    outcome = await get_outcome(providers, provider, Wire(body), built_in_tools=[tool])
    fee = providers.catalog.route(provider, MODELS[provider]).tool_fees[tool]
    assert outcome.usage is not None
    tokens = providers.cost(provider, outcome.usage.prompt_tokens, outcome.usage.completion_tokens)
    assert outcome.cost == pytest.approx(tokens + (fee.most_uses or 0) * fee.per_use)


async def get_outcome(providers: Providers, provider: str, step: Wire, **fields: Any) -> ChatResult | ModelFailure:
    """Returns the result or the failure of a call."""
    try:
        return await providers.ask(provider, step, **fields)
    except ModelFailure as failure:
        return failure


async def test_an_error_with_a_usage_is_charged(providers: Providers) -> None:
    """An error with a usage costs its tokens, because the provider bills them."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 500}
    failed = await providers.failure("openai", Wire({"error": {"message": "Overloaded", "code": 503}, "usage": usage}))
    assert failed.cost == pytest.approx(providers.cost("openai", 1000, 500))


@pytest.mark.parametrize("type_", [STREAM, "application/json"])
async def test_a_stream_in_an_unknown_encoding_costs_the_limit(providers: Providers, type_: str) -> None:
    """A stream in an unknown encoding costs the limit, because nothing in it can be read."""
    step = Wire(b"four" * 50, content_type=type_, headers={"Content-Encoding": "br"})
    limit = {"max_completion_tokens": 77}
    check_estimated(providers, await providers.failure("openai", step, stream=True, parameters=limit), 4 * 77)


async def test_an_answer_instead_of_a_stream_is_read(providers: Providers) -> None:
    """An answer without streaming is read even if its content type is that of a stream."""
    result = await providers.ask("openai", Wire(chat(), content_type=STREAM), stream=True)
    assert (result.usage.estimated, result.content) == (False, chat()["choices"][0]["message"]["content"])


@pytest.mark.parametrize("line", [b"id: 1\n", b"retry: 100\n"])
async def test_events_without_a_content_type_may_begin_with_other_fields(providers: Providers, line: bytes) -> None:
    """Events that begin with other fields are detected without the content type."""
    result = await providers.ask("openai", Wire([line + delta(content="Hi"), delta("stop"), DONE]), stream=True)
    assert result.content == "Hi"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_incomplete_answer_is_charged(providers: Providers, stream: bool) -> None:
    """The cost of an incomplete answer without a usage is estimated from the bytes sent and received."""
    step = Wire(chat("par", "error", usage=None))
    if stream:
        step = Wire([delta(content="par"), delta("error"), DONE], content_type=STREAM)
    check_estimated(providers, await providers.failure("openai", step, stream=stream), 3)


async def test_a_page_instead_of_an_answer_is_charged_by_bytes(providers: Providers) -> None:
    """A page instead of an answer is charged by its bytes, because the provider may have billed an answer."""
    page = b"<html>Busy</html>"
    check_estimated(providers, await providers.failure("openai", Wire(page)), len(page))


async def test_a_long_page_costs_at_most_the_longest_answer(providers: Providers) -> None:
    """A long page costs at most the longest answer, which the hold covers."""
    longest = providers.catalog.get_model("openai", MODELS["openai"]).max_output_tokens
    assert longest
    failed = await providers.failure("openai", Wire(b"<html>" + b"x" * 4 * longest))
    check_estimated(providers, failed, longest * 4)


@pytest.mark.parametrize("step", [BrokenConnection(), Wire(chat("par", "error")), Wire(b"?")])
async def test_a_failure_of_a_free_provider_costs_nothing(providers: Providers, step: Any) -> None:
    """Every kind of failure of a free provider costs nothing."""
    assert (await providers.failure("local", step, parameters={"max_tokens": 50})).cost == 0


@pytest.mark.parametrize(
    "step",
    [
        Wire(b""),
        Wire(b" \n "),
        Wire(b'{"id": "c1", "choices": [{"mess'),
        Wire(gzip.compress(json.dumps(chat("yes" * 200)).encode())[:-40], headers={"Content-Encoding": "gzip"}),
    ],
)
async def test_a_truncated_answer_counts_as_lost(providers: Providers, step: Wire) -> None:
    """A truncated answer costs the limit even if the response ends normally, because its length is unknown."""
    failed = await providers.failure("openai", step, parameters={"max_completion_tokens": 77})
    check_estimated(providers, failed, 77 * 4)


@pytest.mark.parametrize("type_", ["application/json", "text/plain; charset=utf-8", None])
@pytest.mark.parametrize(
    "step",
    [Wire(b"", cut=True), Wire([b"", b"{"], pause=30), Wire(chat(), headers={f"x-{n}": "1" for n in range(201)})],
    ids=["cut", "late", "headers too long"],
)
async def test_a_response_without_stream_headers_counts_as_lost(
    providers: Providers, step: Wire, type_: str | None
) -> None:
    """A response without stream headers costs the limit: the provider did not stream, so its answer was complete."""
    step = replace(step, content_type=type_)
    parameters = {"max_completion_tokens": 77}
    failed = await providers.failure(
        "openai", step, seconds=1, stream=True, model="gpt-5.4-mini", parameters=parameters
    )
    assert failed.usage is not None
    assert (failed.usage.completion_tokens, failed.usage.estimated) == (77, True)


@pytest.mark.parametrize("type_", [STREAM, "application/json"])
@pytest.mark.parametrize("half", [b'{"id": "c1", "choices": [{"mess', b' {"i', b"{"])
async def test_an_incomplete_document_instead_of_a_stream_counts_as_lost(
    providers: Providers, half: bytes, type_: str
) -> None:
    """An incomplete document instead of a stream costs the limit, because the answer was not streamed."""
    step = Wire(half, content_type=type_, cut=True)
    failed = await providers.failure("openai", step, stream=True, parameters={"max_completion_tokens": 77})
    check_estimated(providers, failed, 77 * 4)


async def test_results_of_tools_count_if_the_prompt_is_not_counted(providers: Providers) -> None:
    """Without a prompt count, the prompt is estimated with the results of all tool uses, as the hold assumes."""
    fields: dict[str, Any] = {"built_in_tools": ["web_search"], "parameters": {"max_completion_tokens": 50}}
    answer = {"object": "response", "status": "completed", "output": [], "id": "r", "model": "m"}
    result = await providers.ask("openai", Wire(answer), **fields)
    assert result.usage.prompt_tokens > 10_000 * (1 + 2 + 3 + 4)
