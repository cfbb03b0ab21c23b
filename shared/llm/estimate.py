"""Estimates the highest possible cost of a call before it is made, and the longest answer that an amount covers.

Everything that reaches the provider is counted: messages, parameters (a `response_format` may be long), built-in
tools and their fees. An image counts as the most tokens that its model makes of any image (`ImageBound` in the
catalog's data). `shared.llm.cost` computes the actual cost of the answer.
"""

import json
import math
import sys
from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate
from typing import Any

from shared.llm.catalog import CatalogError, CheckedCall, ModelRoute, ToolFee, UnpricedModel, check_call
from shared.llm.images import count_images, without_images
from shared.llm.token_bound import BYTES_PER_TOKEN, count_tokens_at_most
from shared.models.catalog import Prices
from shared.models.chat import ChatRequest
from shared.models.money import MICROS_PER_DOLLAR, CostBounds, to_micros
from shared.settings import Settings

_ENVELOPE_TOKENS = 64
"""The assumed tokens of the parts of a request that the caller does not choose: the chat template and field names."""
_TOOL_TOKENS = 1_000
"""The assumed tokens of the instructions that a provider adds for each built-in tool, or for an answer schema.

Anthropic counts a few hundred tokens per tool: https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview
"""
_UNKNOWN_ANSWER_TOKENS = 16_384
"""The assumed answer limit of a model whose limit is unknown, in tokens. It is sent in the request."""
_SHORTEST_ANSWER_TOKENS = 16
"""The lowest answer limit, in tokens. A shorter answer is useless, and OpenAI refuses a lower limit."""
_ASSUMED_USES = 10
"""The assumed number of uses per request of a tool whose limit is unknown."""
_LIMITS = ("max_completion_tokens", "max_tokens")


class NotCovered(Exception):
    """The amount does not even cover the prompt and a short answer."""


def bound_cost(route: ModelRoute, request: ChatRequest, settings: Settings) -> CostBounds:
    """Returns upper bounds of the call's cost with the shortest and with the longest answer, in millionths of a dollar.

    Both are 0 for a free provider. For a model without a price, both are `UNPRICED_HOLD`. A deployment refuses such a
    model with `UnpricedModel` unless its provider reports the cost and `UNPRICED_HOLD` is set. Raises `CatalogError`
    for a call that the model does not accept.
    """
    call = check_call(route, request.parameters, request.built_in_tools, request.messages)
    if not route.charged:
        return CostBounds(0, 0)
    prices = route.info.prices
    if prices is None:
        return _bound_unpriced(route, settings)
    fixed, per_token = _cost_without_answer(route, request, call, prices)
    shortest = min(_SHORTEST_ANSWER_TOKENS, _find_longest_answer(route, request))
    return CostBounds(
        minimum=_round_up(fixed + shortest * per_token),
        maximum=_round_up(fixed + _find_longest_answer(route, request) * per_token),
    )


def fit_output(route: ModelRoute, request: ChatRequest, amount: int) -> ChatRequest:
    """Returns the request with an output limit at which the call costs at most `amount` millionths of a dollar.

    Returns the request unchanged if it does not need a lower limit. Raises `NotCovered` if the amount does not cover a
    useful answer.
    """
    prices = route.info.prices
    if not route.charged or prices is None:
        return request
    call = check_call(route, request.parameters, request.built_in_tools, request.messages)
    fixed, per_token = _cost_without_answer(route, request, call, prices)
    longest = _find_longest_answer(route, request)
    covered = longest if not per_token else math.floor((amount - fixed) / per_token)
    if covered < min(_SHORTEST_ANSWER_TOKENS, longest):
        raise NotCovered
    requested = _find_limit(request)
    if covered >= longest and (requested is not None or route.info.max_output_tokens):
        return request
    return _set_limit(route, request, min(covered, longest))


def _bound_unpriced(route: ModelRoute, settings: Settings) -> CostBounds:
    if settings.unpriced_hold is not None and route.reports_cost:
        amount = max(1, to_micros(settings.unpriced_hold))
    elif settings.authentication_required:
        raise UnpricedModel(
            f"{route.name} has no known price, so it cannot be paid from an allowance here. Choose another model"
            + (
                ", or ask the operator to set UNPRICED_HOLD, the amount to hold for each call of such a model."
                if route.reports_cost
                else "."
            )
        )
    else:
        amount = 1
    return CostBounds(amount, amount)


def _set_limit(route: ModelRoute, request: ChatRequest, tokens: int) -> ChatRequest:
    """Returns the request with this output limit.

    Raises `NotCovered` if the other parameters of the request do not allow such a low limit.
    """
    used = next((name for name in _LIMITS if request.parameters.get(name) is not None), None)
    names = [used] if used else [name for name in _LIMITS if name in route.info.parameters] or ["max_tokens"]
    parameters = {**request.parameters, names[0]: tokens}
    try:
        check_call(route, parameters, request.built_in_tools, request.messages)
    except CatalogError as error:
        raise NotCovered from error
    return request.model_copy(update={"parameters": parameters})


