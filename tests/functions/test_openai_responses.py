"""Responses through OpenAI's own client, against the running function and a worker.

Everything that the client receives is validated against the types of the library, which it does not do itself.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from shared.models.openai_api.ids import ticket_of
from shared.store import Database
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.doubles.openai_streams import CALL, DETAILS, WEATHER, stream_of
from tests.functions.openai_service import MODEL, Service, check, connect, types_of
from tests.functions.openai_service import idle as idle
from tests.functions.openai_service import service as service
from tests.images import PNG, data_url

MESSAGE_EVENTS = [
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
]
THOUGHT_EVENTS = [
    "response.output_item.added",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    "response.output_item.done",
]
CALL_EVENTS = [
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
]
REFUSAL_EVENTS = [
    "response.content_part.added",
    "response.refusal.delta",
    "response.refusal.done",
    "response.content_part.done",
    "response.output_item.done",
]
START = ["response.created", "response.in_progress"]


async def respond(service: Service, prompt: Any = "hi", **options: Any) -> Response:
    fields: dict[str, Any] = {"model": MODEL, "input": prompt, **options}
    response: Response = await service.client.responses.create(**fields)
    return check(response)


async def stream(service: Service, prompt: Any = "hi", **options: Any) -> list[Any]:
    fields: dict[str, Any] = {"model": MODEL, "input": prompt, "stream": True, **options}
    return await read(service.client.responses.create(**fields))


async def read(stream: Awaitable[Any]) -> list[Any]:
    """Returns the events of a stream until its end."""
    return [check(event) async for event in await stream]


async def until_ended(service: Service, response_id: str) -> Response:
    async with asyncio.timeout(60):
        while True:
            response = check(await service.client.responses.retrieve(response_id))
            if response.status not in ("queued", "in_progress"):
                return response
            await asyncio.sleep(0.1)


async def test_a_response_has_the_answer_and_its_usage(service: Service, model_server: ModelServer) -> None:
    """The text, the usage, and the fields of the request, in OpenAI's shape."""
    model_server.script("hi", Answer("Hello.", prompt_tokens=7, completion_tokens=3))
    response = await respond(
        service, instructions="Be brief.", metadata={"a": "b"}, temperature=0.5, max_output_tokens=99
    )
    assert (response.output_text, response.status, response.object) == ("Hello.", "completed", "response")
    assert response.usage
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (7, 3, 10)
    assert response.id.startswith("resp_")
    assert (response.instructions, response.metadata, response.temperature) == ("Be brief.", {"a": "b"}, 0.5)
    assert (response.max_output_tokens, response.background, response.model) == (99, False, MODEL)
    (call,) = model_server.calls
    assert [message["content"] for message in call.body["messages"]] == ["Be brief.", "hi"]


async def test_the_details_of_a_usage(service: Service, model_server: ModelServer) -> None:
    """A response and its stream have the provider's counts of cached tokens and of thoughts, also later."""
    model_server.script("hi", *[stream_of({"content": "Hello."}, details=DETAILS)] * 2)
    responses: list[Any] = [await respond(service), (await stream(service))[-1].response]
    for response in responses:
        for shown in (response, await service.client.responses.retrieve(response.id)):
            assert shown.usage
            assert shown.usage.input_tokens_details.cached_tokens == 8
            assert shown.usage.output_tokens_details.reasoning_tokens == 3


