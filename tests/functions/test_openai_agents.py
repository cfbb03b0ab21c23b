"""Deployed agents through OpenAI's own client: they are models of the provider `gofannon`."""

import asyncio
from typing import Any

import openai
import pytest

from shared.models.caller import LOCAL_USER, Caller
from shared.store import Database
from tests.doubles.model_server import Answer, ModelServer
from tests.functions.openai_service import HI, Service, check, types_of
from tests.functions.openai_service import idle as idle
from tests.functions.openai_service import service as service
from tests.functions.test_openai_responses import MESSAGE_EVENTS, START, THOUGHT_EVENTS, read, until_ended
from tests.sandbox_workers import end_workers_after_test as end_workers_after_test
from tests.services.publishing import MODEL_CALLER, publish

CALLER = Caller(uid=LOCAL_USER)
AGENT = "gofannon/greeter"
PRINTS = """
async def run(input_dict, tools):
    print("looking up", input_dict["inputText"])
    print("done")
    return {"outputText": "Hello, " + input_dict["inputText"] + input_dict.get("mark", ".")}
"""
ASKS = """
async def run(input_dict, tools):
    return {"outputText": await ask("Which?", choices=["a", "b"])}
"""
FAILS = "async def run(input_dict, tools):\n    raise ValueError('no tea')"


async def test_an_agent_completes_a_chat(service: Service, database: Database) -> None:
    """The newest message is the agent's `inputText`, `agent_input` the rest of its input, and its text the answer."""
    await publish(database, CALLER, "greeter", PRINTS)
    completion = check(
        await service.client.chat.completions.create(
            model=AGENT, messages=[*HI, {"role": "user", "content": "Ada"}], extra_body={"agent_input": {"mark": "!"}}
        )
    )
    (choice,) = completion.choices
    assert (choice.message.content, choice.finish_reason, completion.model) == ("Hello, Ada!", "stop", AGENT)


async def test_what_an_agent_prints_is_streamed(service: Service, database: Database) -> None:
    """In a stream, what the agent prints comes as thoughts, and then its text."""
    await publish(database, CALLER, "greeter", PRINTS)
    messages: list[Any] = [{"role": "user", "content": "Ada"}]
    stream = await service.client.chat.completions.create(model=AGENT, messages=messages, stream=True)
    chunks = [check(chunk) async for chunk in stream]
    deltas = [chunk.choices[0].delta.to_dict() for chunk in chunks]
    assert "".join(str(delta.get("reasoning_content") or "") for delta in deltas) == "looking up Ada\ndone\n"
    assert "".join(str(delta.get("content") or "") for delta in deltas) == "Hello, Ada."
    events = await read(service.client.responses.create(model=AGENT, input="Ada", stream=True))
    assert types_of(events) == [*START, *THOUGHT_EVENTS, *MESSAGE_EVENTS, "response.completed"]
    assert events[-1].response.output_text == "Hello, Ada."


async def test_an_agent_responds(service: Service, database: Database, model_server: ModelServer) -> None:
    """The usage of an agent's response is that of the models that it called."""
    await publish(database, CALLER, "greeter", MODEL_CALLER)
    model_server.script("Ada", Answer("Hello.", prompt_tokens=20, completion_tokens=4))
    response = check(await service.client.responses.create(model=AGENT, input="Ada"))
    assert response.output_text == "Hello."
    assert response.usage
    assert (response.usage.input_tokens, response.usage.output_tokens) == (20, 4)


async def test_an_agent_that_waits_for_an_answer(service: Service, database: Database) -> None:
    """A run that asks a person something is `in_progress`, and can be cancelled."""
    await publish(database, CALLER, "greeter", ASKS)
    response = check(await service.client.responses.create(model=AGENT, input="Ada", background=True))
    assert response.status == "queued"
    async with asyncio.timeout(30):
        while (shown := await service.client.responses.retrieve(response.id)).status == "queued":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert shown.status == "in_progress"
    await service.client.responses.cancel(response.id)
    assert (await until_ended(service, response.id)).status == "cancelled"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_input_that_an_agent_does_not_accept(service: Service, database: Database, stream: bool) -> None:
    """It is the request's fault, and the error names the field that has the rest of the input."""
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    await publish(database, CALLER, "formal", PRINTS, inputSchema=schema)
    with pytest.raises(openai.BadRequestError, match="title") as raised:
        await service.client.chat.completions.create(model="gofannon/formal", messages=HI, stream=stream)  # pyright: ignore
    assert (raised.value.param, raised.value.code) == ("agent_input", "invalid_value")


async def test_an_agent_that_fails(service: Service, database: Database) -> None:
    """An agent's error is a 502 that its owner can read, and that clients do not repeat."""
    await publish(database, CALLER, "greeter", FAILS)
    with pytest.raises(openai.InternalServerError, match="no tea") as raised:
        await service.client.responses.create(model=AGENT, input="Ada")
    assert raised.value.status_code == 502
    assert raised.value.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 0.5}, "temperature"),
        ({"max_tokens": 5}, "max_tokens"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
async def test_what_has_no_effect_on_an_agent(
    idle: Service, database: Database, fields: dict[str, Any], param: str
) -> None:
    """Parameters of models and tools are refused by name, since an agent chooses its own."""
    await publish(database, CALLER, "greeter")
    with pytest.raises(openai.BadRequestError) as raised:
        await idle.client.chat.completions.create(model=AGENT, messages=HI, extra_body=fields)
    assert raised.value.param == param
    check(await idle.client.responses.create(model=AGENT, input="hi", temperature=1, top_p=1, background=True))
