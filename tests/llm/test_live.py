"""Calls that are followed while the model answers, and stopped before it has ended."""

import asyncio
import json
from typing import Any

import pytest

from shared.llm import exchange, late_completion
from shared.llm.failures import ModelFailure
from shared.llm.live import CANCELLED, LiveCall
from shared.models.chat import ChatRequest, ChatResult
from shared.models.part import Delta, PartKind
from shared.services.model_calls import complete_and_price
from tests.doubles.model_server import Fail, Wire
from tests.doubles.provider_responses import DONE, chat, delta, event
from tests.doubles.provider_streams import frame
from tests.llm.conftest import MODELS, Providers
from tests.llm.forms_streamed import FORMS, Followed, Form

EVERY_FORM = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
STREAM = "text/event-stream"


def letters(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(0, len(text), 3)]


def wire(form: Form, pieces: list[bytes], **options: Any) -> Wire:
    return Wire(pieces, content_type=form.content_type, **options)


def is_charged(providers: Providers, form: Form) -> bool:
    return providers.catalog.route(form.provider, MODELS[form.provider]).charged


async def ask(providers: Providers, form: Form, step: Any, live: LiveCall, **fields: Any) -> ChatResult:
    return await providers.ask(form.provider, step, live=live, **form.fields, **fields)


@EVERY_FORM
async def test_a_followed_answer_is_that_of_a_call_without_streaming(providers: Providers, form: Form) -> None:
    """Content, thoughts, tool calls, sources, usage and cost are the same, and the deltas are their beginning."""
    document = form.write("Hello, world! 世界 😀", "Let me see… 🤔")
    whole = await providers.ask(form.provider, Wire(document), **form.fields)
    followed = Followed()
    step = wire(form, form.stream(document, letters))
    result = await ask(providers, form, step, LiveCall(followed.follow))
    assert result == whole
    assert not result.usage.estimated
    assert result.thoughts is not None
    assert followed.content == result.content
    assert followed.reasoning == result.thoughts["reasoning"]
    assert followed.tool_calls == result.thoughts["tool_calls"]
    assert len(followed.deltas) > 10


@EVERY_FORM
async def test_a_provider_that_does_not_stream_is_read(providers: Providers, form: Form) -> None:
    """If the provider sends one document although a stream was requested, it is read, without any deltas."""
    followed = Followed()
    document = form.write("Hello.", "Hm.")
    result = await ask(providers, form, Wire(document), LiveCall(followed.follow))
    assert result == await providers.ask(form.provider, Wire(document), **form.fields)
    assert followed.deltas == []


@EVERY_FORM
async def test_text_is_passed_on_while_the_stream_is_open(providers: Providers, form: Form) -> None:
    """Text arrives before the answer is complete, and a stop closes the connection and keeps what was said."""
    events = form.stream(form.write("Hello, world!", "Let me see."), letters)
    content, said = asyncio.Event(), Followed()

    def follow(delta: Delta) -> None:
        said.follow(delta)
        if said.content.endswith("Hello, wo"):
            content.set()

    live = LiveCall(follow)
    half = next(at for at in range(len(events)) if b"rld" in events[at])
    others = providers.server.open_connections  # of earlier tests, which may close at any moment
    task = asyncio.create_task(ask(providers, form, wire(form, events[:half], silent=True), live))
    async with asyncio.timeout(10):
        await content.wait()
    assert 1 <= providers.server.open_connections <= others + 1
    async with asyncio.timeout(1):
        live.stop()
        result = await task
        await providers.server.closed(others)
    assert result.thoughts is not None
    assert result.thoughts["finish_reason"] == CANCELLED
    assert result.content == said.content
    assert result.thoughts["reasoning"] == said.reasoning
    assert result.usage.completion_tokens > 0
    assert result.cost > 0 or not is_charged(providers, form)
    failed = await providers.failure(form.provider, wire(form, events[:half], cut=True), stream=True, **form.fields)
    assert (result.usage, result.cost) == (failed.usage, pytest.approx(failed.cost))