async def test_the_events_of_a_stream(service: Service, model_server: ModelServer) -> None:
    """The events come in the documented order, are numbered from 0, and their deltas are the text."""
    model_server.script("hi", stream_of({"content": "Hel"}, {"content": "lo."}, pause=0.5))
    events = await stream(service)
    assert types_of(events) == [*START, *MESSAGE_EVENTS, "response.completed"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "Hello."
    assert len(deltas) > 1
    assert events[-1].response.output_text == "Hello."
    assert events[-1].response == await service.client.responses.retrieve(events[0].response.id)


async def test_the_clients_stream_helper_accumulates_the_response(service: Service, model_server: ModelServer) -> None:
    """The helper `client.responses.stream` gets the whole response from the events."""
    model_server.script("hi", stream_of({"content": "Hel"}, {"content": "lo."}, pause=0.5))
    async with service.client.responses.stream(model=MODEL, input="hi") as events:
        response = await events.get_final_response()
    assert response.output_text == "Hello."


async def test_thoughts_are_a_reasoning_item(service: Service, model_server: ModelServer) -> None:
    """What the provider shows of the model's thoughts is the summary of an item before the message."""
    said = stream_of({"reasoning_content": "Hm."}, {"content": "Hello."}, pause=0.5)
    model_server.script("hi", said, said)
    response = await respond(service)
    thoughts, message = response.output
    assert thoughts.type == "reasoning"
    assert [part.text for part in thoughts.summary] == ["Hm."]
    assert message.type == "message"
    events = await stream(service)
    assert types_of(events) == [*START, *THOUGHT_EVENTS, *MESSAGE_EVENTS, "response.completed"]


async def test_a_refusal(service: Service, model_server: ModelServer) -> None:
    """What the model says instead of an answer is a part of the type `refusal`. In a stream, it is text."""
    refused = stream_of({"refusal": "I can't."})
    model_server.script("hi", refused, refused)
    (message,) = (await respond(service)).output
    assert message.type == "message"
    assert [part.to_dict() for part in message.content] == [{"type": "refusal", "refusal": "I can't."}]
    events = await stream(service)
    assert types_of(events) == [*START, *MESSAGE_EVENTS, "response.completed"]


async def test_a_refusal_after_some_text(service: Service, model_server: ModelServer) -> None:
    """If the model says both, the refusal is the second part of the message, in the response and in its stream."""
    refused = stream_of({"content": "Well."}, {"refusal": "I can't."})
    model_server.script("hi", refused, refused)
    (message,) = (await respond(service)).output
    assert message.type == "message"
    assert [part.type for part in message.content] == ["output_text", "refusal"]
    events = await stream(service)
    assert types_of(events) == [*START, *MESSAGE_EVENTS[:-1], *REFUSAL_EVENTS, "response.completed"]
    assert [event.content_index for event in events if "refusal" in event.type] == [1, 1]
    assert events[-1].response == await service.client.responses.retrieve(events[0].response.id)


async def test_a_response_has_no_null_where_the_schema_has_none(service: Service) -> None:
    """The `user` that was not sent, and the usage that is not known yet, are missing."""
    events = await stream(service)
    assert "usage" not in events[0].response.to_dict()
    assert "usage" in events[-1].response.to_dict()
    assert "user" not in events[-1].response.to_dict()
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": None, "description": None}
    described = (await respond(service, user="ada", text={"format": schema})).to_dict()
    assert described["user"] == "ada"
    assert described["text"] == {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}


async def test_a_parsed_response_has_its_type(service: Service, model_server: ModelServer) -> None:
    """The helper `parse` sends the schema of a class, and gets an object of it."""

    class City(BaseModel):
        name: str

    model_server.script("hi", Answer('{"name": "Bonn"}'))
    response = await service.client.responses.parse(model=MODEL, input="hi", text_format=City)
    assert response.output_parsed == City(name="Bonn")
    sent = model_server.calls[0].body["response_format"]
    assert (sent["type"], sent["json_schema"]["name"]) == ("json_schema", "City")


async def test_an_incomplete_response(service: Service, model_server: ModelServer) -> None:
    """A response that reached its limit is `incomplete`, and says why; its stream ends with the same event."""
    said = stream_of({"content": "Hel"}, finish_reason="length")
    model_server.script("hi", said, said)
    response = await respond(service)
    assert (response.status, response.output_text) == ("incomplete", "Hel")
    assert response.incomplete_details
    assert response.incomplete_details.reason == "max_output_tokens"
    assert (await stream(service))[-1].type == "response.incomplete"


async def test_the_items_of_an_input(service: Service, model_server: ModelServer) -> None:
    """Messages of all roles and images are sent. Thoughts of an earlier response are left out."""
    image = {"type": "input_image", "image_url": data_url(PNG), "detail": "low"}
    items: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "See."}, image]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "content": [{"type": "output_text", "text": "I do.", "annotations": []}],
        },
        {"role": "user", "content": "hi"},
    ]
    response = await respond(service, items)
    (call,) = model_server.calls
    assert [message["role"] for message in call.body["messages"]] == ["system", "user", "assistant", "user"]
    assert call.body["messages"][1]["content"][1]["image_url"]["url"] == data_url(PNG)
    page = check(await service.client.responses.input_items.list(response.id, order="asc", limit=2))
    assert [item.type for item in page.data] == ["message", "message"]
    assert [item async for item in page] == list(
        reversed([item async for item in service.client.responses.input_items.list(response.id)])
    )


