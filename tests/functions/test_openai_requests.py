"""What clients of OpenAI's API send besides texts, through OpenAI's own client, until it reaches the model."""

from typing import Any

import pytest

from tests.doubles.model_server import Answer, ModelServer
from tests.doubles.openai_streams import CALL, WEATHER
from tests.functions.openai_service import HI, MODEL, Service, check
from tests.functions.openai_service import idle as idle
from tests.functions.openai_service import service as service

OTHER = {**WEATHER, "name": "get_time"}
TOOLS: list[Any] = [{"type": "function", "function": function} for function in (WEATHER, OTHER)]
FLAT_TOOLS: list[Any] = [{"type": "function", "strict": False, **function} for function in (WEATHER, OTHER)]


async def test_what_clients_add_to_messages(service: Service, model_server: ModelServer) -> None:
    """An answer that a client sends back with the fields that it has added is taken as what it says."""
    added = {"provider_specific_fields": {"refusal": None}, "thinking_blocks": [], "reasoning_details": [{"a": 1}]}
    call: dict[str, Any] = {**CALL, "provider_specific_fields": {}, "extra_content": {}}
    call["function"] = {**call["function"], "parsed_arguments": {"city": "Bonn"}}
    said = {
        "role": "assistant",
        "content": None,
        "function_call": None,
        "audio": None,
        "reasoning": "Hm.",
        "parsed": {},
    }
    messages: list[Any] = [
        {"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}},
        {**said, **added, "tool_calls": [call]},
        {
            "role": "tool",
            "content": [{"type": "text", "text": "rain"}],
            "tool_call_id": "call_1",
            "name": "get_weather",
        },
    ]
    model_server.script("hi", Answer("It rains."))
    completion = await service.client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
    assert check(completion).choices[0].message.content == "It rains."
    sent = model_server.calls[0].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[1]["tool_calls"] == [CALL]


@pytest.mark.parametrize("mode", ["auto", "required"])
async def test_allowed_tools(service: Service, model_server: ModelServer, mode: str) -> None:
    """Of the tools, the model gets those that the choice allows, and the mode is its choice."""
    choice: Any = {"mode": mode, "tools": [{"type": "function", "function": {"name": "get_time"}}]}
    await service.client.chat.completions.create(
        model=MODEL, messages=HI, tools=TOOLS, tool_choice={"type": "allowed_tools", "allowed_tools": choice}
    )
    flat: Any = {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "get_time"}]}
    check(await service.client.responses.create(model=MODEL, input="hi", tools=FLAT_TOOLS, tool_choice=flat))
    for call in model_server.calls:
        assert [tool["function"]["name"] for tool in call.body["tools"]] == ["get_time"]
        assert call.body.get("tool_choice", "auto") == mode


async def test_an_image_in_its_original_size(idle: Service) -> None:
    """The detail `original`, which chat completions do not have, is `high`."""
    image: Any = {"type": "input_image", "image_url": "https://images.example/a.png", "detail": "original"}
    items: Any = [{"role": "user", "content": [image]}]
    response = await idle.client.responses.create(model=MODEL, input=items, background=True)
    (item,) = (await idle.client.responses.input_items.list(response.id)).data
    assert item.type == "message"
    assert item.content[0].to_dict()["detail"] == "high"
