"""`EventStream` joins the events of a stream to one document."""

import codecs
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.llm.event_stream import EventStream
from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import DONE, chat, delta, event
from tests.llm.conftest import Providers

TEXTS = st.lists(st.text(max_size=20), max_size=8)


def join(*pieces: bytes) -> dict[str, Any]:
    stream = EventStream()
    for piece in pieces:
        stream.feed(piece)
    stream.finish()
    return stream.document()


@settings(deadline=None)
@given(
    texts=TEXTS, thoughts=TEXTS, cuts=st.lists(st.integers(0, 3000)), newline=st.sampled_from([b"\n", b"\r\n", b"\r"])
)
def test_the_division_of_bytes_makes_no_difference(
    texts: list[str], thoughts: list[str], cuts: list[int], newline: bytes
) -> None:
    """The network may divide the events at any byte, and lines may have any line break."""
    events = [delta(content=text) for text in texts] + [delta(reasoning_content=text) for text in thoughts]
    whole = b"".join([*events, delta("stop"), DONE]).replace(b"\n", newline)
    ends = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    document = join(*(whole[start:end] for start, end in pairwise(ends)))
    (choice,) = document["choices"]
    assert (choice["message"].get("content") or "") == "".join(texts)
    assert choice["message"].get("reasoning_content", "") == "".join(thoughts)
    assert choice["finish_reason"] == "stop"


@settings(deadline=None)
@given(text=st.text(max_size=30), thoughts=st.text(max_size=30))
def test_a_character_that_was_split_is_joined(text: str, thoughts: str) -> None:
    """If a server sends single UTF-16 units, the halves of surrogate pairs are joined."""
    events = [delta(content=unit) for unit in split_units(text)] + [
        delta(reasoning_content=unit) for unit in split_units(thoughts)
    ]
    events += [delta(tool_calls=[{"index": 0, "function": {"arguments": unit}}]) for unit in split_units(text)]
    message = join(*events, delta("stop"))["choices"][0]["message"]
    assert (message["content"] or "", message.get("reasoning_content", "")) == (text, thoughts)
    assert not text or message["tool_calls"][0]["function"]["arguments"] == text


def split_units(text: str) -> list[str]:
    """Returns the string as a list of single UTF-16 units."""
    units = text.encode("utf-16-le", "surrogatepass")
    return [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_invalid_bytes_are_skipped(data: bytes) -> None:
    """No bytes from a server raise an error."""
    join(data, b"\n\ndata: " + data.replace(b"\n", b"") + b"\n\n")


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "choices",
                        "delta",
                        "content",
                        "tool_calls",
                        "function",
                        "arguments",
                        "index",
                        "usage",
                        "error",
                        "annotations",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_type_is_trusted(value: Any) -> None:
    """Known fields may have values of any type."""
    join(b"data: " + json.dumps(value).encode() + b"\n\n")


async def test_a_split_emoji_is_joined(providers: Providers) -> None:
    """A split emoji is joined in the answer, in thoughts and in tool arguments."""
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "say", "arguments": '{"a": "\ud83d'}}
    rest = {"index": 0, "function": {"arguments": '\ude00"}'}}
    events = [
        delta(content="Hi \ud83d", reasoning_content="\ud83d", tool_calls=[call]),
        delta(content="\ude00!", reasoning_content="\ude00", tool_calls=[rest]),
        delta("stop"),
        DONE,
    ]
    result = await providers.ask("openai", Wire(events, content_type="text/event-stream"), stream=True)
    assert (result.content, result.thoughts["reasoning"]) == ("Hi 😀!", "😀")
    assert result.thoughts["tool_calls"][0]["function"]["arguments"] == '{"a": "😀"}'


@pytest.mark.parametrize("half", ["\ud83d", "\ude00"])  # noqa: PT014 - ruff considers the two halves equal
async def test_an_incomplete_emoji_is_replaced(providers: Providers, half: str) -> None:
    """A lone surrogate is replaced, because it could not be stored."""
    events = [delta(content=f"Hi {half}"), delta("stop"), DONE]
    result = await providers.ask("openai", Wire(events, content_type="text/event-stream"), stream=True)
    assert result.content == "Hi \ufffd"


async def test_halves_as_bytes_are_joined(providers: Providers) -> None:
    """Surrogate halves that a server encodes as separate characters are joined."""
    halved = delta(content="?").replace(b"?", "\ud83d\ude00".encode("utf-8", "surrogatepass"))
    result = await providers.ask(
        "openai", Wire([halved, delta("stop"), DONE], content_type="text/event-stream"), stream=True
    )
    assert result.content == "😀"


