"""Chat completions and models through OpenAI's own client, against the running function and a worker.

Everything that the client receives is validated against the types of the library, which it does not do itself.
"""

import asyncio
from typing import Any

import openai
import pytest
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from shared.models.caller import LOCAL_USER, Caller
from shared.models.chat import TicketStatus
from shared.store import Database
from tests.doubles.model_server import Answer, ModelServer
from tests.doubles.openai_streams import CALL, DETAILS, WEATHER, stream_of
from tests.functions.openai_service import HI, MODEL, Service, check
from tests.functions.openai_service import idle as idle
from tests.functions.openai_service import service as service
from tests.images import PNG, data_url
from tests.services.publishing import publish


async def ask(service: Service, prompt: str = "hi", **options: Any) -> ChatCompletion:
    fields: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], **options}
    completion: ChatCompletion = await service.client.chat.completions.create(**fields)
    return check(completion)


async def stream(service: Service, prompt: str = "hi", **options: Any) -> list[ChatCompletionChunk]:
    messages = [{"role": "user", "content": prompt}]
    fields: dict[str, Any] = {"model": MODEL, "messages": messages, "stream": True, **options}
    chunks: Any = await service.client.chat.completions.create(**fields)
    return [check(chunk) async for chunk in chunks]


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def test_a_completion_has_the_answer_and_its_usage(service: Service, model_server: ModelServer) -> None:
    """The answer, why it ended, and the provider's counts of tokens, in OpenAI's shape."""
    model_server.script("hi", Answer("Hello.", prompt_tokens=7, completion_tokens=3))
    completion = await ask(service)
    (choice,) = completion.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == ("Hello.", "assistant", "stop")
    assert completion.usage
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens, completion.usage.total_tokens) == (
        7,
        3,
        10,
    )
    assert completion.id.startswith("chatcmpl-")
    assert (completion.object, completion.model) == ("chat.completion", MODEL)
    assert "system_fingerprint" not in completion.to_dict(), "OpenAI's schema has no null here"


async def test_the_details_of_a_usage(service: Service, model_server: ModelServer) -> None:
    """Both forms have the provider's counts of cached tokens and of thoughts, and 0 for what it did not count."""
    model_server.script(
        "hi", *[stream_of({"content": "Hello."}, details=DETAILS)] * 2, stream_of({"content": "Hello."})
    )
    shown = (await ask(service)).to_dict()["usage"]
    assert shown == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert (await stream(service, stream_options={"include_usage": True}))[-1].to_dict()["usage"] == shown
    usage = (await ask(service)).usage
    assert usage
    assert usage.prompt_tokens_details
    assert usage.completion_tokens_details
    assert (usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens) == (0, 0)


async def test_a_stream_has_the_answer_in_chunks(service: Service, model_server: ModelServer) -> None:
    """The first chunk has the role, the last one the reason of the end, and no chunk has a usage."""
    model_server.script("hi", stream_of({"content": "Hel"}, {"content": "lo."}, pause=0.5))
    chunks = await stream(service)
    assert text_of(chunks) == "Hello."
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None and "usage" not in chunk.to_dict() for chunk in chunks)
    assert len(chunks) >= 4, "the text came in pieces"


async def test_a_stream_includes_the_usage_if_asked(service: Service, model_server: ModelServer) -> None:
    """With `include_usage`, a last chunk without choices has the usage; in all others it is null."""
    model_server.script("hi", stream_of({"content": "Hello."}))
    chunks = await stream(service, stream_options={"include_usage": True})
    *others, last = chunks
    assert not last.choices
    assert last.usage
    assert last.usage.total_tokens == 15
    assert all(chunk.to_dict()["usage"] is None for chunk in others)


