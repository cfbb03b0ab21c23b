"""Calls a model. litellm sends the request through the provider's own interface; the response is read here."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shared.llm import stop_reasons
from shared.llm.answer import Answer
from shared.llm.catalog import CheckedCall, ModelRoute, check_call
from shared.llm.cost import MAX_COST, Bill, add_tool_fees, bill, bill_worst_case
from shared.llm.diagnosis import diagnose, diagnose_fault, diagnose_unreadable
from shared.llm.engine import litellm
from shared.llm.exchange import Answered, Exchange, observe, parse_request
from shared.llm.failures import ModelFailure
from shared.llm.live import LiveCall
from shared.llm.provider_messages import clean_message, secrets_of
from shared.llm.results import is_remnant, read_exchange, read_thoughts, stop_of
from shared.llm.usage import TokenCount, count_lost, count_stream, count_tokens, count_unread, estimate_all
from shared.log import get_logger
from shared.models.chat import ChatRequest, ChatResult

_log = get_logger("llm")


async def complete(route: ModelRoute, request: ChatRequest, timeout: float, live: LiveCall | None = None) -> ChatResult:
    """Calls the model once. Retries are left to the queue.

    `timeout`: seconds for the whole call. Raises `ModelFailure`, which includes the cost of the failed call, and
    `CatalogError` for a request that the model does not accept. The connections stay open between
    calls, as long as the running event loop exists.
    """
    call = check_call(route, request.parameters, request.built_in_tools, request.messages)
    arguments = call_arguments(route, request, call)
    error: Exception | None = None
    with observe() as exchange:
        try:
            async with asyncio.timeout(timeout):
                await litellm.acompletion(**arguments, timeout=timeout)
        except Answered:
            pass
        except Exception as raised:  # litellm raises many kinds of errors; the provider's response decides
            error = raised
    try:
        return _conclude(route, request, exchange, error)
    except ModelFailure as failure:
        _report(failure, route, exchange, error)
        raise


def call_arguments(route: ModelRoute, request: ChatRequest, call: CheckedCall) -> dict[str, Any]:
    """Returns the arguments for litellm, including the key.

    The caller's parameters come first, so they override nothing.

    A stream is requested without litellm's knowledge and joined before litellm sees it, because litellm would keep
    every event in memory.
    """
    chosen = dict(call.parameters)
    if call.api == "responses":
        chosen["store"] = False
        if "reasoning_effort" in chosen:
            chosen["reasoning_effort"] = {"effort": chosen["reasoning_effort"], "summary": "auto"}
    if call.tools:
        chosen["tools"] = call.tools
    if request.stream and route.streams and call.api == "chat" and not call.tools:
        chosen["extra_body"] = {"stream": True, "stream_options": {"include_usage": True}}
    return {
        **chosen,
        **route.call_arguments(call.api),
        "messages": call.messages,
        "num_retries": 0,
        "max_retries": 0,
    }


def _conclude(route: ModelRoute, request: ChatRequest, exchange: Exchange, error: Exception | None) -> ChatResult:
    """Returns the result of a call that has ended. Raises `ModelFailure` if it failed."""
    if exchange.is_answered:
        return _read_answer(route, request, exchange)
    if error is None:
        _log.error("A call was not observed", extra={"fields": {"model": route.name}})
        raise diagnose_unreadable(route)
    failure = diagnose(error, exchange, route, request)
    if exchange.request is not None and (exchange.status is None or exchange.status < 300):
        _charge(failure, _bill_lost(route, request.built_in_tools, exchange))
    raise failure from error


def _read_answer(route: ModelRoute, request: ChatRequest, exchange: Exchange) -> ChatResult:
    answer = read_exchange(exchange)
    if answer is None:
        raise _charge(diagnose_unreadable(route), _bill_unread(route, request.built_in_tools, exchange))
    counted = _count(route, answer, exchange)
    if not answer.tokens.prompt:
        answer.hides_uses = True
        counted = add_tool_fees(route, request.built_in_tools, counted)
    billed = _bill(route, request.built_in_tools, counted, answer, exchange)
    if _is_absurd(answer, billed):
        failure = ModelFailure(f"{route.provider_name} reports an impossible usage.", transient=False)
        raise _charge(failure, _bill_absurd(route, request.built_in_tools, answer, exchange))
    stop = stop_of(answer)
    if failure := _find_failure(answer, stop, exchange, route):
        raise failure if answer.fault is not None and answer.is_blank else _charge(failure, billed)
    return ChatResult(
        content=answer.content or answer.refusal,
        thoughts=read_thoughts(answer, stop),
        model=route.name,
        usage=billed.usage,
        cost=billed.cost,
    )


def _find_failure(answer: Answer, stop: str | None, exchange: Exchange, route: ModelRoute) -> ModelFailure | None:
    """Returns the failure that a complete response shows, if any."""
    if answer.fault is not None:
        return diagnose_fault(answer.fault, None, route)
    if stop == "error" or (exchange.stream is not None and exchange.stream.is_broken_off):
        return ModelFailure(f"{route.provider_name} broke off the answer.", transient=True)
    if stop is None or stop in stop_reasons.EMPTY_IS_FINE or not answer.is_empty:
        return None
    if stop in ("content_filter", "refusal"):
        return ModelFailure(f"{route.provider_name} refused the content of the chat.", transient=False)
    reason = answer.native_stop if stop_reasons.reason(answer.stop, None) is None else answer.stop
    reason = clean_message(reason or stop, secrets_of(route))
    return ModelFailure(
        f"{route.provider_name} ended without an answer ({reason}).", transient=stop != stop_reasons.TOO_LONG
    )


def _bill(route: ModelRoute, tools: Sequence[str], counted: TokenCount, answer: Answer, exchange: Exchange) -> Bill:
    """Returns the bill of an answer.

    A cost that a stream reports before its end covers only a part of the answer, so the bill is at least the cost of
    the tokens.
    """
    billed = bill(route, tools, counted, answer)
    if exchange.stream is None or exchange.stream.has_final_usage or answer.cost is None:
        return billed
    return max(billed, bill(route, tools, counted, replace(answer, cost=None)), key=lambda bill: bill.cost)


def _bill_unread(route: ModelRoute, tools: Sequence[str], exchange: Exchange) -> Bill:
    """Returns the bill of an unreadable answer, estimated from its bytes.

    If only the beginning of a lost answer arrived, returns the worst-case bill.
    """
    if exchange.stream is None and is_remnant(exchange.body):
        return bill_worst_case(route, tools, count_lost(exchange, route.info.max_output_tokens))
    return bill(route, (), count_unread(exchange, route.info.max_output_tokens))


def _bill_lost(route: ModelRoute, tools: Sequence[str], exchange: Exchange) -> Bill:
    """Returns the bill of a lost answer.

    A stream is billed for the part that arrived. An answer that is too long, or that was not streamed, is billed at its
    highest possible cost. Headers without an event stream show that it was not streamed, even if that was requested.
    """
    answer = (read_exchange(exchange) if exchange.stream else None) or Answer()
    has_headers = exchange.status is not None
    not_streamed = exchange.stream is None and (
        has_headers or parse_request(exchange.request).get("stream") is not True
    )
    if exchange.too_long or exchange.is_undecodable or not_streamed:
        return bill_worst_case(route, tools, count_lost(exchange, route.info.max_output_tokens))
    billed = _bill(route, (), _count(route, answer, exchange), answer, exchange)
    return _bill_absurd(route, (), answer, exchange) if _is_absurd(answer, billed) else billed


def _count(route: ModelRoute, answer: Answer, exchange: Exchange) -> TokenCount:
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
    return parse_request(exchange.request).get("reasoning_effort", spec and spec.default) != "none"


def _is_absurd(answer: Answer, billed: Bill) -> bool:
    """Whether the reported tokens or cost, or the resulting bill, are impossibly high."""
    return answer.tokens.is_absurd or max(answer.cost or 0.0, billed.cost) > MAX_COST


def _bill_absurd(route: ModelRoute, tools: Sequence[str], answer: Answer, exchange: Exchange) -> Bill:
    """Returns the bill for an answer whose reported usage is impossible.

    It is estimated from the bytes sent and received, and from the reported tool uses unless these are also impossible.
    """
    answer.cost = None
    counted = estimate_all(answer, exchange)
    billed = bill(route, tools, counted, answer)
    return billed if billed.cost <= MAX_COST else bill(route, tools, counted)


def _charge(failure: ModelFailure, billed: Bill) -> ModelFailure:
    failure.usage, failure.cost = billed.usage, billed.cost
    return failure


def _report(failure: ModelFailure, route: ModelRoute, exchange: Exchange, error: Exception | None) -> None:
    kind = type(error).__name__ if error else "unusable answer"
    fields = {
        "provider": route.provider,
        "model": route.model,
        "error": kind,
        "status": exchange.status,
        "transient": failure.transient,
        "cost": failure.cost,
        "address": route.base_url,
    }
    # Before a response arrives, the failure's message is our own. Later it may quote the provider.
    reason = f"{kind}, {exchange.status}" if exchange.status else failure.message.rstrip(".")
    _log.warning("A call to %s failed: %s", route.name, reason, extra={"fields": fields})
