"""What a call costs that was stopped, or whose stream was lost, before the provider had counted everything."""

import asyncio
from typing import Any

import pytest

from shared.llm.live import LiveCall
from shared.models.chat import ChatResult
from shared.models.part import Delta
from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import event
from tests.llm.conftest import MODELS, Providers

STREAM = "text/event-stream"
START = {"type": "message_start", "message": {"usage": {"input_tokens": 1000, "output_tokens": 1}}}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    """Returns the events of a block of Anthropic's interface."""
    begun = {"type": "content_block_start", "index": index, "content_block": start}
    changes = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [event(item) for item in [begun, *changes, {"type": "content_block_stop", "index": index}]]


def text(index: int, content: str) -> list[bytes]:
    return block(index, {"type": "text", "text": ""}, {"type": "text_delta", "text": content})


async def stop(providers: Providers, provider: str, events: list[bytes], **fields: Any) -> ChatResult:
    """Returns the result of a call that is stopped after these events."""
    has_begun = asyncio.Event()

    def follow(_: Delta) -> None:
        has_begun.set()

    live = LiveCall(follow)
    step = Wire([b"".join(events)], content_type=STREAM, silent=True)
    task = asyncio.create_task(providers.ask(provider, step, live=live, **fields))
    async with asyncio.timeout(5):
        await has_begun.wait()
        live.stop()
        return await task


async def test_a_model_that_was_not_asked_to_think_costs_what_it_said(providers: Providers) -> None:
    """Claude has no hidden thoughts unless the request asks for them. If it does, they may have any length."""
    events = [event(START), *text(0, "four" * 100)]
    result = await stop(providers, "anthropic", events)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (1000, 101)
    assert result.cost == pytest.approx(providers.cost("anthropic", 1000, 101))
    parameters = {"reasoning_effort": "low", "max_tokens": 5000}
    result = await stop(providers, "anthropic", events, parameters=parameters)
    assert result.usage.completion_tokens >= 5000


async def test_counts_in_the_middle_of_a_stream_are_used(providers: Providers) -> None:
    """Gemini counts thoughts and text all along, so a stopped answer costs what was counted until then."""
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 40, "thoughtsTokenCount": 60}
    part = {"content": {"role": "model", "parts": [{"text": "Hello"}]}}
    result = await stop(providers, "gemini", [event({"candidates": [part], "usageMetadata": usage})])
    assert (result.usage.prompt_tokens, result.usage.completion_tokens, result.usage.estimated) == (1000, 100, False)
    assert result.cost == pytest.approx(providers.cost("gemini", 1000, 100))


@pytest.mark.parametrize("searches", [0, 1, 2])
async def test_searches_that_a_stream_has_shown_are_charged(providers: Providers, searches: int) -> None:
    """Each search costs its fee, and what it may have added to the prompt. Other uses would have been shown."""
    events = [event(START)]
    for index in range(searches):
        events += block(index, SEARCH, {"type": "input_json_delta", "partial_json": '{"query": "a"}'})
    events += text(9, "four")
    fields: dict[str, Any] = {"builtInTools": ["web_search"], "parameters": {"max_tokens": 100}}
    result = await stop(providers, "anthropic", events, **fields)
    route = providers.catalog.route("anthropic", MODELS["anthropic"])
    fees = searches * route.tool_fees["web_search"].per_use
    assert result.usage.prompt_tokens == 1000 if not searches else result.usage.prompt_tokens > 1000
    tokens = providers.cost("anthropic", result.usage.prompt_tokens, result.usage.completion_tokens)
    assert result.cost == pytest.approx(tokens + fees)


@pytest.mark.parametrize("cut", [True, False], ids=["lost", "ended"])
async def test_searches_that_a_stream_would_show_at_its_end_are_charged(providers: Providers, cut: bool) -> None:
    """Gemini lists its sources at the end. Before, as many searches as possible may have been made."""
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 40}
    part = {"content": {"role": "model", "parts": [{"text": "Hello"}]}}
    events = [event({"candidates": [part], "usageMetadata": usage})]
    step = Wire(events, content_type=STREAM, cut=cut)
    failed = await providers.failure("gemini", step, stream=True, builtInTools=["google_search"])
    assert failed.usage is not None
    tokens = providers.cost("gemini", failed.usage.prompt_tokens, failed.usage.completion_tokens)
    assert failed.cost > tokens
    stopped = await stop(providers, "gemini", events, builtInTools=["google_search"])
    assert (stopped.usage, stopped.cost) == (failed.usage, pytest.approx(failed.cost))


async def test_half_of_a_tool_call_is_charged(providers: Providers) -> None:
    """The arguments that have arrived were generated, even if nobody gets them."""
    start = {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f"}}
    half = {"type": "input_json_delta", "partial_json": '{"a": "' + "four" * 100}
    events = [event(START), *text(0, "four"), event(start)]
    events.append(event({"type": "content_block_delta", "index": 1, "delta": half}))
    result = await stop(providers, "anthropic", events)
    assert result.usage.completion_tokens > 100
    assert result.thoughts == {"finish_reason": "cancelled"}