async def test_the_clients_stream_helper_accumulates_the_answer(service: Service, model_server: ModelServer) -> None:
    """The helper `client.chat.completions.stream` gets the whole completion from the chunks."""
    model_server.script("hi", stream_of({"content": "Hel"}, {"content": "lo."}, pause=0.5))
    async with service.client.chat.completions.stream(model=MODEL, messages=HI) as events:
        completion = await events.get_final_completion()
    assert completion.choices[0].message.content == "Hello."
    assert completion.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("field", "value", "sent"),
    [
        ("temperature", 0.5, {"temperature": 0.5}),
        ("top_p", 0.5, {"top_p": 0.5}),
        ("max_tokens", 100, {"max_completion_tokens": 100}),
        ("max_completion_tokens", 100, {"max_completion_tokens": 100}),
        ("stop", ["END"], {"stop": ["END"]}),
        ("stop", "END", {"stop": ["END"]}),
        ("seed", 7, {"seed": 7}),
        ("presence_penalty", 0.5, {"presence_penalty": 0.5}),
        ("response_format", {"type": "json_object"}, {"response_format": {"type": "json_object"}}),
        ("response_format", {"type": "text"}, {}),
        ("n", 1, {}),
        ("logprobs", False, {}),
        ("store", False, {}),
        ("user", "somebody", {}),
        ("metadata", {"a": "b"}, {}),
        ("service_tier", "auto", {}),
        ("safety_identifier", "x", {}),
    ],
)
async def test_fields_are_sent_to_the_provider(
    service: Service, model_server: ModelServer, field: str, value: Any, sent: dict[str, Any]
) -> None:
    """What the model takes is sent to its provider. What has no effect is accepted, and is not sent."""
    await ask(service, "JSON, please", **{field: value})
    (call,) = model_server.calls
    body = {
        name: part for name, part in call.body.items() if name not in ("model", "messages", "stream", "stream_options")
    }
    limits = {"max_completion_tokens": body.pop("max_tokens")} if "max_tokens" in body else {}
    expected = {"max_completion_tokens": None, **sent}
    actual = {"max_completion_tokens": None, **body, **limits}
    if "max_completion_tokens" not in sent:  # the service may lower the limit to what the allowance covers
        actual["max_completion_tokens"] = None
    assert actual == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"moderation": {"model": "x"}}, "moderation"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"extra_body": {"made_up": 1}}, "made_up"),
        ({"temperature": 9}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}, None),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages[0].content[0].type"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].custom"),
        ({"tools": [{"type": "made_up"}]}, "tools"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"response_format": {"type": "made_up"}}, "response_format"),
        ({"stream_options": {"made_up": True}}, "made_up"),
        ({"agent_input": {}, "extra_body": {"agent_input": {"a": 1}}}, "agent_input"),
    ],
)
async def test_what_is_not_supported_is_named(idle: Service, fields: dict[str, Any], param: str | None) -> None:
    """The error for a field that is not supported or not valid is a 400 that names it, and nothing is queued."""
    extra = {**fields.pop("extra_body", {}), **fields}
    with pytest.raises(openai.BadRequestError) as raised:
        await idle.client.chat.completions.create(model=MODEL, messages=HI, extra_body=extra)
    assert raised.value.type == "invalid_request_error"
    if param is not None:
        assert raised.value.param == param
    assert raised.value.body
    assert not idle.tasks.tasks


async def test_the_roles_of_a_conversation(service: Service, model_server: ModelServer) -> None:
    """All roles but `function` are accepted; `developer` is sent as `system`, and texts in parts are joined."""
    messages: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}], "name": "ada"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "hi"},
    ]
    check(await service.client.chat.completions.create(model=MODEL, messages=messages))
    (call,) = model_server.calls
    assert [(message["role"], message["content"]) for message in call.body["messages"]] == [
        ("system", "Be brief."),
        ("user", "Hello"),
        ("assistant", "Yes?"),
        ("user", "hi"),
    ]


async def test_an_image_is_sent(service: Service, model_server: ModelServer) -> None:
    """An image in a data URL reaches the model's provider."""
    parts = [
        {"type": "text", "text": "hi"},
        {"type": "image_url", "image_url": {"url": data_url(PNG), "detail": "low"}},
    ]
    messages: list[Any] = [{"role": "user", "content": parts}]
    check(await service.client.chat.completions.create(model=MODEL, messages=messages))
    content = model_server.calls[0].body["messages"][-1]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"]
    assert content[1]["image_url"]["url"] == data_url(PNG)


async def test_an_answer_that_was_cut_off(service: Service, model_server: ModelServer) -> None:
    """An answer that reached its limit has the finish reason `length`, in both forms."""
    model_server.script(
        "hi", Answer("Hel", finish_reason="length"), stream_of({"content": "Hel"}, finish_reason="length")
    )
    assert (await ask(service)).choices[0].finish_reason == "length"
    assert (await stream(service))[-1].choices[0].finish_reason == "length"


async def test_a_refusal(service: Service, model_server: ModelServer) -> None:
    """What the model says instead of an answer is the `refusal`. In a stream, it is text like any other."""
    refused = stream_of({"refusal": "I can't."})
    model_server.script("hi", refused, refused)
    (choice,) = (await ask(service)).choices
    assert (choice.message.content, choice.message.refusal, choice.finish_reason) == (None, "I can't.", "stop")
    assert text_of(await stream(service)) == "I can't."


async def test_a_refusal_after_some_text(service: Service, model_server: ModelServer) -> None:
    """If the model says both, the content and the refusal are shown, in both forms."""
    refused = stream_of({"content": "Well."}, {"refusal": "I can't."})
    model_server.script("hi", refused, refused)
    (choice,) = (await ask(service)).choices
    assert (choice.message.content, choice.message.refusal) == ("Well.", "I can't.")
    chunks = await stream(service)
    assert text_of(chunks) == "Well."
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == "I can't."


async def test_thoughts_are_reasoning_content(service: Service, model_server: ModelServer) -> None:
    """What the provider shows of the model's thoughts is `reasoning_content`, as DeepSeek and others name it."""
    said = stream_of({"reasoning_content": "Hm."}, {"content": "Hello."}, pause=0.5)
    model_server.script("hi", said, said)
    completion = await ask(service)
    assert completion.choices[0].message.to_dict()["reasoning_content"] == "Hm."
    chunks = await stream(service)
    thoughts = [chunk.choices[0].delta.to_dict().get("reasoning_content") or "" for chunk in chunks]
    assert "".join(str(thought) for thought in thoughts) == "Hm."
    assert text_of(chunks) == "Hello."