def _cost_without_answer(
    route: ModelRoute, request: ChatRequest, call: CheckedCall, prices: Prices
) -> tuple[Decimal, Decimal]:
    """Returns the highest cost of the call without its answer, and of one answer token, in millionths of a dollar."""
    sent = _build_request(route, call)
    images = count_images(route, call.messages).tokens
    prompt = _count_prompt_tokens(sent, call) + images
    fees = [fee for tool in dict.fromkeys(request.built_in_tools) if (fee := route.tool_fees.get(tool))]
    if route.request_fee:
        fees.append(route.request_fee)
    estimated = math.ceil(_count_bytes(sent) / BYTES_PER_TOKEN) + _ENVELOPE_TOKENS + images
    tokens = max_tokens_read(prompt, fees, route.info.context_window, estimated)
    dollars = sum((max_uses(fee) * _to_decimal(fee.per_use) for fee in fees), Decimal(0))
    thoughts = max_extra_thoughts(route) * _to_decimal(prices.reasoning or 0)
    return (
        tokens * _to_decimal(prices.highest_input(tokens)) + thoughts + dollars * MICROS_PER_DOLLAR,
        _to_decimal(prices.highest_output(tokens)),
    )


def max_extra_thoughts(route: ModelRoute) -> int:
    """Returns the highest number of thought tokens beyond the answer's limit, for a model that prices them separately.

    The provider counts these tokens separately (https://docs.perplexity.ai/getting-started/pricing). Their number is
    assumed to be at most that of the tokens of the longest answer.
    """
    separate = route.info.prices is not None and route.info.prices.reasoning is not None
    return (route.info.max_output_tokens or _UNKNOWN_ANSWER_TOKENS) if separate else 0


def max_uses(fee: ToolFee) -> int:
    """Returns the highest number of uses per request that the fee allows or assumes."""
    return fee.most_uses or _ASSUMED_USES


def max_tokens_read(prompt: int, fees: Iterable[ToolFee], window: int | None, estimated: int = 0) -> int:
    """Returns the highest number of tokens that a provider reads for a prompt of `prompt` tokens and for tool results.

    After each tool use, the provider reads the prompt again, with the results of all uses so far. Tools whose results
    are read only once are assumed to come first, which is the most expensive order. No reading is longer than the
    model's `window`, because a longer one is refused and not billed. However, each counts at least as much as with a
    prompt of the `estimated` length, which is what a call costs if the provider does not count tokens.
    """
    longest = window or sys.maxsize

    def read(added: int) -> int:
        return max(min(prompt + added, longest), estimated + added)

    repeated: list[int] = []
    initial = 0
    tokens = read(0)
    for fee in fees:
        if not fee.tokens_per_use:
            continue
        reads = fee.most_reads or max_uses(fee)
        if fee.read_once:
            tokens += reads * read(fee.tokens_per_use)
            initial += reads * fee.tokens_per_use
        else:
            repeated += reads * [fee.tokens_per_use]
    for added in accumulate(sorted(repeated, reverse=True)):
        tokens += read(initial + added)
    return tokens


def _build_request(route: ModelRoute, call: CheckedCall) -> dict[str, Any]:
    """Returns what is sent, without the images."""
    messages = without_images(call.messages)
    return {"model": route.litellm_model, "messages": messages, "tools": call.tools, **call.parameters}


def _count_bytes(sent: dict[str, Any]) -> int:
    """Returns the size of the request in bytes.

    Non-ASCII characters are escaped, and an answer schema is encoded as a string, as for Bedrock.
    """
    schema = sent.get("response_format")
    return len(json.dumps(sent if schema is None else {**sent, "response_format": json.dumps(schema)}))


def _count_prompt_tokens(sent: dict[str, Any], call: CheckedCall) -> int:
    added = len(call.tools) + ("response_format" in call.parameters)
    return count_tokens_at_most(json.dumps(sent, ensure_ascii=False)) + _ENVELOPE_TOKENS + added * _TOOL_TOKENS


def _find_limit(request: ChatRequest) -> int | None:
    for name in _LIMITS:
        value = request.parameters.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return math.ceil(value)
    return None


def _find_longest_answer(route: ModelRoute, request: ChatRequest) -> int:
    """Returns the answer limit of the request, or of the model if the request has none, in tokens."""
    requested = _find_limit(request)
    return requested if requested is not None else route.info.max_output_tokens or _UNKNOWN_ANSWER_TOKENS


def _to_decimal(number: float) -> Decimal:
    """Converts a price exactly. US dollars per million tokens equal millionths of a dollar per token."""
    return Decimal(repr(number))


def _round_up(micros: Decimal) -> int:
    return max(1, int(micros.to_integral_value(ROUND_CEILING)))
