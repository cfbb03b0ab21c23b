"""What an answer cost: as its provider says, else its tokens at the catalog's prices, and the fees beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shared.llm.answer import Answer, Tokens
from shared.llm.catalog import ModelRoute, ToolFee
from shared.llm.estimate import max_tokens_read, max_uses, thoughts_beside
from shared.llm.usage import Counted
from shared.models.catalog import Prices
from shared.models.chat import Usage

MAX_COST = 1_000.0
"""US dollars. A million tokens of the dearest prompt and as long an answer as any model gives cost a fifth of it."""
_PER_ANSWER = "google_search"
"""The tool that is billed for each query by some models, and once for each answer by others."""


@dataclass(frozen=True)
class Bill:
    """What a call took and cost; `cost` is in US dollars."""

    usage: Usage
    cost: float


def bill_worst_case(route: ModelRoute, tools: Sequence[str], counted: Counted) -> Bill:
    """Of a call whose answer was lost: with as many uses of its tools as there may have been, and what they brought.

    And with all that its model may have thought beside the answer.
    """
    prompt, answer = counted.tokens.prompt or 0, Answer()
    fees = {tool: fee for tool in dict.fromkeys(tools) if (fee := route.tool_fees.get(tool))}
    answer.uses.update({tool: max_uses(fee) for tool, fee in fees.items()})
    every = list(fees.values())
    if request := route.request_fee:
        answer.searches = max_uses(request)
        every.append(request)
    thoughts = thoughts_beside(route)
    tokens = replace(
        counted.tokens,
        prompt=max_tokens_read(prompt, every, route.info.context_window, prompt),
        completion=(counted.tokens.completion or 0) + thoughts,
        reasoning=thoughts,
    )
    return bill(route, tools, replace(counted, tokens=tokens), answer)


def add_tool_fees(route: ModelRoute, tools: Sequence[str], counted: Counted) -> Counted:
    """What was counted, where a provider did not count the prompt: with all that its tools may have had it read."""
    fees = [fee for tool in dict.fromkeys(tools) if (fee := route.tool_fees.get(tool))]
    if route.request_fee:
        fees.append(route.request_fee)
    estimated = counted.tokens.prompt or 0
    prompt = max_tokens_read(estimated, fees, route.info.context_window, estimated)
    return replace(counted, tokens=replace(counted.tokens, prompt=prompt))


def bill(route: ModelRoute, tools: Sequence[str], counted: Counted, answer: Answer | None = None) -> Bill:
    """`tools`: the built-in ones that the call had. `answer`: None for one that was lost, whose uses nobody knows.

    What a provider reports counts where the catalog says that it reports costs: elsewhere the field may mean anything.
    Nothing for a free provider; nothing either, and a usage that is `unpriced`, where nobody knows the price.
    """
    if not route.charged:
        return Bill(counted.usage, 0.0)
    reported = answer.cost if answer is not None and route.reports_cost else None
    if reported:
        return Bill(counted.usage, reported)
    if route.info.prices is None:
        told = reported is not None
        return Bill(counted.usage.model_copy(update={"unpriced": not told}), 0.0)
    cost = _cost_of_tokens(route.info.prices, counted.tokens) + _sum_fees(route, tools, answer or Answer())
    return Bill(counted.usage, float(cost))


def _cost_of_tokens(prices: Prices, tokens: Tokens) -> Decimal:
    """US dollars."""
    prompt, completion = tokens.prompt or 0, tokens.completion or 0
    long = prices.above_tokens is not None and prompt > prices.above_tokens
    input_ = _first_known((prices.input_above if long else None), prices.input)
    output = _first_known((prices.output_above if long else None), prices.output)
    kept = _first_known((prices.cached_input_above if long else None), prices.cached_input, input_)
    keeps = _first_known((prices.cache_write_above if long else None), prices.cache_write, input_)
    thought = _first_known(prices.reasoning, output)
    cached = min(tokens.cached, prompt)
    written = min(tokens.cache_write, prompt - cached)
    reasoning = min(tokens.reasoning, completion)
    micros = cached * kept + written * keeps + (prompt - cached - written) * input_
    micros += reasoning * thought + (completion - reasoning) * output
    micros += tokens.citation * _first_known(prices.citation, 0.0)
    return micros / 1_000_000


def _first_known(*prices: float | Decimal | None) -> Decimal:
    """The first price that there is, as it is written."""
    return next(Decimal(str(price)) for price in prices if price is not None)


def _assume_uses(answer: Answer, fee: ToolFee) -> int:
    """How many uses there are taken to be of what the answer does not show."""
    return max_uses(fee) if answer.hides_uses else 1


def _sum_fees(route: ModelRoute, tools: Sequence[str], answer: Answer) -> Decimal:
    """US dollars: each tool's fee for each use."""
    fees = Decimal(0)
    if request := route.request_fee:
        shown = answer.searches if answer.searches is not None else _assume_uses(answer, request)
        uses = 1 if request.most_uses == 1 else max(1, shown)
        fees += uses * Decimal(repr(request.per_use))
    for tool in dict.fromkeys(tools):
        if fee := route.tool_fees.get(tool):
            uses = answer.uses.get(tool, 0 if tool in answer.countable else _assume_uses(answer, fee))
            uses = min(uses, 1) if tool == _PER_ANSWER and fee.most_uses == 1 else uses
            fees += uses * Decimal(repr(fee.per_use))
    return fees
