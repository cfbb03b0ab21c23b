"""What a call may cost at most, before it is made; and the longest answer that an amount of money covers.

Everything that reaches the provider is counted: messages, parameters (a `response_format` may be long), built-in
tools and their fees. What the answer really cost is `shared.llm.cost`'s to say.
"""

import json
import math
import sys
from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate
from typing import Any

from shared.llm.catalog import CatalogError, CheckedCall, ModelRoute, ToolFee, UnpricedModel, check_call
from shared.llm.token_bound import BYTES_PER_TOKEN, count_tokens_at_most
from shared.models.catalog import Prices
from shared.models.chat import ChatRequest
from shared.models.money import MICROS_PER_DOLLAR, CostBounds, to_micros
from shared.settings import Settings

_ENVELOPE_TOKENS = 64
"""What a request has beside what the caller chose: the template of the chat, names of fields."""
_TOOL_TOKENS = 1_000
"""The instructions that a provider adds by itself for each built-in tool, or for a schema of the answer: Anthropic
counts some hundred tokens for a tool. https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview"""
_UNKNOWN_ANSWER_TOKENS = 16_384
"""The longest answer of a model whose limit is not known; it is sent along as the limit."""
_SHORTEST_ANSWER_TOKENS = 16
"""Below it an answer is of no use, and OpenAI refuses the limit."""
_ASSUMED_USES = 10
"""Of a tool whose uses in one request have no limit that is known."""
_LIMITS = ("max_completion_tokens", "max_tokens")


class NotCovered(Exception):
    """The amount does not even cover the prompt and a short answer."""


def bound_cost(route: ModelRoute, request: ChatRequest, settings: Settings) -> CostBounds:
    """What the call costs at most, with the shortest answer and with the longest, in millionths of a dollar.

    Both are 0 for a free provider. For a model without a price both are `UNPRICED_HOLD`; in a deployment such a model
    is refused, with `UnpricedModel`, unless its provider reports the cost and that amount is set. Raises `CatalogError`
    for a call that the model does not take.
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
        least=_round_up(fixed + shortest * per_token),
        most=_round_up(fixed + _find_longest_answer(route, request) * per_token),
    )


def fit_output(route: ModelRoute, request: ChatRequest, amount: int) -> ChatRequest:
    """The request with its output limit lowered until the call costs `amount` millionths of a dollar at most.

    The request itself where that is so already. Raises `NotCovered` when no answer of use is covered.
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
    asked = _find_limit(request)
    if covered >= longest and (asked is not None or route.info.max_output_tokens):
        return request
    return _set_limit(route, request, min(covered, longest))


def _bound_unpriced(route: ModelRoute, settings: Settings) -> CostBounds:
    if settings.unpriced_hold is not None and route.reports_cost:
        amount = max(1, to_micros(settings.unpriced_hold))
    elif settings.authentication_required:
        raise UnpricedModel(
            f"{route.name} has no known price, so it cannot be paid from an allowance here. Choose another model"
            + (
                "; or have the operator set UNPRICED_HOLD, the amount to hold for a call of it."
                if route.reports_cost
                else "."
            )
        )
    else:
        amount = 1
    return CostBounds(amount, amount)


def _set_limit(route: ModelRoute, request: ChatRequest, tokens: int) -> ChatRequest:
    """Raises `NotCovered` where the model does not take so low a limit together with the other parameters."""
    given = next((name for name in _LIMITS if request.parameters.get(name) is not None), None)
    names = [given] if given else [name for name in _LIMITS if name in route.info.parameters] or ["max_tokens"]
    parameters = {**request.parameters, names[0]: tokens}
    try:
        check_call(route, parameters, request.built_in_tools, request.messages)
    except CatalogError as error:
        raise NotCovered from error
    return request.model_copy(update={"parameters": parameters})


def _cost_without_answer(
    route: ModelRoute, request: ChatRequest, call: CheckedCall, prices: Prices
) -> tuple[Decimal, Decimal]:
    """Without its answer, what the call costs at most; and what a token of the answer does: millionths of a dollar."""
    sent = _build_request(route, call)
    prompt = _count_prompt_tokens(sent, call)
    fees = [fee for tool in dict.fromkeys(request.built_in_tools) if (fee := route.tool_fees.get(tool))]
    if route.request_fee:
        fees.append(route.request_fee)
    estimated = math.ceil(_count_bytes(sent) / BYTES_PER_TOKEN) + _ENVELOPE_TOKENS
    tokens = max_tokens_read(prompt, fees, route.info.context_window, estimated)
    dollars = sum((max_uses(fee) * _to_decimal(fee.per_use) for fee in fees), Decimal(0))
    thoughts = thoughts_beside(route) * _to_decimal(prices.reasoning or 0)
    return (
        tokens * _to_decimal(prices.highest_input(tokens)) + thoughts + dollars * MICROS_PER_DOLLAR,
        _to_decimal(prices.highest_output(tokens)),
    )


def thoughts_beside(route: ModelRoute) -> int:
    """How many tokens the model may think beside its answer, whatever that is limited to: those with their own price.

    They are counted apart (https://docs.perplexity.ai/getting-started/pricing), and taken to be as many as the longest
    answer has.
    """
    apart = route.info.prices is not None and route.info.prices.reasoning is not None
    return (route.info.max_output_tokens or _UNKNOWN_ANSWER_TOKENS) if apart else 0


def max_uses(fee: ToolFee) -> int:
    """How often what the fee is for may be used in one request, or is taken to be at most."""
    return fee.most_uses or _ASSUMED_USES


def max_tokens_read(prompt: int, fees: Iterable[ToolFee], window: int | None, estimated: int = 0) -> int:
    """How many tokens a provider reads at most for a prompt of so many, with the tools that the fees are of.

    After each use of a tool it reads the prompt once more, and with it all that the uses have brought until then; those
    of a tool that is read once come first, where that is dearest. No reading is longer than the model's `window`, as
    what would be is refused, and not billed; but none counts for less than with a prompt of the `estimated` length,
    which is what it costs where the provider does not count.
    """
    longest = window or sys.maxsize

    def read(brought: int) -> int:
        return max(min(prompt + brought, longest), estimated + brought)

    again: list[int] = []
    first = 0
    tokens = read(0)
    for fee in fees:
        if not fee.tokens_per_use:
            continue
        reads = fee.most_reads or max_uses(fee)
        if fee.read_once:
            tokens += reads * read(fee.tokens_per_use)
            first += reads * fee.tokens_per_use
        else:
            again += reads * [fee.tokens_per_use]
    for brought in accumulate(sorted(again, reverse=True)):
        tokens += read(first + brought)
    return tokens


def _build_request(route: ModelRoute, call: CheckedCall) -> dict[str, Any]:
    return {"model": route.litellm_model, "messages": call.messages, "tools": call.tools, **call.parameters}


def _count_bytes(sent: dict[str, Any]) -> int:
    """How long the request is with all but ASCII escaped, and a schema of the answer as a text: Bedrock takes one."""
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
    """In tokens: what the caller allows, else the model."""
    asked = _find_limit(request)
    return asked if asked is not None else route.info.max_output_tokens or _UNKNOWN_ANSWER_TOKENS


def _to_decimal(number: float) -> Decimal:
    """US dollars a million tokens are millionths of a dollar a token."""
    return Decimal(repr(number))


def _round_up(micros: Decimal) -> int:
    return max(1, int(micros.to_integral_value(ROUND_CEILING)))
