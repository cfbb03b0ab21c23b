"""Tests the streams from their pieces: answers that begin again, parts that are gone, and time limits."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from shared.models.chat import ChatResult
from shared.models.conversation import CompletionRequest
from shared.models.openai_api.errors import AnswerFailed
from shared.models.part import PARTS_PER_ATTEMPT, Delta, PartKind
from shared.models.ticket import Ticket
from shared.services.openai_api.completions import ChunkWriter
from shared.services.openai_api.pieces import Begun, Ended, PartsGone, Piece
from shared.services.openai_api.response_events import EventWriter
from shared.services.openai_api.streams import stream_completion, stream_response

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICKET = Ticket(
    id="0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10", owner="o", provider="openai", model="m", created_at=NOW, updated_at=NOW
)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def request(**echo: Any) -> CompletionRequest:
    fields = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "m"}
    return CompletionRequest.model_validate({**fields, "echo": {"api": "responses", **echo}})


def say(text: str) -> Delta:
    return Delta(PartKind.CONTENT, text)


def end(content: str, **thoughts: Any) -> Ended:
    return Ended(TICKET.complete(ChatResult(content=content, thoughts=thoughts or None, model="openai/m"), NOW))


async def pieces_of(*pieces: Piece, then_wait: bool = False) -> AsyncIterator[Sequence[Piece]]:
    for piece in pieces:
        yield [piece]
    if then_wait:
        await asyncio.Future()


async def respond(*pieces: Piece, after: int = -1, then_wait: bool = False, **echo: Any) -> list[dict[str, Any]]:
    """Returns the events, each validated against the library's type."""
    stream = stream_response(
        pieces_of(*pieces, then_wait=then_wait),
        EventWriter(TICKET, request(**echo)),
        after,
        0.05 if then_wait else 60,
        lambda: None,
        is_background=bool(echo.get("background")),
    )
    text = b"".join([line async for batch in stream for line in batch]).decode()
    events = [json.loads(block.partition("data: ")[2]) for block in text.split("\n\n") if block]
    names = [block.partition("\n")[0].removeprefix("event: ") for block in text.split("\n\n") if block]
    assert names == [event["type"] for event in events]
    for event in events:
        EVENT.validate_python(event)
    return events


async def complete(*pieces: Piece) -> list[Any]:
    """Returns the chunks, each validated against the library's type, and errors and `[DONE]` as they are."""
    stream = stream_completion(pieces_of(*pieces), ChunkWriter(TICKET, include_usage=False), 60, lambda: None)
    lines = [line.decode().removeprefix("data: ").strip() async for batch in stream for line in batch]
    data = [line if line == "[DONE]" else json.loads(line) for line in lines]
    for chunk in data:
        if chunk != "[DONE]" and "error" not in chunk:
            ChatCompletionChunk.model_validate(chunk)
    return data


def numbers(events: Sequence[dict[str, Any]]) -> list[int]:
    return [event["sequence_number"] for event in events]


