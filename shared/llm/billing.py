"""Bills calls: complete answers, and those that were lost, stopped or unreadable, from what is known of them."""

from collections.abc import Sequence
from dataclasses import replace

from shared.llm.answer import Answer
from shared.llm.catalog import ModelRoute
from shared.llm.cost import MAX_COST, Bill, add_tool_fees, bill, bill_worst_case
from shared.llm.exchange import Exchange, parse_request
from shared.llm.results import is_remnant, read_exchange
from shared.llm.text import object_of
from shared.llm.usage import TokenCount, count_lost, count_stream, count_tokens, count_unread, estimate_all

_EFFORT_FIELDS = ("thinking", "output_config", "reasoning_effort", "reasoning_config", "reasoningConfig")
"""The fields of requests to Anthropic and Bedrock that ask for thoughts."""


def bill_answer(
    route: ModelRoute, tools: Sequence[str], counted: TokenCount, answer: Answer, exchange: Exchange
) -> Bill:
    """Returns the bill of an answer.

    A cost that a stream reports before its end covers only a part of the answer, so the bill is at least the cost of
    the tokens.
    """
    billed = bill(route, tools, counted, answer)
    if exchange.stream is None or exchange.stream.has_final_usage or answer.cost is None:
        return billed
    return max(billed, bill(route, tools, counted, replace(answer, cost=None)), key=lambda bill: bill.cost)


def bill_unread(route: ModelRoute, tools: Sequence[str], exchange: Exchange) -> Bill:
    """Returns the bill of an unreadable answer, estimated from its bytes.

    If only the beginning of a lost answer arrived, returns the worst-case bill.
    """
    if exchange.stream is None and is_remnant(exchange.body):
        return bill_worst_case(route, tools, count_lost(exchange, route.info.max_output_tokens))
    return bill(route, (), count_unread(exchange, route.info.max_output_tokens))


def bill_lost(route: ModelRoute, tools: Sequence[str], exchange: Exchange) -> Bill:
    """Returns the bill of a lost answer.

    A stream is billed for the part that arrived. An answer that is too long, or that was not streamed, is billed at its
    highest possible cost. Headers without an event stream show that it was not streamed, even if that was requested.
    """
    answer = (read_exchange(exchange) if exchange.stream else None) or Answer()
    has_headers = exchange.status is not None
    not_streamed = exchange.stream is None and (has_headers or not exchange.wants_stream)
    if exchange.too_long or exchange.is_undecodable or not_streamed:
        return bill_worst_case(route, tools, count_lost(exchange, route.info.max_output_tokens))
    counted = count_answer(route, answer, exchange)
    if not (exchange.stream and exchange.stream.has_final_usage):
        counted = add_lost_tools(route, tools, counted, answer, exchange)
    billed = bill_answer(route, tools, counted, answer, exchange)
    return bill_absurd(route, tools, answer, exchange) if is_absurd(answer, billed) else billed


def add_lost_tools(
    route: ModelRoute, tools: Sequence[str], counted: TokenCount, answer: Answer, exchange: Exchange
) -> TokenCount:
    """Adds what built-in tools may have read before a stream was lost. Uses that it did not show count as made."""
    if not tools and route.request_fee is None:
        return counted
    if exchange.stream is None or not exchange.stream.joiner.shows_tool_uses:
        answer.uses, answer.countable, answer.hides_uses = {}, frozenset(), True
    if not (answer.hides_uses or any(answer.uses.values())):
        return counted
    return add_tool_fees(route, tools, counted)


def count_answer(route: ModelRoute, answer: Answer, exchange: Exchange) -> TokenCount:
    """Returns the tokens of a complete answer, or of a stream, which may be missing, broken off, or lack a usage."""
    longest = route.info.max_output_tokens
    if exchange.stream is None and exchange.is_answered:
        return count_tokens(answer, exchange, longest)
    return count_stream(answer, exchange, longest, may_hide_thoughts=_may_hide_thoughts(route, exchange))


def _may_hide_thoughts(route: ModelRoute, exchange: Exchange) -> bool:
    """Whether the model may have thoughts that its stream does not show in full, because it shows only a summary.

    Without a requested effort, the model's default applies.
    """
    if "reasoning" not in route.info.abilities:
        return False
    spec = route.info.parameters.get("reasoning_effort")
    default = spec and spec.default
    body = parse_request(exchange.request)
    if exchange.stream is not None and exchange.stream.joiner.thinks_only_if_asked:
        fields = body | object_of(body.get("additionalModelRequestFields"))
        return default not in (None, "none") or not fields.keys().isdisjoint(_EFFORT_FIELDS)
    return body.get("reasoning_effort", default) != "none"


def is_absurd(answer: Answer, billed: Bill) -> bool:
    """Whether the reported tokens or cost, or the resulting bill, are impossibly high."""
    return answer.tokens.is_absurd or max(answer.cost or 0.0, billed.cost) > MAX_COST


def bill_absurd(route: ModelRoute, tools: Sequence[str], answer: Answer, exchange: Exchange) -> Bill:
    """Returns the bill for an answer whose reported usage is impossible.

    It is estimated from the bytes sent and received, and from the reported tool uses unless these are also impossible.
    """
    answer.cost = None
    counted = estimate_all(answer, exchange)
    billed = bill(route, tools, counted, answer)
    return billed if billed.cost <= MAX_COST else bill(route, tools, counted)
