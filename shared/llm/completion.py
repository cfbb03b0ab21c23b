"""Calls a model. litellm sends the request through the provider's own interface; the response is read here."""

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager, suppress
from copy import deepcopy
from typing import Any

from shared.llm import stop_reasons
from shared.llm.answer import Answer
from shared.llm.billing import add_lost_tools, bill_absurd, bill_answer, bill_lost, bill_unread, count_answer, is_absurd
from shared.llm.catalog import CheckedCall, ModelRoute, check_call
from shared.llm.cost import Bill, add_tool_fees
from shared.llm.diagnosis import diagnose, diagnose_fault, diagnose_unreadable
from shared.llm.engine import litellm
from shared.llm.exchange import LINGER_SECONDS, Answered, Exchange, observe
from shared.llm.failures import ModelFailure
from shared.llm.images import count_images, list_image_urls
from shared.llm.live import CANCELLED, LiveCall
from shared.llm.provider_messages import clean_message, secrets_of
from shared.llm.results import read_exchange, read_thoughts, stop_of
from shared.log import get_logger
from shared.models.chat import ChatRequest, ChatResult, Usage

_log = get_logger("llm")
_STREAM_FIELDS: dict[str, dict[str, Any]] = {
    "openai": {"stream_options": {"include_usage": True}},
    "openrouter": {"stream_options": {"include_usage": True}},
    "perplexity": {"extra_body": {"stream_mode": "concise"}},
}
"""What else a stream of OpenAI's chat interface needs, by the provider's name in litellm: to be asked for token counts,
or not to repeat the whole answer and its sources in every event.
"""


async def complete(route: ModelRoute, request: ChatRequest, timeout: float, live: LiveCall | None = None) -> ChatResult:
    """Calls the model once. Retries are left to the queue.

    `timeout`: seconds for the whole call. Images must be `data:` URLs. The connections stay open between calls, as long
    as the running event loop exists. Raises `ModelFailure`, which includes the cost of the failed call, and
    `CatalogError` for a request that the model does not accept.

    `live`: gets what the model says while it says it, and can stop the call. The connection is then closed, and the
    result is what was said so far, with the finish reason `CANCELLED` and the cost until then. Once the answer is
    complete, stopping has no effect.
    """
    call = check_call(route, request.parameters, request.built_in_tools, request.messages)
    if any(not url.startswith("data:") for url in list_image_urls(call.messages)):
        raise ValueError("images must be fetched before the call, as litellm would fetch them from any address")
    wants_stream = request.stream or live is not None
    arguments = call_arguments(route, request, call, stream=wants_stream)
    if live is not None and live.is_stopped:
        return _conclude_stopped(route, request, Exchange())
    error: Exception | None = None
    is_stopped = False
    limit = asyncio.timeout(timeout)
    images = count_images(route, call.messages)
    with observe(wants_stream=wants_stream, follow=live and live.follow, images=images) as exchange:
        try:
            async with limit:
                with _stoppable(live, limit, exchange):
                    await _send(arguments, timeout)
        except Answered:
            pass
        except Exception as raised:  # litellm raises many kinds of errors; the provider's response decides
            error = raised
            is_stopped = live is not None and live.is_stopped and limit.expired()
    if is_stopped and not exchange.is_answered:
        if exchange.stream is None or not (exchange.stream.has_ended or exchange.stream.is_complete):
            return _conclude_stopped(route, request, exchange)
        with suppress(RecursionError):  # nested too deeply to be serialized again
            exchange.body = json.dumps(exchange.stream.document()).encode()
    try:
        return _conclude(route, request, exchange, error)
    except ModelFailure as failure:
        _report(failure, route, exchange, error)
        raise


async def _send(arguments: dict[str, Any], timeout: float) -> None:
    """Has litellm send the request. The transport reads the response, and then raises `Answered`."""
    answer: Any = await litellm.acompletion(**arguments, timeout=timeout)
    if arguments.get("stream"):
        async for _ in answer:  # for some providers, litellm sends the request only now
            return


@contextmanager
def _stoppable(live: LiveCall | None, limit: asyncio.Timeout, exchange: Exchange) -> Generator[None]:
    """Has `live` end the call's time at once. An answer that is complete still waits a moment for its token counts."""
    if live is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if limit.expired():
            return
        is_complete = exchange.stream is not None and exchange.stream.is_complete
        end = loop.time() + (LINGER_SECONDS if is_complete else 0)
        limit.reschedule(min(end, limit.when() or end))

    with live.stoppable(stop):
        yield


def call_arguments(
    route: ModelRoute, request: ChatRequest, call: CheckedCall, *, stream: bool = False
) -> dict[str, Any]:
    """Returns the arguments for litellm, including the key.

    The caller's parameters come first, so they override nothing.

    litellm requests a stream in each provider's own way, but never reads one: the transport joins it before.
    """
    chosen = dict(call.parameters)
    if call.api == "responses":
        chosen["store"] = False
        if "reasoning_effort" in chosen:
            chosen["reasoning_effort"] = {"effort": chosen["reasoning_effort"], "summary": "auto"}
    if call.tools:
        chosen["tools"] = call.tools
    if stream:
        chosen["stream"] = True
        if call.api == "chat":
            chosen |= deepcopy(_STREAM_FIELDS.get(route.litellm_model.partition("/")[0], {}))
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
        _charge(failure, bill_lost(route, request.built_in_tools, exchange))
    raise failure from error


def _conclude_stopped(route: ModelRoute, request: ChatRequest, exchange: Exchange) -> ChatResult:
    """Returns what a model had said when its call was stopped. The part that its provider may bill is charged."""
    if exchange.request is None or (exchange.status is not None and exchange.status >= 300):
        usage = Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
        return ChatResult(content="", thoughts={"finish_reason": CANCELLED}, model=route.name, usage=usage, cost=0.0)
    billed = bill_lost(route, request.built_in_tools, exchange)
    answer = Answer()
    if exchange.stream is not None:
        exchange.stream.joiner.drop_open_call()
        answer = read_exchange(exchange) or answer
    return ChatResult(
        content=answer.content or answer.refusal,
        thoughts=read_thoughts(answer, CANCELLED),
        model=route.name,
        usage=billed.usage,
        cost=billed.cost,
    )


def _read_answer(route: ModelRoute, request: ChatRequest, exchange: Exchange) -> ChatResult:
    answer = read_exchange(exchange)
    if answer is None:
        raise _charge(diagnose_unreadable(route), bill_unread(route, request.built_in_tools, exchange))
    counted = count_answer(route, answer, exchange)
    if not answer.tokens.prompt:
        answer.hides_uses = True
        counted = add_tool_fees(route, request.built_in_tools, counted)
    elif exchange.stream is not None and exchange.stream.is_broken_off:
        counted = add_lost_tools(route, request.built_in_tools, counted, answer, exchange)
    billed = bill_answer(route, request.built_in_tools, counted, answer, exchange)
    if is_absurd(answer, billed):
        failure = ModelFailure(f"{route.provider_name} reports an impossible usage.", transient=False)
        raise _charge(failure, bill_absurd(route, request.built_in_tools, answer, exchange))
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