def text_of(events: Sequence[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


async def test_a_completion_that_begins_again_ends_with_an_error() -> None:
    """A client cannot take text back, so a stream whose answer begins again ends with an error."""
    chunks = await complete(Begun(0), say("Hel"), Begun(PARTS_PER_ATTEMPT), say("Good day."), end("Good day."))
    assert chunks[-1]["error"]["code"] == "server_error"
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks[:-1]] == ["", "Hel"]


async def test_an_answer_that_begins_again_before_its_first_word_goes_on() -> None:
    """If nothing had been said, the client gets the second attempt's answer."""
    chunks = await complete(Begun(0), Begun(PARTS_PER_ATTEMPT), say("Hello."), end("Hello."))
    assert chunks[-1] == "[DONE]"
    events = await respond(Begun(0), Begun(PARTS_PER_ATTEMPT), say("Hello."), end("Hello."))
    assert events[-1]["type"] == "response.completed"


async def test_a_completion_that_fails_before_its_first_word_raises_its_error() -> None:
    """The error then becomes the response itself, with its own status."""
    with pytest.raises(AnswerFailed, match="No answer"):
        await complete(Begun(0), Ended(TICKET.fail("No answer.", NOW)))


async def test_a_completion_says_what_the_parts_did_not() -> None:
    """Text and calls that are only in the result come at the end."""
    call = {"id": None, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    *chunks, _ = await complete(Begun(0), say("Hel"), end("Hello.", tool_calls=[call]))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas) == "Hello."
    (calls,) = [delta["tool_calls"] for delta in deltas if "tool_calls" in delta]
    assert calls[0]["id"] == "call_0b6f0d0e5d0b4c568f5e6f7f3f1c2a10_0"
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_response_that_begins_again() -> None:
    """Its stream ends with an error. Read again, its events have other numbers, and an older number is refused."""
    first = await respond(Begun(0), say("Hel"), Begun(PARTS_PER_ATTEMPT), say("Good day."), end("Good day."))
    assert (first[-1]["type"], first[-1]["code"]) == ("error", "server_error")
    again = await respond(Begun(PARTS_PER_ATTEMPT), say("Good day."), end("Good day."))
    assert numbers(again)[:2] == [0, 1]
    assert numbers(again)[2] > max(numbers(first))
    assert numbers(again) == sorted(set(numbers(again)))
    assert text_of(again) == "Good day."
    for after in range(2, len(first) - 1):
        lost = await respond(Begun(PARTS_PER_ATTEMPT), say("Good day."), end("Good day."), after=after)
        assert [event["type"] for event in lost] == ["error"]
    for after in (-1, 0, 1):
        rest = await respond(Begun(PARTS_PER_ATTEMPT), say("Good day."), end("Good day."), after=after)
        assert rest == again[after + 1 :]


@pytest.mark.parametrize("background", [False, True])
async def test_each_number_continues_a_stream(background: bool) -> None:
    """After any number, a client gets exactly the events that it does not have yet."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    citation = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2}
    pieces: tuple[Piece, ...] = (
        Begun(0),
        Delta(PartKind.REASONING, "Hm."),
        say("Hel"),
        Delta(PartKind.TOOL, tool_calls=[call]),
        Delta(PartKind.REASONING, "Or?"),
        say("lo."),
        end("Hello.", tool_calls=[call], reasoning="Hm.Or?", citations=[citation]),
    )
    whole = await respond(*pieces, background=background)
    assert numbers(whole) == list(range(len(whole)))
    for after in numbers(whole):
        assert await respond(*pieces, after=after, background=background) == whole[after + 1 :]
    output = whole[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call", "reasoning", "message"]
    assert len({item["id"] for item in output}) == 5
    assert output[-1]["content"][0]["annotations"][0]["url"] == "https://a.example"
    added = [event["item"]["id"] for event in whole if event["type"] == "response.output_item.added"]
    assert added == [item["id"] for item in output]


async def test_parts_that_are_gone() -> None:
    """Without its parts, a response is read in one piece, but not continued."""
    pieces: tuple[Piece, ...] = (Begun(0), PartsGone(), say("Hello."), end("Hello."))
    assert text_of(await respond(*pieces)) == "Hello."
    assert (await respond(*pieces, after=1))[-1]["type"] == "response.completed"
    (error,) = await respond(*pieces, after=30)
    assert (error["type"], "no longer stored" in error["message"]) == ("error", True)


async def test_the_time_limit() -> None:
    """At the time limit, a stream ends with an error, except that one in the background just ends."""
    events = await respond(Begun(0), say("Hel"), then_wait=True)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "timeout")
    events = await respond(Begun(0), say("Hel"), then_wait=True, background=True)
    assert events[-1]["type"] == "response.output_text.delta"


async def test_a_failed_response_keeps_what_was_said() -> None:
    """The last event has the error, and the item that had been begun."""
    events = await respond(Begun(0), say("Hel"), Ended(TICKET.fail("The model failed.", NOW)))
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "The model failed."}
    assert events[-1]["response"]["output"][0]["status"] == "incomplete"
