"""Each provider's stream is joined to the document that it sends without streaming, and passed on meanwhile."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.llm.forms import read_document
from shared.llm.results import read_thoughts, stop_of
from tests.llm.forms_streamed import DISTINCT_FORMS, Followed, Form, halve_surrogates

EVERY_FORM = pytest.mark.parametrize("form", DISTINCT_FORMS, ids=lambda form: form.name)
WORDS = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<thinking>",
        "</thinking>",
        "<thi",
        "<",
        " ",
        "\n",
        "a",
        "😀",
        "Zürich",
        "日本",
        "👩‍👩‍👧",
        "مرحبا",
    ]
)
TEXT = st.one_of(st.text(max_size=30), st.lists(WORDS, max_size=8).map("".join))
CUTS = st.lists(st.integers(0, 60), max_size=12)


def cut_at(cuts: list[int]) -> Callable[[str], list[str]]:
    """Returns a function that divides texts at these positions, also between the two surrogates of an emoji."""

    def cut(text: str) -> list[str]:
        text = halve_surrogates(text)
        ends = sorted({min(at, len(text)) for at in cuts} | {0, len(text)})
        return [text[start:end] for start, end in pairwise(ends)]

    return cut


def divide(whole: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({at * len(whole) // 61 for at in cuts} | {0, len(whole)})
    return [whole[start:end] for start, end in pairwise(ends)]


@EVERY_FORM
@settings(deadline=None, max_examples=80)
@given(content=TEXT, thoughts=TEXT, tokens=CUTS, pieces=CUTS)
def test_a_stream_reads_like_the_document_without_streaming(
    form: Form, content: str, thoughts: str, tokens: list[int], pieces: list[int]
) -> None:
    """Text, thoughts, tools, sources, counts and stop reason are the same, and the deltas are their beginning.

    This holds for any text, divided into any tokens, and into any pieces of bytes.
    """
    document = form.write(content, thoughts)
    followed = Followed()
    stream = form.open(followed.follow)
    for piece in divide(b"".join(form.stream(document, cut_at(tokens))), pieces):
        stream.feed(piece)
    stream.finish()
    joined, whole = read_document(stream.document()), read_document(document)
    assert joined is not None
    assert whole is not None
    assert (stream.unread_bytes, stream.extra_bytes) == (0, 0)
    assert stream.is_complete
    assert stream.has_final_usage
    assert joined == whole
    assert joined.content.startswith(followed.content)
    assert joined.reasoning.startswith(followed.reasoning)
    assert followed.tool_calls == joined.tool_calls
    assert followed.content == joined.content or "<" in content or not content.strip()


@EVERY_FORM
@settings(deadline=None, max_examples=60)
@given(content=TEXT, thoughts=TEXT, tokens=CUTS, end=st.integers(0, 100))
def test_the_deltas_of_a_broken_stream_are_the_beginning_of_its_part(
    form: Form, content: str, thoughts: str, tokens: list[int], end: int
) -> None:
    """The same holds for a stream that is cut off at any byte, and a tool call is passed on only as a whole."""
    document = form.write(content, thoughts)
    whole = b"".join(form.stream(document, cut_at(tokens)))
    followed = Followed()
    stream = form.open(followed.follow)
    stream.feed(whole[: end * len(whole) // 100])
    stream.joiner.drop_open_call()
    joined, all_ = read_document(stream.document()), read_document(document)
    assert joined is not None
    assert all_ is not None
    assert joined.content.startswith(followed.content)
    assert joined.reasoning.startswith(followed.reasoning)
    assert all_.tool_calls[: len(followed.tool_calls)] == followed.tool_calls
    assert all(json.loads(call["function"]["arguments"]) is not None for call in joined.tool_calls)
    assert stream.is_broken_off != stream.is_complete


@EVERY_FORM
def test_each_byte_may_arrive_alone(form: Form) -> None:
    """A stream that arrives in single bytes reads the same."""
    document = form.write("Hello, 世界 😀", "Hm 🤔")
    followed = Followed()
    stream = form.open(followed.follow)
    whole = b"".join(form.stream(document, list))
    for at in range(len(whole)):
        stream.feed(whole[at : at + 1])
    stream.finish()
    assert read_document(stream.document()) == read_document(document)
    assert followed.content.endswith("Hello, 世界 😀")


@EVERY_FORM
@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=300))
def test_no_bytes_raise_an_error(form: Form, data: bytes) -> None:
    """Bytes that are no stream are skipped."""
    stream = form.open(Followed().follow)
    stream.feed(data)
    stream.finish()
    answer = read_document(stream.document())
    assert answer is not None
    assert stop_of(answer) == "error" or stream.is_broken_off


NAMES = st.sampled_from(
    [
        "type", "choices", "delta", "content", "tool_calls", "function", "arguments", "index", "usage", "error", "item",
        "message", "content_block", "text", "thinking", "citation", "candidates", "parts", "functionCall", "args",
        "groundingMetadata", "webSearchQueries", "usageMetadata", "output_index", "response", "output", "done",
        "contentBlockDelta", "contentBlockStart", "contentBlockStop", "start", "toolUse", "reasoningContent", "input",
        "contentBlockIndex", "metadata", "messageStop", "stopReason", "exception", "body", "__type", "annotations",
    ]
)  # fmt: skip
TYPES = st.sampled_from(
    [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "text",
        "text_delta", "input_json_delta", "thinking_delta", "citations_delta", "tool_use", "error", "reasoning",
        "response.completed", "response.output_item.added", "response.output_item.done", "response.created", "message",
        "response.output_text.delta", "response.reasoning_summary_text.delta", "function_call",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.integers(-2, 9)
    | st.text(max_size=3)
    | st.sampled_from(["\ud83d", "\ude00"])
    | TYPES
    | st.booleans()
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


@EVERY_FORM
@settings(deadline=None, max_examples=150)
@given(values=st.lists(st.dictionaries(NAMES, VALUES, max_size=6), max_size=5))
def test_no_type_is_trusted(form: Form, values: list[dict[str, Any]]) -> None:
    """Known fields may have values of any type, and events may have any order. The deltas stay a beginning."""
    followed = Followed()
    stream = form.open(followed.follow)
    for value in values:
        stream.joiner.add(value, 100)
    stream.joiner.finish()
    answer = read_document(stream.document())
    assert answer is not None
    read_thoughts(answer, None)
    if form.name != "responses":  # its last event replaces all others
        assert answer.content.startswith(followed.content)
        assert answer.reasoning.startswith(followed.reasoning)
