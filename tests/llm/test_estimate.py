"""`bound_cost` returns the highest possible cost of a call. `fit_output` limits the answer to a covered amount."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.catalog import Catalog, ModelRoute, ToolFee, UnpricedModel
from shared.llm.estimate import NotCovered, bound_cost, fit_output, max_tokens_read
from shared.llm.token_bound import BYTES_PER_TOKEN
from shared.models.chat import ChatRequest
from shared.settings import Settings

CATALOG = Catalog.load(
    dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"), "x")
)
GPT = CATALOG.route("openai", "gpt-4.1")
CLAUDE = CATALOG.route("anthropic", "claude-haiku-4-5")
AUTO = CATALOG.route("openrouter", "openrouter/auto")
SETTINGS = Settings()
DEPLOYED = Settings(app_env="firebase")


def request_of(route: ModelRoute, prompt: str = "hi", tools: list[str] | None = None, **parameters: Any) -> ChatRequest:
    return ChatRequest.model_validate(
        {
            "messages": [{"role": "user", "content": prompt}],
            "provider": route.provider,
            "model": route.model,
            "parameters": parameters,
            "builtInTools": tools or [],
        }
    )


def highest_cost(route: ModelRoute, request: ChatRequest) -> int:
    return bound_cost(route, request, SETTINGS).maximum


def test_the_whole_request_is_counted() -> None:
    """A long answer schema costs at least as much as the same text in a message."""
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "title": "x" * 100_000}}}
    plain, long = request_of(GPT, max_tokens=1), request_of(GPT, max_tokens=1, response_format=schema)
    assert GPT.info.prices
    assert highest_cost(GPT, long) - highest_cost(GPT, plain) >= 100_000 * GPT.info.prices.input


def test_the_fees_of_built_in_tools_are_counted() -> None:
    """The highest cost includes the fees of as many uses as one request may have."""
    fee = GPT.tool_fees["web_search"]
    assert fee.most_uses
    searching = highest_cost(GPT, request_of(GPT, tools=["web_search"], max_tokens=16))
    assert searching >= fee.most_uses * fee.per_use * 1_000_000


def fee(tokens: int, uses: int, **fields: Any) -> ToolFee:
    return ToolFee(per_use=0, most_uses=uses, tokens_per_use=tokens, source="https://example.com", **fields)


@pytest.mark.parametrize(
    ("fees", "window", "tokens"),
    [
        ([], None, 100),
        ([fee(10, 3)], None, 100 + 110 + 120 + 130),
        ([fee(10, 1, most_reads=2)], None, 100 + 110 + 120),
        ([fee(10, 3, read_once=True)], None, 100 + 3 * 110),
        ([fee(10, 3, read_once=True), fee(20, 2)], None, 100 + 3 * 110 + 150 + 170),
        ([fee(10, 1), fee(20, 2)], None, 100 + 120 + 140 + 150),
        ([fee(10, 3)], 115, 100 + 110 + 115 + 115),
        ([], 50, 50),
    ],
)
def test_results_of_tools_are_read_again_after_each_use(fees: list[ToolFee], window: int | None, tokens: int) -> None:
    """The bound assumes the most expensive order of results, but never more than the model's context window."""
    assert max_tokens_read(100, fees, window) == tokens


def test_each_read_counts_at_least_its_estimate() -> None:
    """The bound covers the estimate, which is charged if the provider does not count tokens, even above the window."""
    assert max_tokens_read(100, [fee(10, 3)], 90, estimated=80) == 90 + 90 + 100 + 110
    assert max_tokens_read(100, [fee(10, 2, read_once=True)], 90, estimated=85) == 90 + 2 * 95


def test_the_hold_for_code_at_anthropic_covers_ten_turns() -> None:
    """The hold covers ten reads of the prompt, because a request cannot limit the turns of code execution."""
    assert CLAUDE.info.prices
    held = highest_cost(CLAUDE, request_of(CLAUDE, "x" * 100_000, ["code_execution"], max_tokens=16))
    plain = highest_cost(CLAUDE, request_of(CLAUDE, "x" * 100_000, max_tokens=16))
    assert held >= 10 * plain