async def test_a_parsed_answer_has_its_type(service: Service, model_server: ModelServer) -> None:
    """The helper `parse` sends the schema of a class, and gets an object of it."""

    class City(BaseModel):
        name: str

    model_server.script("hi", Answer('{"name": "Bonn"}'))
    completion = await service.client.chat.completions.parse(model=MODEL, messages=HI, response_format=City)
    assert completion.choices[0].message.parsed == City(name="Bonn")
    assert model_server.calls[0].body["response_format"]["json_schema"]["name"] == "City"


async def test_an_idempotency_key_gets_the_same_answer(service: Service, model_server: ModelServer) -> None:
    """The same request with the same key is answered once; another request with this key is a conflict."""
    headers = {"Idempotency-Key": "k1"}
    first, again = [await ask(service, extra_headers=headers) for _ in range(2)]
    assert first == again
    assert len(model_server.calls) == 1
    with pytest.raises(openai.ConflictError) as raised:
        await ask(service, "something else", extra_headers=headers)
    assert raised.value.response.headers["x-should-retry"] == "false"


async def test_a_client_that_disconnects_cancels_its_request(
    service: Service, database: Database, model_server: ModelServer
) -> None:
    """The ticket of a request whose client has gone is cancelled, whether it is streamed or not."""
    model_server.script("wait", stream_of({"content": "Hel"}, silent=True))
    model_server.script("hi", Answer("Late.", delay=30))
    chunks = await service.client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "wait"}], stream=True
    )
    async for _ in chunks:
        break
    await chunks.close()
    with pytest.raises(openai.APITimeoutError):
        await ask(service, timeout=1.5)
    async with asyncio.timeout(30):
        while True:
            tickets, _ = await database.tickets.page(LOCAL_USER, 10)
            if len(tickets) == 2 and all(ticket.status is TicketStatus.CANCELLED for ticket in tickets):
                break
            await asyncio.sleep(0.1)


async def test_a_request_with_a_key_goes_on_without_its_client(service: Service, model_server: ModelServer) -> None:
    """A client that sent a key and lost its connection gets the answer by sending the request again."""
    model_server.script("hi", Answer("Late.", delay=2))
    headers = {"Idempotency-Key": "k1"}
    with pytest.raises(openai.APITimeoutError):
        await ask(service, extra_headers=headers, timeout=1)
    completion = await ask(service, extra_headers=headers)
    assert completion.choices[0].message.content == "Late."
    assert len(model_server.calls) == 1


async def test_models_are_listed_and_looked_up(service: Service, database: Database) -> None:
    """The list has all models that can be called, and deployed agents. A model's slash may be encoded or not."""
    await publish(database, Caller(uid=LOCAL_USER), "greeter")
    page = await service.client.models.list()
    models = {model.id: check(model, Model) for model in page.data}
    assert models[MODEL].owned_by == "openai"
    assert models["gofannon/greeter"].owned_by == "gofannon"
    for name in (MODEL, "gofannon/greeter"):
        assert check(await service.client.models.retrieve(name)).id == name
        response = await service.client.get(f"/models/{name}", cast_to=Model)
        assert response.id == name
    with pytest.raises(openai.NotFoundError) as raised:
        await service.client.models.retrieve("openai/made-up")
    assert raised.value.code == "model_not_found"


async def test_functions_are_left_to_the_caller(service: Service, model_server: ModelServer) -> None:
    """A model's call of a function is returned, and its result goes back to the model."""
    tools: list[Any] = [{"type": "function", "function": WEATHER}]
    model_server.script(
        "hi", stream_of({"tool_calls": [{"index": 0, **CALL}]}, finish_reason="tool_calls"), Answer("It rains.")
    )
    completion = await ask(service, tools=tools, tool_choice="auto", parallel_tool_calls=False)
    (choice,) = completion.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    assert choice.message.tool_calls
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "get_weather", '{"city":"Bonn"}')
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    messages: list[Any] = [*HI, choice.message.to_dict(), result]
    final = await service.client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
    assert check(final).choices[0].message.content == "It rains."
    first, second = model_server.calls
    assert first.body["tools"][0]["function"]["name"] == "get_weather"
    assert [message["role"] for message in second.body["messages"]] == ["user", "assistant", "tool"]


async def test_calls_of_functions_are_streamed(service: Service, model_server: ModelServer) -> None:
    """A streamed call of a function has its index, id, name and arguments, and the finish reason says so."""
    tools: list[Any] = [{"type": "function", "function": WEATHER}]
    model_server.script("hi", stream_of({"tool_calls": [{"index": 0, **CALL}]}, finish_reason="tool_calls"))
    chunks = await stream(service, tools=tools)
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert [(call.index, call.id) for call in calls] == [(0, "call_1")]
    assert calls[0].function
    assert (calls[0].function.name, calls[0].function.arguments) == ("get_weather", '{"city":"Bonn"}')
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
