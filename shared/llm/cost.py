"""Computes the cost of an answer: the amount that the provider reports, or tokens at the catalog's prices plus fees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shared.llm.answer import Answer, Tokens
from shared.llm.catalog import ModelRoute, ToolFee
from shared.llm.estimate import max_extra_thoughts, max_tokens_read, max_uses
from shared.llm.usage import TokenCount
from shared.models.catalog import Prices
from shared.models.chat import Usage

MAX_COST = 1_000.0
"""The highest credible cost of a call, in US dollars.

With the most expensive model, a million prompt tokens and the longest answer cost a fifth of this.
"""
_PER_ANSWER = "google_search"
"""A tool that is billed per query for some models, and once per answer for others."""


@dataclass(frozen=True)
class Bill:
    """The usage and cost of a call. `cost` is in US dollars."""

    usage: Usage
    cost: float


def bill_worst_case(route: ModelRoute, tools: Sequence[str], counted: TokenCount) -> Bill:
    """Returns the highest possible bill of a call whose answer was lost.

    It includes as many tool uses as possible, the tokens that they add to the prompt, and the thoughts that the
    model may have in addition to its answer.
    """
    prompt, answer = counted.tokens.prompt or 0, Answer()
    tool_fees = {tool: fee for tool in dict.fromkeys(tools) if (fee := route.tool_fees.get(tool))}
    answer.uses.update({tool: max_uses(fee) for tool, fee in tool_fees.items()})
    fees = list(tool_fees.values())
    if request_fee := route.request_fee:
        answer.searches = max_uses(request_fee)
        fees.append(request_fee)
    thoughts = max_extra_thoughts(route)
    tokens = replace(
        counted.tokens,
        prompt=max_tokens_read(prompt, fees, route.info.context_window, prompt),
        completion=(counted.tokens.completion or 0) + thoughts,
        reasoning=thoughts,
    )
    return bill(route, tools, replace(counted, tokens=tokens), answer)


def add_tool_fees(route: ModelRoute, tools: Sequence[str], counted: TokenCount) -> TokenCount:
    """Adds the prompt tokens that tools may have caused, for a provider that did not count the prompt."""
    fees = [fee for tool in dict.fromkeys(tools) if (fee := route.tool_fees.get(tool))]
    if route.request_fee:
        fees.append(route.request_fee)
    estimated = counted.tokens.prompt or 0
    prompt = max_tokens_read(estimated, fees, route.info.context_window, estimated)
    return replace(counted, tokens=replace(counted.tokens, prompt=prompt))


def bill(route: ModelRoute, tools: Sequence[str], counted: TokenCount, answer: Answer | None = None) -> Bill:
    """Returns the bill of a call. `tools`: its built-in tools. `answer`: None if it was lost and tool uses are unknown.

    A reported cost counts only if the catalog says that the provider reports costs; otherwise the field may mean
    anything. Calls of a free provider cost nothing. If the price is unknown, the cost is 0 and the usage is `unpriced`.
    """
    if not route.charged:
        return Bill(counted.usage, 0.0)
    reported = answer.cost if answer is not None and route.reports_cost else None
    if reported:
        return Bill(counted.usage, reported)
    if route.info.prices is None:
        return Bill(counted.usage.model_copy(update={"unpriced": reported is None}), 0.0)
    cost = _cost_of_tokens(route.info.prices, counted.tokens) + _sum_fees(route, tools, answer or Answer())
    return Bill(counted.usage, float(cost))


def _cost_of_tokens(prices: Prices, tokens: Tokens) -> Decimal:
    """Returns the cost of the tokens in US dollars."""
    prompt, completion = tokens.prompt or 0, tokens.completion or 0
    is_long = prices.above_tokens is not None and prompt > prices.above_tokens
    input_ = _first_known((prices.input_above if is_long else None), prices.input)
    output = _first_known((prices.output_above if is_long else None), prices.output)
    cached_input = _first_known((prices.cached_input_above if is_long else None), prices.cached_input, input_)
    cache_write = _first_known((prices.cache_write_above if is_long else None), prices.cache_write, input_)
    thoughts = _first_known(prices.reasoning, output)
    cached = min(tokens.cached, prompt)
    written = min(tokens.cache_write, prompt - cached)
    reasoning = min(tokens.reasoning, completion)
    micros = cached * cached_input + written * cache_write + (prompt - cached - written) * input_
    micros += reasoning * thoughts + (completion - reasoning) * output
    micros += tokens.citation * _first_known(prices.citation, 0.0)
    return micros / 1_000_000


def _first_known(*prices: float | Decimal | None) -> Decimal:
    """Returns the first price that is not None, as an exact decimal."""
    return next(Decimal(str(price)) for price in prices if price is not None)


def _assume_uses(answer: Answer, fee: ToolFee) -> int:
    """Returns the number of uses to assume for a tool whose uses the answer does not show."""
    return max_uses(fee) if answer.hides_uses else 1


def _sum_fees(route: ModelRoute, tools: Sequence[str], answer: Answer) -> Decimal:
    """Returns the fees for all tool uses, in US dollars."""
    fees = Decimal(0)
    if request_fee := route.request_fee:
        searches = answer.searches if answer.searches is not None else _assume_uses(answer, request_fee)
        uses = 1 if request_fee.most_uses == 1 else max(1, searches)
        fees += uses * Decimal(repr(request_fee.per_use))
    for tool in dict.fromkeys(tools):
        if fee := route.tool_fees.get(tool):
            uses = answer.uses.get(tool, 0 if tool in answer.countable else _assume_uses(answer, fee))
            uses = min(uses, 1) if tool == _PER_ANSWER and fee.most_uses == 1 else uses
            fees += uses * Decimal(repr(fee.per_use))
    return fees
