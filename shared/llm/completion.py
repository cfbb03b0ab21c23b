"""Calls a model through litellm and reads its answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from shared.llm.catalog import ModelRoute, check_built_in_tools, check_parameters
from shared.llm.diagnosis import model_failure
from shared.llm.engine import litellm
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.chat import ChatRequest, ChatResult, Usage

_log = get_logger("llm")


async def complete(route: ModelRoute, request: ChatRequest, timeout: float) -> ChatResult:
    """One call of the model, without retries: those are the queue's.

    `timeout`: seconds for the whole call. Raises `ModelFailure`, and `CatalogError` for what the model does not
    take. Needs a running event loop, whose connections are kept from call to call.
    """
    arguments = call_arguments(route, request)
    try:
        async with asyncio.timeout(timeout):
            answer: Any = await litellm.acompletion(**arguments, timeout=timeout)
            if request.stream:
                answer = await _gathered(answer, arguments["messages"])
        return _result(route, answer)
    except ModelFailure:
        raise
    except Exception as error:
        failure = model_failure(error, route.provider, route.api_key)
        fields = {"provider": route.provider, "model": route.model, "error": type(error).__name__}
        _log.warning("A model call failed", extra={"fields": {**fields, "transient": failure.transient}})
        raise failure from error


def call_arguments(route: ModelRoute, request: ChatRequest) -> dict[str, Any]:
    """What litellm is called with; it holds the key. What the caller chose comes first, so it can override nothing."""
    chosen = check_parameters(route, request.parameters)
    built_in = check_built_in_tools(route, request.built_in_tools)
    effort = chosen.get("reasoning_effort")
    api = built_in.api if effort is None else route.reasoning_api or built_in.api
    if api == "responses":
        chosen["store"] = False
        if effort is not None:
            chosen["reasoning_effort"] = {"effort": effort, "summary": "auto"}
    if built_in.tools:
        chosen["tools"] = built_in.tools
    if request.stream:
        chosen |= {"stream": True, "stream_options": {"include_usage": True}}
    return {
        **chosen,
        **built_in.parameters,
        **route.call_arguments(api),
        "messages": [message.model_dump() for message in request.messages],
        "num_retries": 0,
        "max_retries": 0,
    }


async def _gathered(chunks: AsyncIterator[Any], messages: list[Any]) -> Any:
    """The whole answer of a stream. An end without an end mark is a lost connection."""
    received = [chunk async for chunk in chunks]
    if not any(choice.finish_reason for chunk in received for choice in chunk.choices):
        raise ModelFailure("The connection was lost in the middle of the answer.", transient=True)
    return litellm.stream_chunk_builder(received, messages=messages)


def _result(route: ModelRoute, answer: Any) -> ChatResult:
    if not answer.choices:
        raise ModelFailure(f"{route.provider} sent no answer.", transient=True)
    choice = answer.choices[0]
    message = choice.message
    content: str = message.content or getattr(message, "refusal", None) or ""
    if choice.finish_reason == "content_filter" and not content:
        raise ModelFailure(f"{route.provider} refused the content of the chat.", transient=False)
    usage = answer.usage
    return ChatResult(
        content=content,
        thoughts=_thoughts(message),
        model=f"{route.provider}/{route.model}",
        usage=Usage(
            prompt_tokens=usage.prompt_tokens or 0,
            completion_tokens=usage.completion_tokens or 0,
            total_tokens=usage.total_tokens or 0,
        ),
        cost=_cost(route, answer),
    )


def _thoughts(message: Any) -> dict[str, Any] | None:
    """What the model did beside answering: reasoning, thinking blocks, tool calls, citations; None if nothing."""
    dumped: dict[str, Any] = message.model_dump(mode="json", exclude_none=True)
    names = {
        "reasoning_content": "reasoning",
        "thinking_blocks": "thinking_blocks",
        "tool_calls": "tool_calls",
        "annotations": "citations",
    }
    return {theirs: dumped[name] for name, theirs in names.items() if dumped.get(name)} or None


def _cost(route: ModelRoute, answer: Any) -> float:
    """US dollars by litellm's prices. Nothing for a free provider, nor (logged) for a model of unknown price."""
    if not route.charged:
        return 0.0
    try:
        return float(litellm.completion_cost(answer, model=route.litellm_model))
    except Exception:  # litellm raises a plain Exception for a model it has no price of
        _log.warning("Price unknown", extra={"fields": {"provider": route.provider, "model": route.model}})
        return 0.0