@EVERY_FORM
async def test_a_stream_that_is_cut_off_is_a_failure(providers: Providers, form: Form) -> None:
    """A stream without its end is a temporary failure, whether the connection breaks or the response seems complete."""
    events = form.stream(form.write("Hello, world!", "Let me see."), letters)
    for cut in (True, False):
        for pieces in (events[: len(events) // 2], [*events[:4], events[4][:-9]]):
            failed = await providers.failure(form.provider, wire(form, pieces, cut=cut), stream=True, **form.fields)
            assert failed.transient
            assert failed.cost > 0 or not is_charged(providers, form)
    assert len(providers.server.calls) == 4  # none was sent again


ERRORS: dict[str, bytes] = {
    "chat": event({"error": {"message": "Overloaded", "code": 503}}),
    "responses": event({"type": "error", "code": "server_error", "message": "Overloaded", "param": None}),
    "messages": event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "gemini": event({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
    "converse": frame("serviceUnavailableException", {"message": "Overloaded"}, is_exception=True),
    "ollama": json.dumps({"error": "Overloaded"}).encode() + b"\n",
}


@EVERY_FORM
@pytest.mark.parametrize("beginning", [0, 12])
async def test_an_error_in_a_stream_is_a_failure(providers: Providers, form: Form, beginning: int) -> None:
    """An error that the provider sends in a stream is a temporary failure, which costs nothing at its beginning."""
    error = ERRORS.get(form.name, ERRORS["chat"])
    events = form.stream(form.write("Hello, world!", "Let me see."), letters)[:beginning]
    step = wire(form, [*events, error])
    failed = await providers.failure(form.provider, step, stream=True, **form.fields)
    assert failed.transient
    assert "could not answer" in failed.message
    if not beginning:
        assert failed.cost == 0


@EVERY_FORM
async def test_an_error_before_a_stream_is_a_failure(providers: Providers, form: Form) -> None:
    """An error status instead of a stream is reported as for a call without streaming, and costs nothing."""
    for status, transient in ((429, True), (400, False)):
        failed = await providers.failure(form.provider, Fail(status), stream=True, **form.fields)
        assert (failed.transient, failed.cost) == (transient, 0)
    assert len(providers.server.calls) == 2


@EVERY_FORM
async def test_a_call_that_is_stopped_before_its_answer_begins_costs_a_lost_answer(
    providers: Providers, form: Form
) -> None:
    """Before the first byte, nobody knows what the model has done, so the call costs as much as a lost answer."""
    live = LiveCall(Followed().follow)
    task = asyncio.create_task(ask(providers, form, Wire(delay=0.5), live))
    await providers.server.called()
    await asyncio.sleep(0.05)  # the client notices in the meantime that the whole request was sent
    live.stop()
    async with asyncio.timeout(1):
        result = await task
    assert (result.content, result.thoughts) == ("", {"finish_reason": CANCELLED})
    late = await providers.failure(form.provider, Wire(delay=0.5), seconds=0.3, stream=True, **form.fields)
    assert (result.usage, result.cost) == (late.usage, late.cost)


async def test_a_call_that_is_stopped_before_it_begins_costs_nothing(providers: Providers) -> None:
    """If nothing was sent, the result is empty and free, and no request is made."""
    live = LiveCall(Followed().follow)
    live.stop()
    result = await providers.ask("openai", Wire(chat()), live=live)
    assert (result.content, result.cost, result.usage.total_tokens) == ("", 0, 0)
    assert result.thoughts == {"finish_reason": CANCELLED}
    assert providers.server.calls == []


async def test_stopping_a_complete_answer_has_no_effect(providers: Providers) -> None:
    """After the last word, a stop neither changes the result nor loses the token counts that follow."""
    usage = {"prompt_tokens": 70, "completion_tokens": 9}
    events = [delta(content="Hello"), delta("stop"), event({"choices": [], "usage": usage}), DONE]
    live: LiveCall

    def stop_at_the_end(_: Delta) -> None:
        asyncio.get_running_loop().call_later(0.05, live.stop)

    live = LiveCall(stop_at_the_end)
    step = Wire(events[:2], content_type=STREAM, silent=True)
    result = await providers.ask("openai", step, live=live)
    assert (result.content, result.thoughts) == ("Hello", None)
    live = LiveCall(stop_at_the_end)
    step = Wire([b"".join(events[:2]), *events[2:]], content_type=STREAM, pause=0.1)
    result = await providers.ask("openai", step, live=live)
    assert (result.content, result.thoughts) == ("Hello", None)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (70, 9)
    live.stop()


@EVERY_FORM
async def test_half_of_a_tool_call_is_not_in_a_stopped_result(providers: Providers, form: Form) -> None:
    """Nobody should carry out half of a call. It is neither passed on nor in the result, but it is charged."""
    if form.name in ("gemini", "ollama"):
        pytest.skip("calls arrive as a whole")
    events = form.stream(form.write("Hello", "Hm"), letters)
    half = 1 + max(at for at in range(len(events)) if b"ity" in events[at] and b"elta" in events[at])
    followed = Followed()
    live = LiveCall(followed.follow)
    task = asyncio.create_task(ask(providers, form, wire(form, events[:half], silent=True), live))
    async with asyncio.timeout(10):
        while not followed.content.endswith("Hello"):  # noqa: ASYNC110 - the calls follow the content
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    live.stop()
    result = await task
    assert result.thoughts is not None
    calls = result.thoughts.get("tool_calls", [])
    assert followed.tool_calls in ([], calls)  # OpenAI's chats pass calls on at the end, as their parts may alternate
    assert all(json.loads(call["function"]["arguments"]) is not None for call in calls)


async def test_thoughts_in_tags_are_passed_on_as_thoughts(providers: Providers) -> None:
    """Some models write thoughts before their answer. They are passed on when they are complete."""
    followed = Followed()
    tokens = ["  <th", "ink>", " Hm", "…\n", "</thi", "nk>", "\n\n", "Yes", "."]
    events = [*(delta(content=token) for token in tokens), delta("stop"), DONE]
    result = await providers.ask("local", Wire(events, content_type=STREAM), live=LiveCall(followed.follow))
    assert (result.content, result.thoughts) == ("Yes.", {"reasoning": "Hm…"})
    assert followed.deltas == [
        Delta(PartKind.REASONING, "Hm…"),
        Delta(PartKind.CONTENT, "Yes"),
        Delta(PartKind.CONTENT, "."),
    ]


async def test_a_concise_stream_of_perplexity_is_read(providers: Providers) -> None:
    """Steps of the search are not the answer's text, and the last event repeats the whole answer."""
    found = [{"url": "https://example.com/a", "title": "A", "snippet": "four" * 1000}]
    step = {"type": "web_search", "thought": "Searching", "web_search": {"search_results": found}}
    whole = {"role": "assistant", "content": "Hello [1]"}

    def chunk(kind: str, finish_reason: str | None = None, **fields: Any) -> bytes:
        message = {"role": "assistant", "content": "", **fields.pop("message", {})}
        change = {"role": "assistant", "content": "", **fields.pop("delta", {})}
        choice = {"index": 0, "finish_reason": finish_reason, "message": message, "delta": change}
        return event({"id": "c1", "model": "sonar", "created": 1, "object": kind, "choices": [choice], **fields})

    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14, "cost": {"total_cost": 0.01}}
    events = [
        chunk("chat.reasoning", delta={"reasoning_steps": [step]}),
        chunk("chat.completion.chunk", delta={"content": "Hello"}),
        chunk("chat.completion.chunk", delta={"content": " [1]"}),
        chunk("chat.completion.done", "stop", message=whole, usage=usage, search_results=found),
        DONE,
    ]
    followed = Followed()
    result = await providers.ask("perplexity", Wire(events, content_type=STREAM), live=LiveCall(followed.follow))
    assert followed.content == result.content == "Hello [1]"
    assert (result.cost, result.usage.completion_tokens, result.usage.estimated) == (0.01, 4, False)
    assert result.thoughts is not None
    assert result.thoughts["citations"][0]["url"] == "https://example.com/a"
    followed = Followed()
    live = LiveCall(lambda _: live.stop())
    lost = await providers.ask("perplexity", Wire(events[:2], content_type=STREAM, silent=True), live=live)
    assert lost.content == "Hello"
    assert lost.usage.completion_tokens < 50


async def test_a_live_call_is_passed_on_to_the_model(providers: Providers) -> None:
    """The worker's way to a model leads through the late import and the pricing of calls."""
    followed = Followed()
    route = providers.catalog.route("openai", MODELS["openai"])
    messages = [{"role": "user", "content": "hi"}]
    request = ChatRequest.model_validate({"messages": messages, "provider": route.provider, "model": route.model})
    providers.server.script("hi", Wire([delta(content="Hello"), delta("stop"), DONE], content_type=STREAM))
    result = await complete_and_price(late_completion.complete, route, request, 10, 0, LiveCall(followed.follow))
    assert followed.content == result.content == "Hello"


async def test_only_the_first_choice_is_passed_on(providers: Providers) -> None:
    """The result contains only the first choice, and so do the deltas."""
    followed = Followed()
    other = event({"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}]})
    events = [delta(content="first"), other, delta("stop"), DONE]
    result = await providers.ask("openai", Wire(events, content_type=STREAM), live=LiveCall(followed.follow))
    assert followed.content == result.content == "first"


async def test_a_tool_call_that_is_very_long_is_only_in_the_result(providers: Providers) -> None:
    """A part has room for 200 KB, so a longer call is not passed on."""
    followed = Followed()
    long = {"index": 0, "id": "c", "function": {"name": "write", "arguments": json.dumps({"text": "x" * 200_000})}}
    short = {"index": 1, "id": "d", "function": {"name": "read", "arguments": "{}"}}
    events = [delta(tool_calls=[long]), delta(tool_calls=[short]), delta("tool_calls"), DONE]
    result = await providers.ask("openai", Wire(events, content_type=STREAM), live=LiveCall(followed.follow))
    assert result.thoughts is not None
    assert followed.tool_calls == result.thoughts["tool_calls"][1:]


@EVERY_FORM
async def test_a_stream_that_pauses_for_too_long_is_a_failure(
    providers: Providers, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that pauses for a minute was probably lost. It costs what a broken-off stream costs."""
    monkeypatch.setattr(exchange, "_MAX_IDLE_SECONDS", 0.2)
    events = form.stream(form.write("Hello, world!", "Let me see."), letters)
    events = events[: next(at for at in range(len(events)) if b"rld" in events[at])]
    silent, cut = (wire(form, events, silent=silent, cut=not silent) for silent in (True, False))
    failed = await providers.failure(form.provider, silent, stream=True, **form.fields)
    assert failed.transient
    assert "took too long" in failed.message
    lost = await providers.failure(form.provider, cut, stream=True, **form.fields)
    assert (failed.usage, failed.cost) == (lost.usage, pytest.approx(lost.cost))


async def test_a_model_may_think_for_long(providers: Providers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its answer begins, a model may send nothing for any time within the call's."""
    monkeypatch.setattr(exchange, "_MAX_IDLE_SECONDS", 0.1)
    events = [delta(role="assistant", content=""), delta(reasoning_content="Hm"), delta(content="Yes"), delta("stop")]
    step = Wire([b"".join(events[:2]), b"".join([*events[2:], DONE])], content_type=STREAM, pause=0.4)
    assert (await providers.ask("openai", step, stream=True)).content == "Yes"


async def test_a_timeout_is_not_a_stop(providers: Providers) -> None:
    """A followed call that nobody stops ends with a failure when its time is over."""
    step = Wire([delta(content="Hello")], content_type=STREAM, silent=True)
    with pytest.raises(ModelFailure) as raised:
        await providers.ask("openai", step, seconds=0.3, live=LiveCall(Followed().follow))
    assert raised.value.transient
    assert raised.value.cost > 0


@EVERY_FORM
async def test_an_endless_stream_is_abandoned(providers: Providers, form: Form) -> None:
    """In every form, a stream ends at a limit, permanently and with its possible cost."""
    events = form.stream(form.write("y" * 120_000, ""), lambda text: [text])
    at = next(at for at in range(len(events)) if b"yyyyy" in events[at])
    step = wire(form, events[: at + 1], endless=True)
    failed = await providers.failure(form.provider, step, seconds=60, stream=True, **form.fields)
    assert failed.message.endswith(
        ("is too long: more than 4194304 characters.", "is too long: more than 67108864 bytes.")
    )
    assert not failed.transient