async def test_a_conversation_continues(service: Service, model_server: ModelServer) -> None:
    """A response after another has its conversation, but not its instructions."""
    model_server.script("one", Answer("First."))
    first = await respond(service, "one", instructions="Only for the first.")
    second = await respond(service, "two", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    await respond(service, "three", previous_response_id=second.id, instructions="For the third.")
    sent = [[message["content"] for message in call.body["messages"]] for call in model_server.calls]
    assert sent[1] == ["one", "First.", "two"]
    assert sent[2] == ["For the third.", "one", "First.", "two", "You said: two", "three"]


async def test_a_response_in_the_background(service: Service, model_server: ModelServer) -> None:
    """It is returned at once as `queued`, and can be retrieved until and after its end."""
    model_server.script("hi", Answer("Hello.", delay=1))
    response = await respond(service, background=True)
    assert (response.status, response.output, response.background) == ("queued", [], True)
    ended = await until_ended(service, response.id)
    assert (ended.status, ended.output_text) == ("completed", "Hello.")


async def test_a_stream_is_continued(service: Service, model_server: ModelServer) -> None:
    """A client that lost its connection continues after the last number that it has, and misses nothing.

    The events have the same numbers whenever they are read.
    """
    model_server.script("hi", stream_of(*({"content": f"{n} "} for n in range(12)), pause=0.2))
    events: Any = await service.client.responses.create(model=MODEL, input="hi", background=True, stream=True)
    seen: list[Any] = []
    async for event in events:
        seen.append(check(event))
        if event.type == "response.output_text.delta":
            break
    await events.close()
    id_, last = seen[0].response.id, seen[-1].sequence_number
    rest = await read(service.client.responses.retrieve(id_, stream=True, starting_after=last))
    assert types_of(seen)[:3] == ["response.created", "response.queued", "response.in_progress"]
    assert [event.sequence_number for event in (*seen, *rest)] == list(range(len(seen) + len(rest)))
    again = await read(service.client.responses.retrieve(id_, stream=True))
    assert again == [*seen, *rest]
    text = "".join(event.delta for event in again if event.type == "response.output_text.delta")
    assert text == again[-1].response.output_text == "".join(f"{n} " for n in range(12))


async def test_events_that_are_no_longer_stored(service: Service, database: Database) -> None:
    """Once the parts have expired, the text comes in one piece, and a stream cannot be continued."""
    events = await stream(service, background=True)
    id_ = events[0].response.id
    ticket_id = ticket_of(id_)
    assert ticket_id is not None
    await database.parts.delete(ticket_id, 100)
    again = await read(service.client.responses.retrieve(id_, stream=True))
    assert again[-1].type == "response.completed"
    assert again[-1].response.output_text == "You said: hi"


async def test_a_response_is_cancelled(service: Service, model_server: ModelServer) -> None:
    """A response in the background is cancelled with what had been said; cancelling it again changes nothing.

    One that is not in the background cannot be cancelled.
    """
    model_server.script("wait", stream_of({"content": "Hel"}, silent=True))
    response = await respond(service, "wait", background=True)
    await model_server.called()
    await asyncio.sleep(1)
    cancelled = check(await service.client.responses.cancel(response.id))
    assert (cancelled.status, cancelled.output_text) == ("cancelled", "Hel")
    assert check(await service.client.responses.cancel(response.id)) == cancelled
    events = await read(service.client.responses.retrieve(response.id, stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "cancelled"
    finished = await respond(service)
    with pytest.raises(openai.BadRequestError, match="background"):
        await service.client.responses.cancel(finished.id)


async def test_a_response_is_deleted(service: Service) -> None:
    """A deleted response is gone, also as the beginning of a conversation."""
    response = await respond(service)
    deleted = await service.client.delete(f"/responses/{response.id}", cast_to=dict[str, Any])
    assert deleted == {"id": response.id, "object": "response", "deleted": True}
    for call in (
        service.client.responses.retrieve(response.id),
        service.client.responses.delete(response.id),
        service.client.responses.input_items.list(response.id),
        service.client.responses.create(model=MODEL, input="hi", previous_response_id=response.id),
    ):
        with pytest.raises(openai.NotFoundError) as raised:
            await call
        assert raised.value.code == "response_not_found"


async def test_an_unfinished_response_is_not_deleted_or_continued(idle: Service) -> None:
    """Deleting a response that has not ended is a conflict, and it cannot be continued."""
    response = await respond(idle, background=True)
    with pytest.raises(openai.ConflictError):
        await idle.client.responses.delete(response.id)
    with pytest.raises(openai.BadRequestError, match="pending") as raised:
        await respond(idle, previous_response_id=response.id)
    assert raised.value.param == "previous_response_id"


async def test_a_response_that_is_not_stored(service: Service) -> None:
    """With `store: false`, the response is returned, and cannot be retrieved or continued."""
    response = await respond(service, store=False)
    assert response.to_dict()["store"] is False
    with pytest.raises(openai.NotFoundError):
        await service.client.responses.retrieve(response.id)
    with pytest.raises(openai.NotFoundError) as raised:
        await respond(service, previous_response_id=response.id)
    assert raised.value.param == "previous_response_id"


async def test_a_chat_completion_is_not_a_response(service: Service) -> None:
    """The id of another kind of ticket is unknown."""
    completion = await service.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    for name in (completion.id.replace("chatcmpl-", "resp_"), completion.id, "resp_", "made-up"):
        with pytest.raises(openai.NotFoundError):
            await service.client.responses.retrieve(name)


async def test_a_failed_response(service: Service, model_server: ModelServer) -> None:
    """A response in the background whose model fails is `failed` with a reason, and its stream ends so."""
    model_server.script("hi", Fail(401, "Incorrect API key provided."), Fail(401, "Incorrect API key provided."))
    response = await respond(service, background=True)
    ended = await until_ended(service, response.id)
    assert ended.status == "failed"
    assert ended.error
    assert ended.error.code == "server_error"
    assert (await stream(service))[-1].type == "response.failed"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True, "store": False}, "store"),
        ({"truncation": "made-up"}, "truncation"),
        ({"moderation": {"model": "x"}}, "moderation"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"max_tool_calls": 3}, "max_tool_calls"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"include": ["message.output_text.logprobs"]}, "include.0"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"reasoning": {"effort": "low"}}, "reasoning.effort"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"input": []}, None),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].id"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
            "input[0].content[0].type",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].file_id",
        ),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs"]}]}, "tools[0].vector_store_ids"),
        ({"tools": [{"type": "made_up"}]}, "tools"),
        ({"previous_response_id": "resp_made_up"}, "previous_response_id"),
        ({"made_up": 1}, "made_up"),
    ],
)
async def test_what_is_not_supported_is_named(idle: Service, fields: dict[str, Any], param: str | None) -> None:
    """The error for a field that is not supported or not valid names it, and nothing is queued."""
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as raised:
        await idle.client.responses.create(model=MODEL, input="hi", extra_body=fields)
    assert raised.value.type == "invalid_request_error"
    if param is not None:
        assert raised.value.param == param
    assert not idle.tasks.tasks