def test_a_prompt_counts_at_most_the_models_window() -> None:
    """A prompt counts at most the context window, because a longer one is refused without a charge."""
    window = CLAUDE.info.context_window
    assert window
    long = request_of(CLAUDE, "x" * (window + 1), max_tokens=1)
    assert highest_cost(CLAUDE, long) == highest_cost(CLAUDE, request_of(CLAUDE, "x" * (2 * window), max_tokens=1))


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_a_prompt_counts_at_least_its_estimate(letter: str) -> None:
    """The bound covers the estimate, which is charged if the provider does not count tokens, even above the window."""
    route = CATALOG.route("openai", "gpt-4o-mini")
    prices, window = route.info.prices, route.info.context_window
    assert prices
    assert window
    request = request_of(route, letter * (900_000 // len(letter.encode())), max_tokens=1)
    estimated = len(json.dumps(request.messages[0].model_dump())) / BYTES_PER_TOKEN
    assert estimated > window
    assert highest_cost(route, request) >= estimated * prices.input


def test_a_schema_that_is_sent_as_a_string_counts_its_estimate() -> None:
    """The bound covers a schema as JSON within JSON, as for Bedrock, where a quotation mark becomes four characters."""
    route = Catalog.load({"AWS_BEARER_TOKEN_BEDROCK": "x"}).route("bedrock", "mistral.mistral-large-3-675b-instruct")
    schema = {"type": "object", "properties": {}, "description": '"' * 450_000}
    format_ = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    request = request_of(route, max_tokens=1, response_format=format_)
    assert route.info.prices
    assert route.info.context_window
    estimated = len(json.dumps(json.dumps(schema))) / BYTES_PER_TOKEN
    assert estimated > route.info.context_window
    assert highest_cost(route, request) >= estimated * route.info.prices.input


def test_a_long_prompt_has_the_price_of_long_prompts() -> None:
    """Above a model's threshold, the higher price also applies to the answer."""
    route = CATALOG.route("gemini", "gemini-2.5-pro")
    prices = route.info.prices
    assert prices
    assert prices.above_tokens
    assert prices.output_above
    long = bound_cost(route, request_of(route, "x" * (prices.above_tokens + 1), max_tokens=1_000_000 // 20), SETTINGS)
    assert long.maximum - long.minimum >= (50_000 - 16) * prices.output_above


@pytest.mark.parametrize("route", [GPT, CLAUDE], ids=lambda route: route.name)
@given(share=st.floats(0, 1), prompt=st.text(max_size=200), max_tokens=st.none() | st.integers(1, 4_000))
def test_a_request_is_limited_to_the_covered_amount(
    route: ModelRoute, share: float, prompt: str, max_tokens: int | None
) -> None:
    """The fitted request costs at most the amount, and is unchanged if the amount covers it."""
    parameters: dict[str, Any] = {} if max_tokens is None else {"max_tokens": max_tokens}
    request = request_of(route, f"x{prompt}", **parameters)
    bounds = bound_cost(route, request, SETTINGS)
    amount = math.ceil(bounds.minimum + share * (bounds.maximum - bounds.minimum))
    fitted = fit_output(route, request, amount)
    assert bound_cost(route, fitted, SETTINGS).maximum <= amount + math.ceil(_limit_cost(route))
    assert fit_output(route, request, bounds.maximum) == request
    with pytest.raises(NotCovered):
        fit_output(route, request, bounds.minimum - math.ceil(_output_price(route)) - 1)


def _output_price(route: ModelRoute) -> float:
    assert route.info.prices
    return route.info.prices.output


def _limit_cost(route: ModelRoute) -> float:
    """Returns the cost of sending the limit, which adds a few bytes to the prompt."""
    assert route.info.prices
    return len(json.dumps({"max_completion_tokens": 1_000_000})) * route.info.prices.input


def test_a_model_without_a_price_is_refused_in_a_deployment() -> None:
    """An unpriced model is allowed if its provider reports the cost and the operator sets the amount to hold."""
    request = request_of(AUTO)
    with pytest.raises(UnpricedModel, match="UNPRICED_HOLD"):
        bound_cost(AUTO, request, DEPLOYED)
    allowed = DEPLOYED.model_copy(update={"unpriced_hold": 0.5})
    assert bound_cost(AUTO, request, allowed).minimum == bound_cost(AUTO, request, allowed).maximum == 500_000
    assert bound_cost(AUTO, request, SETTINGS).maximum == 1
    assert fit_output(AUTO, request, 1) == request


def test_a_free_model_costs_nothing() -> None:
    """The highest cost of any request to a free model is 0."""
    local = Catalog.load({"LOCAL_MODEL_BASE_URL": "http://127.0.0.1:1"}).route("local", "smollm2-135m-instruct")
    request = request_of(local, "x" * 10_000)
    assert bound_cost(local, request, DEPLOYED).maximum == 0
    assert fit_output(local, request, 0) == request
