"""Calls a model through litellm and reads its answer."""

import asyncio
from typing import Any

from shared.llm.catalog import CheckedCall, ModelRoute, check_call
from shared.llm.cost import cost_of
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
    call = check_call(route, request.parameters, request.built_in_tools, request.messages)
    stream = request.stream and route.streams and call.api == "chat" and not call.tools
    arguments = call_arguments(route, request, call)
    try:
        async with asyncio.timeout(timeout):
            if stream:
                answer: Any = await _streamed(arguments, timeout)
            else:
                answer = await litellm.acompletion(**arguments, timeout=timeout)
        return _result(route, answer)
    except ModelFailure:
        raise
    except Exception as error:
        failure = model_failure(error, route)
        fields = {
            "provider": route.provider,
            "model": route.model,
            "error": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "transient": failure.transient,
            "address": route.base_url,
        }
        kind = f"{fields['error']}, {fields['status']}" if fields["status"] else fields["error"]
        _log.warning("A call of %s failed: %s", route.name, kind, extra={"fields": fields})
        raise failure from error


def call_arguments(route: ModelRoute, request: ChatRequest, call: CheckedCall) -> dict[str, Any]:
    """What litellm is called with; it holds the key. What the caller chose comes first, so it can override nothing."""
    chosen = dict(call.parameters)
    if call.api == "responses":
        chosen["store"] = False
        if "reasoning_effort" in chosen:
            chosen["reasoning_effort"] = {"effort": chosen["reasoning_effort"], "summary": "auto"}
    if call.tools:
        chosen["tools"] = call.tools
    return {
        **chosen,
        **route.call_arguments(call.api),
        "messages": call.messages,
        "num_retries": 0,
        "max_retries": 0,
    }


async def _streamed(arguments: dict[str, Any], timeout: float) -> Any:
    """The whole answer of a stream.

    litellm gives a stream that just ends a finish reason of its own making; what the provider itself said is beside it.
    """
    chunks: Any = await litellm.acompletion(
        **arguments, timeout=timeout, stream=True, stream_options={"include_usage": True}
    )
    received = [chunk async for chunk in chunks]
    if not (chunks.received_finish_reason or chunks.intermittent_finish_reason):
        raise ModelFailure("The connection was lost in the middle of the answer.", transient=True)
    return litellm.stream_chunk_builder(received, messages=arguments["messages"])


def _result(route: ModelRoute, answer: Any) -> ChatResult:
    if not answer.choices:
        raise ModelFailure(f"{route.provider} sent no answer.", transient=True)
    choice = answer.choices[0]
    message = choice.message
    content = _text(message.content) or _text(getattr(message, "refusal", None))
    if choice.finish_reason == "error":
        raise ModelFailure(f"{route.provider} broke the answer off.", transient=True)
    if choice.finish_reason == "content_filter" and not content:
        raise ModelFailure(f"{route.provider} refused the content of the chat.", transient=False)
    usage = answer.usage
    return ChatResult(
        content=_encodable(content),
        thoughts=_encodable(_thoughts(choice)),
        model=route.name,
        usage=Usage(
            prompt_tokens=usage.prompt_tokens or 0,
            completion_tokens=usage.completion_tokens or 0,
            total_tokens=usage.total_tokens or 0,
        ),
        cost=cost_of(route, answer),
    )


def _text(content: Any) -> str:
    """A message's text, which some servers send in parts."""
    if isinstance(content, list):
        parts: list[Any] = content
        return "".join(part.get("text") or "" for part in parts if isinstance(part, dict))
    return content or ""


def _thoughts(choice: Any) -> dict[str, Any] | None:
    """What the model did beside answering: reasoning, thinking blocks, tool calls, citations; None if nothing.

    With a finish reason where that is not the usual one, such as "length" for an answer that was cut at its limit.
    """
    dumped: dict[str, Any] = choice.message.model_dump(mode="json", exclude_none=True)
    names = {
        "reasoning_content": "reasoning",
        "thinking_blocks": "thinking_blocks",
        "tool_calls": "tool_calls",
        "annotations": "citations",
    }
    thoughts = {ours: dumped[name] for name, ours in names.items() if dumped.get(name)}
    if choice.finish_reason not in (None, "stop", "tool_calls"):
        thoughts["finish_reason"] = choice.finish_reason
    return thoughts or None


def _encodable(value: Any) -> Any:
    """Without halves of surrogate pairs, which an answer cut within an emoji has, and which no UTF-8 can hold."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            items: list[Any] = value
            return [_encodable(item) for item in items]
        case dict():
            fields: dict[Any, Any] = value
            return {_encodable(name): _encodable(item) for name, item in fields.items()}
        case _:
            return value