async def test_functions_are_left_to_the_caller(service: Service, model_server: ModelServer) -> None:
    """A call of a function is an item, and its output goes back to the model, also by way of the response before."""
    tools: list[Any] = [{"type": "function", **WEATHER}]
    called = stream_of({"tool_calls": [{"index": 0, **CALL}]}, finish_reason="tool_calls")
    model_server.script("hi", called, Answer("It rains."), called)
    response = await respond(service, tools=tools)
    (call,) = response.output
    assert call.type == "function_call"
    assert (call.call_id, call.name, call.arguments) == ("call_1", "get_weather", '{"city":"Bonn"}')
    output: list[Any] = [{"type": "function_call_output", "call_id": call.call_id, "output": "rain"}]
    final = await respond(service, output, tools=tools, previous_response_id=response.id)
    assert final.output_text == "It rains."
    assert [message["role"] for message in model_server.calls[1].body["messages"]] == ["user", "assistant", "tool"]
    assert types_of(await stream(service, tools=tools)) == [*START, *CALL_EVENTS, "response.completed"]


async def test_other_users_do_not_see_a_response(service: Service, database: Database) -> None:
    """Nobody but its owner sees a response."""
    response = await respond(service)
    ticket_id = ticket_of(response.id)
    assert ticket_id is not None

    async def give_away(transaction: Any) -> None:
        ticket = await database.tickets.get(ticket_id, transaction)
        assert ticket is not None
        database.tickets.put(ticket.model_copy(update={"owner": "somebody"}), transaction)

    await database.transaction(give_away)
    async with connect(service.url) as other:
        for call in (
            other.responses.retrieve(response.id),
            other.responses.cancel(response.id),
            other.responses.delete(response.id),
        ):
            with pytest.raises(openai.NotFoundError):
                await call