async def test_an_answer_without_streaming_is_read_instead_of_a_stream(providers: Providers) -> None:
    """An answer without streaming is read, because some servers do not stream."""
    body = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
    assert (await providers.ask("openai", Wire(body), stream=True)).content == "yes"


async def test_a_byte_order_mark_is_skipped(providers: Providers) -> None:
    """A byte order mark at the beginning of a stream is skipped, because the format allows it."""
    events = [codecs.BOM_UTF8 + delta(content="Hel"), delta(content="lo"), delta("stop"), DONE]
    step = Wire(events, content_type="text/event-stream")
    assert (await providers.ask("openai", step, stream=True)).content == "Hello"


@pytest.mark.parametrize(
    "counted", [[], [event({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 7}})]]
)
async def test_a_stream_that_is_cut_off_after_its_answer_is_complete(
    providers: Providers, counted: list[bytes]
) -> None:
    """A stream that is cut off after its answer succeeds, because another request would be charged again."""
    step = Wire([delta(content="Hello"), delta("stop"), *counted], content_type="text/event-stream", cut=True)
    result = await providers.ask("openai", step, stream=True)
    assert (result.content, result.usage.estimated) == ("Hello", not counted)


async def test_a_message_after_its_pieces_is_not_repeated(providers: Providers) -> None:
    """A whole message after its pieces, which some servers send, is not added to the answer."""
    whole = event({"choices": [{"index": 0, "delta": {}, "message": {"content": "Hello"}, "finish_reason": "stop"}]})
    step = Wire([delta(content="Hel"), delta(content="lo"), whole, DONE], content_type="text/event-stream")
    assert (await providers.ask("openai", step, stream=True)).content == "Hello"


async def test_a_usage_may_be_in_a_choice(providers: Providers) -> None:
    """The usage is read from a choice with and without streaming."""
    usage = {"prompt_tokens": 70, "completion_tokens": 9}
    choice = {"index": 0, "finish_reason": "stop", "usage": usage}
    step = Wire([delta(content="Hi"), event({"choices": [choice]}), DONE], content_type="text/event-stream")
    plain = Wire({"choices": [{**choice, "message": {"content": "Hi"}}]})
    for result in (await providers.ask("openai", step, stream=True), await providers.ask("openai", plain)):
        assert (result.usage.prompt_tokens, result.usage.completion_tokens, result.usage.estimated) == (70, 9, False)


async def test_a_final_usage_of_zeros_is_ignored(providers: Providers) -> None:
    """Zeros at the end, which some servers send after the actual counts, are ignored."""
    counted, nothing = ({"prompt_tokens": sent, "completion_tokens": written} for sent, written in ((70, 9), (0, 0)))
    events = [event({"choices": [], "usage": counted}), delta("stop"), event({"choices": [], "usage": nothing}), DONE]
    step = Wire([delta(content="Hi"), *events], content_type="text/event-stream")
    usage = (await providers.ask("openai", step, stream=True)).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == (70, 9, False)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize("before", [b"", b": hello\n\n", b"event: message\n", b"\n\n", codecs.BOM_UTF8])
async def test_events_are_detected_by_their_first_bytes(providers: Providers, content_type: str, before: bytes) -> None:
    """Events are detected with any content type, because the provider bills the answer."""
    step = Wire([before + delta(content="Hel"), delta(content="lo"), delta("stop"), DONE], content_type=content_type)
    assert (await providers.ask("openai", step, stream=True)).content == "Hello"


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("first", [1, 3, 5])
async def test_events_that_begin_slowly_are_detected(providers: Providers, content_type: str, first: int) -> None:
    """Events are detected even if their first bytes arrive one at a time."""
    start = delta(content="Hel")
    pieces = [*(start[at : at + 1] for at in range(first)), start[first:], delta(content="lo"), delta("stop"), DONE]
    step = Wire(pieces, content_type=content_type, pause=0.01)
    assert (await providers.ask("openai", step, stream=True)).content == "Hello"


@pytest.mark.parametrize("before", [b" ", b"\n", codecs.BOM_UTF8])
async def test_an_answer_without_streaming_that_begins_slowly_is_detected(providers: Providers, before: bytes) -> None:
    """An answer without streaming is detected even if white space or a byte order mark arrives first."""
    step = Wire([before, b"{", json.dumps(chat("whole")).encode()[1:]], content_type="text/event-stream", pause=0.01)
    assert (await providers.ask("openai", step, stream=True)).content == "whole"
